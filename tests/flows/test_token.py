"""Codes and tokens: spent once, by the client that they were given to, with the proof that it has."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import Asked, RelyingParty

Visitors = Callable[..., Browser]


def code_for(party: RelyingParty, visitor: Browser, **changes: str | None) -> tuple[Asked, str]:
    asked = party.ask(**changes)
    return asked, party.told(asked, visitor.login(asked))["code"]


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_code_is_spent_once_and_a_replay_ends_what_it_gave(party: RelyingParty, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    tokens = party.token(asked, code).json()
    assert party.userinfo(tokens["access_token"]).status_code == 200
    refused(party.token(asked, code), "invalid_grant")
    refused(party.userinfo(tokens["access_token"]), "invalid_token", 401)


def test_statement_28_forty_redemptions_at_once_give_one_answer_whose_token_has_ended(
    party: RelyingParty, visitor: Browser, books: Books
) -> None:
    """The code was replayed, so what it gave is revoked (statement 25)."""
    asked, code = code_for(party, visitor)
    with httpx.Client(base_url=visitor.base_url, verify=False, trust_env=False, timeout=30) as http, ThreadPoolExecutor(40) as pool:
        answers = [each.result() for each in [pool.submit(party.token, asked, code, http) for _ in range(40)]]
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 39
    issued = "SELECT count(*) FROM authflows_accesstoken t JOIN authflows_grant g ON g.id = t.grant_id WHERE g.relying_party_id = %s"
    assert books.one(issued, party.relying_party_id) == 1
    (tokens,) = [answer.json() for answer in answers if answer.status_code == 200]
    refused(party.userinfo(tokens["access_token"]), "invalid_token", 401)
    assert party.introspect(tokens["access_token"]).json() == {"active": False}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unauthorized_client"),
        ({"code": None}, "invalid_request"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"code": "a\x00b"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://app.fjordbank.example/back"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": "æ" * 43}, "invalid_grant"),
        ({"code_verifier": "x" * 129}, "invalid_grant"),
    ],
)
def test_a_code_needs_all_that_was_promised(change: dict[str, str | None], error: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(redirect_uris=("https://netbank.fjordbank.example/callback", "https://app.fjordbank.example/back"))
    asked, code = code_for(party, visitor)
    refused(party.token(asked, code, **change), error)
    assert party.token(asked, code).status_code == 200


def test_a_code_belongs_to_the_client_that_it_was_given_to(fjordbank: House, party: RelyingParty, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    refused(fjordbank.client().token(asked, code), "invalid_grant")
    tokens = party.token(asked, code)
    assert tokens.status_code == 200
    refused(fjordbank.client().token(asked, code), "invalid_grant")
    assert party.userinfo(tokens.json()["access_token"]).status_code == 200


def test_a_code_lives_for_a_minute(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked, code = code_for(party, visitor)
    lives = "SELECT extract(epoch FROM code_expires_at - created_at)::int FROM authflows_grant WHERE relying_party_id = %s"
    assert books.one(lives, party.relying_party_id) <= 60
    books.execute("UPDATE authflows_grant SET code_expires_at = now() WHERE relying_party_id = %s", party.relying_party_id)
    refused(party.token(asked, code), "invalid_grant")


def test_a_token_lives_as_long_as_it_says(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked, code = code_for(party, visitor)
    tokens = party.token(asked, code).json()
    assert tokens["expires_in"] == 3600
    books.execute(
        "UPDATE authflows_accesstoken SET expires_at = now() WHERE hash = %s", hashlib.sha256(tokens["access_token"].encode()).digest()
    )
    refused(party.userinfo(tokens["access_token"]), "invalid_token", 401)


def test_an_unknown_client_and_a_wrong_secret_are_told_the_same(party: RelyingParty, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
    pairs = [(party.client_id, "wrong"), (party.client_id, ""), ("nobody", "wrong"), ("nobody\x00", "wrong"), ("", "")]
    answers = [visitor.http.post(party.issuer + "/token", data=body, auth=pair) for pair in pairs]
    assert {(answer.status_code, answer.text, answer.headers["WWW-Authenticate"]) for answer in answers} == {
        (401, '{"error": "invalid_client", "error_description": "client authentication failed"}', 'Basic realm="token"')
    }
    assert party.token(asked, code).status_code == 200


@pytest.mark.parametrize(
    "credentials", ["", "x", "Basic", "Basic !!", "Basic " + b64encode(b"\xff\xfe:x").decode(), "Basic bm9jb2xvbg==", "Bearer x"]
)
def test_credentials_that_cannot_be_read_are_refused(credentials: str, party: RelyingParty, visitor: Browser) -> None:
    headers = {"Authorization": credentials} if credentials else {}
    answer = visitor.http.post(party.issuer + "/token", data={"grant_type": "authorization_code", "code": "x"}, headers=headers)
    refused(answer, "invalid_client", 401)


def test_two_ways_of_authenticating_at_once_are_refused(party: RelyingParty, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    refused(party.token(asked, code, client_secret=party.client_secret), "invalid_request")
    refused(party.token(asked, code, client_id="another"), "invalid_request")
    assert party.token(asked, code, client_id=party.client_id).status_code == 200


def test_a_confidential_client_cannot_pass_as_a_public_one(party: RelyingParty, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
    for secret in ({}, {"client_secret": ""}):
        refused(visitor.http.post(party.issuer + "/token", data=body | {"client_id": party.client_id} | secret), "invalid_client", 401)


def test_the_token_endpoint_takes_a_form_in_a_post(party: RelyingParty, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
    pair = (party.client_id, party.client_secret or "")
    assert visitor.http.get(party.issuer + "/token", params=body, auth=pair).status_code == 405
    refused(visitor.http.post(party.issuer + "/token", params=body, auth=pair), "invalid_request")
    refused(visitor.http.post(party.issuer + "/token", json=body, auth=pair), "invalid_request")
    repeated = {**body, "code": [code, code]}
    refused(visitor.http.post(party.issuer + "/token", data=repeated, auth=pair), "invalid_request")


def test_a_token_is_shown_in_the_header_or_in_the_form(party: RelyingParty, visitor: Browser) -> None:
    """RFC 6750 section 2; never in the query."""
    asked, code = code_for(party, visitor)
    tokens = party.token(asked, code).json()
    address, token = party.issuer + "/userinfo", tokens["access_token"]
    assert visitor.http.get(address, headers={"Authorization": f"bearer {token}"}).status_code == 200
    assert visitor.http.post(address, data={"access_token": token}).status_code == 200
    both = visitor.http.post(address, data={"access_token": token}, headers={"Authorization": f"Bearer {token}"})
    refused(both, "invalid_request")
    for answer in (visitor.http.get(address), visitor.http.get(address, params={"access_token": token})):
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="userinfo"')
    for wrong in ("x", tokens["id_token"], code, "a b", token + "x"):
        answer = party.userinfo(wrong)
        refused(answer, "invalid_token", 401)
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_new_secret_works_at_once_in_every_process_and_a_revoked_one_nowhere(
    fjordbank: House, party: RelyingParty, visitor: Browser
) -> None:
    from datetime import timedelta

    from authflows import registration

    with fjordbank.blocker.unblock():
        environment = fjordbank.opened.test.id
        second = registration.add_secret(fjordbank.id, environment, party.relying_party_id, actor="owner", overlap=timedelta(days=1))
    for secret in (party.client_secret, second):
        asked, code = code_for(party, visitor)
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
        assert visitor.http.post(party.issuer + "/token", data=body, auth=(party.client_id, secret or "")).status_code == 200
    with fjordbank.blocker.unblock():
        from authflows.models import ClientExt
        from tenants.isolation import tenant_scope

        with tenant_scope(fjordbank.id):
            ext = ClientExt.objects.of(fjordbank.id).get(relying_party_id=party.relying_party_id)
            _, oldest = registration.live_secrets(fjordbank.id, ext.id)
        registration.revoke_secret(fjordbank.id, environment, party.relying_party_id, oldest.id, actor="owner")
    for _ in range(6):
        refused(party.token(*code_for(party, visitor)), "invalid_client", 401)
