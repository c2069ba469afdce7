"""Discovery promises nothing that no test exercises: a table of every member of every list, and the tests that drive what is promised."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.keyholder import Key, KeyHolder, encrypt, new_key
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
TESTS = Path(__file__).resolve().parent
GOLDEN = TESTS.parent / "golden"
ALGORITHMS = ("ES256", "PS256", "RS256")
ENCRYPTION = ("RSA-OAEP-256", "ECDH-ES")
SECRETS = ("client_secret_basic", "client_secret_post")
HERE = "test_discovery"


def each(members: tuple[str, ...], *tests: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(members, tests)


AUTHENTICATED = f"{HERE}::test_a_secret_opens_every_endpoint"
SIGNED_IN = f"{HERE}::test_a_key_opens_every_endpoint"
KIND = "test_claims::test_each_kind_of_login_tells_what_was_agreed"
PROMPTED = "test_requests::test_a_prompt_brings_the_person_to_the_box"
LEVELS = (
    "test_login::test_the_automatic_person_reaches_the_level_that_was_asked_for",
    "test_requests::test_any_of_several_levels_will_do_and_one_that_is_unknown_lifts_nothing",
)
MATRIX: dict[str, dict[str, tuple[str, ...]]] = {
    "response_types_supported": each(("code",), "test_login::test_a_login_gives_the_claims_that_were_asked_for"),
    "response_modes_supported": {
        "query": ("test_authorize::test_state_comes_back_as_it_was",),
        "form_post": ("test_requests::test_a_code_can_come_by_a_form", "test_requests::test_an_error_comes_the_same_way"),
    }
    | each(
        ("jwt", "query.jwt", "form_post.jwt"),
        "test_signed_answers::test_a_login_is_answered_by_a_signed_response",
        "test_signed_answers::test_errors_are_signed_too",
    ),
    "grant_types_supported": {
        "authorization_code": ("test_token::test_a_code_is_spent_once_and_a_replay_ends_what_it_gave",),
        "refresh_token": ("test_refresh::test_a_confidential_client_keeps_its_token",),
        "client_credentials": ("test_client_credentials::test_a_client_gets_a_token_for_itself",),
    },
    "subject_types_supported": each(("public",), "test_login::test_an_organisation_knows_a_person_by_one_id_in_one_environment"),
    "id_token_signing_alg_values_supported": each(ALGORITHMS, "test_login::test_id_tokens_are_signed_as_the_client_registered"),
    "token_endpoint_auth_methods_supported": each(
        (*SECRETS, "none"), "test_login::test_clients_authenticate_as_they_registered_and_no_other_way"
    )
    | each(("private_key_jwt",), "test_client_assertions::test_a_client_logs_somebody_in_with_its_key"),
    "token_endpoint_auth_signing_alg_values_supported": each(ALGORITHMS, SIGNED_IN),
    "introspection_endpoint_auth_methods_supported": each(SECRETS, AUTHENTICATED) | each(("private_key_jwt",), SIGNED_IN),
    "introspection_endpoint_auth_signing_alg_values_supported": each(ALGORITHMS, SIGNED_IN),
    "revocation_endpoint_auth_methods_supported": each((*SECRETS, "none"), AUTHENTICATED) | each(("private_key_jwt",), SIGNED_IN),
    "revocation_endpoint_auth_signing_alg_values_supported": each(ALGORITHMS, SIGNED_IN),
    "code_challenge_methods_supported": each(
        ("S256",), "test_token::test_a_code_needs_all_that_was_promised", "test_requests::test_a_challenge_that_was_sent_needs_its_verifier"
    ),
    "scopes_supported": each(("openid", "profile", "mitid"), "test_login::test_only_the_claims_of_the_scopes_are_given")
    | each(("ssn",), "test_cpr::test_a_number_that_matches_is_told", "test_cpr::test_by_law_the_number_is_delivered_without_a_form")
    | each(("address", "business", "nemid_pid", "risk"), KIND)
    | each(("simulator_identities",), "test_client_credentials::test_a_client_gets_a_token_for_itself")
    | each(("offline_access",), "test_refresh::test_a_refresh_token_is_given_where_it_was_asked_for_and_the_client_has_the_scope")
    | each(("age_over:15", "age_over:16", "age_over:18", "age_over:21"), f"{HERE}::test_every_age_that_is_named_is_told"),
    "claims_supported": each(
        ("iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "sid", "acr", "amr", "auth_time", "loa", "ial", "aal", "identity_type"),
        KIND,
    )
    | each(("idp", "transaction_id", "core_transaction_id", "name", "given_name", "family_name", "birthdate", "name_protected"), KIND)
    | each(("action", "reference_text"), "test_approvals::test_what_was_shown_is_told")
    | each(("psd2",), "test_psd2::test_the_claim_is_the_core_s_word")
    | each(("mitid_uuid", "mitid_age", "mitid_has_cpr", "mitid_authenticators", "address", "nemid_pid", "risk"), KIND)
    | each(("cpr", "cpr_status"), "test_cpr::test_a_number_that_matches_is_told", "test_cpr::test_somebody_without_a_number")
    | each(("cvr", "organisation_name", "employee_uuid", "rid", "production_unit", "can_represent", "company_signatory"), KIND)
    | each(("age_over_15", "age_over_16", "age_over_18", "age_over_21"), f"{HERE}::test_every_age_that_is_named_is_told"),
    "acr_values_supported": each(
        tuple(f"https://data.gov.dk/concept/core/nsis/{word}" for word in ("Low", "Substantial", "High")), *LEVELS
    ),
    "ui_locales_supported": each(("da", "en"), "test_requests::test_the_first_language_that_we_speak_is_spoken"),
    "prompt_values_supported": each(("none",), "test_sessions::test_prompt_none_is_answered_by_the_first_response")
    | each(("login", "consent", "select_account", "consent_revoke"), PROMPTED),
    "authorization_signing_alg_values_supported": each(ALGORITHMS, "test_signed_answers::test_a_login_is_answered_by_a_signed_response"),
    "userinfo_signing_alg_values_supported": each(ALGORITHMS, "test_encrypted_answers::test_userinfo_is_signed"),
    "userinfo_encryption_alg_values_supported": each(ENCRYPTION, "test_encrypted_answers::test_userinfo_is_encrypted"),
    "userinfo_encryption_enc_values_supported": each(("A256GCM",), "test_encrypted_answers::test_userinfo_is_encrypted"),
    "id_token_encryption_alg_values_supported": each(ENCRYPTION, "test_encrypted_answers::test_an_id_token_is_encrypted_for_its_client"),
    "id_token_encryption_enc_values_supported": each(("A256GCM",), "test_encrypted_answers::test_an_id_token_is_encrypted_for_its_client"),
    "dpop_signing_alg_values_supported": {
        "ES256": ("test_dpop::test_a_token_is_bound_to_the_key_that_it_was_asked_with",),
        "PS256": ("test_dpop::test_an_rsa_key_proves_too",),
    },
    "claim_types_supported": each(("normal",), KIND),
    "request_object_signing_alg_values_supported": each(ALGORITHMS, f"{HERE}::test_a_request_is_signed_with_every_algorithm_that_is_named"),
    "request_object_encryption_alg_values_supported": each(("RSA-OAEP-256",), f"{HERE}::test_a_signed_request_is_encrypted_as_it_says"),
    "request_object_encryption_enc_values_supported": each(("A256GCM",), f"{HERE}::test_a_signed_request_is_encrypted_as_it_says"),
}
FLAGS: dict[str, tuple[bool, str]] = {
    "claims_parameter_supported": (True, "test_requests::test_single_claims_come_without_their_scope"),
    "require_pushed_authorization_requests": (False, "test_login::test_a_login_gives_the_claims_that_were_asked_for"),
    "request_parameter_supported": (True, "test_request_objects::test_a_signed_request_logs_somebody_in"),
    "request_uri_parameter_supported": (
        False,
        "test_pushed_requests::test_18_a_request_uri_cannot_be_pushed_and_a_foreign_one_is_never_fetched",
    ),
    "backchannel_logout_supported": (True, "test_back_channel_logout::test_38_every_member_of_the_session_is_told"),
    "backchannel_logout_session_supported": (True, "test_back_channel_logout::test_38_every_member_of_the_session_is_told"),
    "authorization_response_iss_parameter_supported": (True, "test_authorize::test_a_mistake_of_a_known_client_is_told_to_it"),
}


@cache
def functions_of(module: str) -> frozenset[str]:
    found = ast.parse((TESTS / f"{module}.py").read_text()).body
    return frozenset(part.name for part in found if isinstance(part, ast.FunctionDef))


def described(party: RelyingParty, visitor: Browser) -> dict[str, Any]:
    return dict[str, Any](visitor.get(party.issuer + "/.well-known/openid-configuration").json())


def test_every_member_of_every_list_has_its_tests(party: RelyingParty, visitor: Browser) -> None:
    told = described(party, visitor)
    lists = {name: set(value) for name, value in told.items() if isinstance(value, list)}
    assert lists == {name: set(members) for name, members in MATRIX.items()}
    assert {name: value for name, value in told.items() if isinstance(value, bool)} == {name: value for name, (value, _) in FLAGS.items()}
    assert all(value for value in lists.values())


def test_every_test_that_is_named_is_there() -> None:
    named = {test for members in MATRIX.values() for tests in members.values() for test in tests} | {test for _, test in FLAGS.values()}
    assert not [test for test in sorted(named) if test.partition("::")[2] not in functions_of(test.partition("::")[0])]


def test_claims_that_are_named_are_told_in_a_golden_login() -> None:
    seen: set[str] = set()
    for file in GOLDEN.glob("login-*.json"):
        seen |= set(json.loads(file.read_text())["id_token"])
    assert {name for name, tests in MATRIX["claims_supported"].items() if tests == (KIND,)} <= seen


# What discovery names and no other story tells


def opened(answer: httpx.Response) -> bool:
    """Whether the caller was known: the code, if any, is what is refused then."""
    if answer.status_code == 200:
        return answer.text in ("", '{"active": false}')
    assert answer.json()["error"] in ("invalid_grant", "invalid_client"), answer.text
    return bool(answer.json()["error"] == "invalid_grant")


CALLS: dict[str, dict[str, str]] = {
    "/token": {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", "code_verifier": "x" * 43},
    "/introspect": {"token": "x"},
    "/revoke": {"token": "x"},
}


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("method", [*SECRETS, "none"])
def test_a_secret_opens_every_endpoint(path: str, method: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(auth_method=method)
    body = CALLS[path] | ({} if method == "client_secret_basic" else {"client_id": party.client_id})
    pair = (party.client_id, party.client_secret or "") if method == "client_secret_basic" else None
    right = body | ({"client_secret": party.client_secret or ""} if method == "client_secret_post" else {})
    answer = visitor.http.post(party.issuer + path, data=right, auth=pair) if pair else visitor.http.post(party.issuer + path, data=right)
    # A public client proves nothing, so that it learns nothing of a token.
    assert opened(answer) is not (method == "none" and path == "/introspect")
    if method != "none":
        assert not opened(visitor.http.post(party.issuer + path, data=body, auth=(party.client_id, "wrong")))


@pytest.fixture(scope="module")
def rsa() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})


def key_for(alg: str, rsa: RSAKey) -> Key:
    return new_key() if alg == "ES256" else rsa


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_opens_every_endpoint(alg: str, rsa: RSAKey, fjordbank: House) -> None:
    holder = KeyHolder.at(fjordbank, key_for(alg, rsa))
    for path, body in CALLS.items():
        assert opened(holder.post(path, body, holder.assertion({"alg": alg})))
        assert not opened(holder.post(path, body, holder.assertion({"alg": alg, "kid": "one" if alg != "ES256" else "two"})))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_request_is_signed_with_every_algorithm_that_is_named(alg: str, rsa: RSAKey, fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder.at(fjordbank, key_for(alg, rsa))
    asked = holder.party.ask()
    asked = holder.by_object(asked, holder.request_object(asked, {"alg": alg}))
    assert "code" in holder.party.told(asked, visitor.login(asked))


def test_a_signed_request_is_encrypted_as_it_says(fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder.at(fjordbank)
    told = described(holder.party, visitor)
    (alg,), (enc,) = told["request_object_encryption_alg_values_supported"], told["request_object_encryption_enc_values_supported"]
    asked = holder.party.ask()
    asked = holder.by_object(asked, encrypt(holder.request_object(asked), holder.encryption_key(), alg=alg, enc=enc))
    assert "code" in holder.party.told(asked, visitor.login(asked))


def test_every_age_that_is_named_is_told(fjordbank: House, visitor: Browser) -> None:
    named = [scope for scope in MATRIX["scopes_supported"] if scope.startswith("age_over:")]
    party = fjordbank.client(scopes=("openid", *named))
    for scopes in (named[:1], named):
        asked = party.ask(scope=" ".join(("openid", *scopes)))
        told = party.claims(party.redeem(asked, visitor.login(asked))["id_token"])
        assert {name: told[name] for name in told if name.startswith("age_over_")} == {scope.replace(":", "_"): True for scope in scopes}
