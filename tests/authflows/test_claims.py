"""From an identity to the claims that a client may have."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import override_settings
from oidc_provider.models import Client as RegisteredClient

from authflows.identity import Employment, Identity, methods
from authflows.levels import Level
from authflows.oidc import claims, extension
from authflows.oidc.claims import is_scope, names_of, only_age
from authflows.oidc.families import SCOPES, Facts
from authflows.requests import LoginRequest
from tests.doubles import extensions

NAMES = ("name", "given_name", "family_name")
IDENTITY = Identity(
    national_id="b3f4c0de-0000-4000-8000-000000000001",
    kind="private",
    ial=Level.HIGH,
    aal=Level.SUBSTANTIAL,
    authenticated_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
    authenticators=("code_app",),
    name="Agnes Automatisk",
    given_name="Agnes",
    family_name="Automatisk",
    birthdate="1985-04-12",
    age=41,
    has_cpr=True,
    cpr="7204859998",
    cpr_status="delivered",
    address={"locality": "Aarhus C"},
    nemid_pid="9208-2002-2-100000000001",
    risk={"distance_km": {"value": 3, "source": "mitid"}},
)
BAKER = Employment("5d0a7f0c-0000-4000-8000-000000000002", "13748136", "Lindholm Brød ApS", "98023728", "1099456789", can_represent=True)
# What an identity of either kind has nothing of.
OF_THE_OTHER_KIND = {"private": set(SCOPES["business"]), "business": {"mitid_uuid", "address", "nemid_pid", "cpr"}}


CLIENT: Any = SimpleNamespace(registered=RegisteredClient(id=7, client_id="netbank", name="Netbank"), values={})


REQUEST = LoginRequest("oidc", Level.SUBSTANTIAL, "da")


def given(
    identity: Identity = IDENTITY, scopes: tuple[str, ...] = tuple(SCOPES), single: tuple[str, ...] = (), request: LoginRequest = REQUEST
) -> dict[str, Any]:
    return claims.of(CLIENT, Facts(identity, Level.SUBSTANTIAL, uuid.uuid4(), uuid.uuid4(), "mitid", request), scopes, single)


def test_what_was_approved_is_told_and_a_plain_login_approves_nothing() -> None:
    approved = given(request=replace(REQUEST, action="accept", reference_text="Lån 7"))
    assert (approved["action"], approved["reference_text"]) == ("accept", "Lån 7")
    assert given(request=replace(REQUEST, reference_text="Lån 7"))["action"] == "log_on"
    assert not {"action", "reference_text", "psd2"} & set(given())


@pytest.mark.parametrize(("asked", "said"), [(True, True), (True, False), (False, True), (False, False)])
def test_psd2_is_told_only_where_it_was_asked_for_and_the_core_says_so(asked: bool, said: bool) -> None:
    told = given(replace(IDENTITY, psd2=said), request=replace(REQUEST, psd2=asked))
    assert told.get("psd2") is (True if asked and said else None)


def test_levels_are_told_apart() -> None:
    told = given()
    assert (told["loa"], told["ial"], told["aal"]) == (Level.SUBSTANTIAL.uri, Level.HIGH.uri, Level.SUBSTANTIAL.uri)


def test_a_person_of_the_simulator_is_called_a_test() -> None:
    assert given()["identity_type"] == "private"
    assert given(replace(IDENTITY, simulated=True))["identity_type"] == "test"


def test_a_protected_name_is_not_given() -> None:
    told = given(replace(IDENTITY, name_protected=True))
    assert told["name_protected"] is True
    assert not set(NAMES) & set(told)


def test_what_is_not_known_is_left_out_and_what_is_false_is_not() -> None:
    told = given(replace(IDENTITY, age=None, has_cpr=False, birthdate=""))
    assert "mitid_age" not in told
    assert "birthdate" not in told
    assert told["mitid_has_cpr"] is False


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_gives_its_own_claims_and_no_other(scope: str) -> None:
    asked = replace(REQUEST, reference_text="Lån 7", psd2=True)
    for identity in (replace(IDENTITY, psd2=True), replace(IDENTITY, psd2=True).as_employee(BAKER)):
        elsewhere = {"acr", "amr", "auth_time"} | OF_THE_OTHER_KIND[identity.kind]
        assert set(given(identity, (scope,), request=asked)) == set(SCOPES[scope]) - elsewhere


def test_at_work_a_person_is_somebody_else() -> None:
    at_work = IDENTITY.as_employee(BAKER)
    assert (at_work.kind, at_work.national_id) == ("business", BAKER.employee_uuid)
    assert (at_work.cpr, at_work.has_cpr, at_work.address, at_work.nemid_pid) == ("", False, None, "")
    assert IDENTITY.as_employee(BAKER, with_cpr=True).cpr == IDENTITY.cpr
    told = given(at_work)
    assert (told["cvr"], told["can_represent"], told["company_signatory"]) == ("13748136", True, False)


def test_an_identity_comes_back_from_its_sealed_form() -> None:
    for identity in (IDENTITY, replace(IDENTITY, employments=(BAKER,)), IDENTITY.as_employee(BAKER)):
        assert Identity.from_json(json.loads(json.dumps(identity.as_json()))) == identity


def test_a_session_keeps_no_cpr_number_and_no_risk() -> None:
    kept = replace(IDENTITY, employments=(BAKER,)).kept()
    assert (kept.cpr, kept.cpr_status, kept.risk, kept.employments) == ("", "", None, ())


def test_a_protected_person_has_no_address() -> None:
    assert "address" not in given(replace(IDENTITY, name_protected=True))


def test_no_scope_gives_nothing() -> None:
    assert given(scopes=("unheard_of",)) == {}


@pytest.mark.parametrize(
    ("authenticators", "amr"),
    [
        ((), []),
        (("password",), ["pwd"]),
        (("code_app",), ["hwk", "pin", "mfa"]),
        (("password", "code_token"), ["pwd", "otp", "mfa"]),
        (("code_token", "code_reader"), ["otp", "mfa"]),
        (("unheard_of",), []),
    ],
)
def test_methods_are_named_as_rfc_8176_names_them(authenticators: tuple[str, ...], amr: list[str]) -> None:
    assert methods(replace(IDENTITY, authenticators=authenticators)) == amr


def test_an_age_is_told_as_yes_or_no() -> None:
    told = given(scopes=("age_over:18", "age_over:65"))
    assert told == {"age_over_18": True, "age_over_65": False}
    assert given(replace(IDENTITY, age=18), ("age_over:18",)) == {"age_over_18": True}
    assert given(replace(IDENTITY, age=None), ("age_over:18",)) == {}


@pytest.mark.parametrize("age", ["1", "15", "18", "99", "129"])
def test_any_age_is_a_scope(age: str) -> None:
    assert is_scope(f"age_over:{age}")
    assert names_of(f"age_over:{age}") == (f"age_over_{age}",)


@pytest.mark.parametrize(
    "scope", ["age_over:", "age_over:0", "age_over:018", "age_over:130", "age_over:x", "age_over:18 ", "age_over_18", ""]
)
def test_what_is_no_age_is_none(scope: str) -> None:
    assert not is_scope(scope)
    assert names_of(scope) == ()


@pytest.mark.parametrize(
    ("scopes", "single", "nobody"),
    [
        (("openid", "age_over:18"), (), True),
        (("openid", "age_over:15", "age_over:18"), ("age_over_18",), True),
        (("openid",), (), False),
        (("openid", "profile", "age_over:18"), (), False),
        (("openid", "age_over:18", "offline_access"), (), False),
        (("openid", "age_over:18"), ("name",), False),
    ],
)
def test_who_asks_for_an_age_only_learns_of_nobody(scopes: tuple[str, ...], single: tuple[str, ...], nobody: bool) -> None:
    assert only_age(scopes, single) is nobody


def test_single_claims_come_beside_those_of_the_scopes() -> None:
    assert given(scopes=(), single=("given_name", "age_over_21", "unheard_of")) == {"given_name": "Agnes", "age_over_21": True}


# A deployer's own claims, by django-oidc-provider's settings


@override_settings(OIDC_EXTRA_SCOPE_CLAIMS="tests.doubles.extensions.CustomerClaims")
def test_a_deployer_s_class_adds_scopes_of_its_own() -> None:
    assert is_scope("customer")
    assert claims.extra_scopes() == ("customer", "greedy")
    told = given(scopes=("openid", "profile", "customer"))
    assert told["customer_number"] == "netbank/Agnes"
    assert told["customer_since"] == {"year": 2001}
    assert "customer_number" not in given(scopes=("openid",))


@override_settings(OIDC_EXTRA_SCOPE_CLAIMS="tests.doubles.extensions.CustomerClaims")
def test_it_cannot_say_otherwise_what_the_protocol_says() -> None:
    assert given(scopes=("greedy",)) == {"nickname": "x"}


def test_without_it_there_is_nothing_of_it() -> None:
    assert not is_scope("customer")
    assert given(scopes=("customer",)) == {}


SAID = {"iss": "https://issuer.example", "sub": "1", "name": "Agnes"}


@pytest.mark.parametrize(
    ("hooks", "told"),
    [
        (None, SAID),
        ("tests.doubles.extensions.branch", SAID | {"branch": "netbank:openid customer"}),
        (
            ["tests.doubles.extensions.branch", "tests.doubles.extensions.nameless"],
            SAID | {"branch": "netbank:openid customer", "name": "-"},
        ),
        ("tests.doubles.extensions.usurper", SAID),
    ],
)
def test_a_deployer_s_hooks_see_every_id_token(hooks: str | list[str] | None, told: dict[str, Any]) -> None:
    extensions.SEEN.clear()
    with override_settings(OIDC_IDTOKEN_PROCESSING_HOOK=hooks):
        assert extension.processed(dict(SAID), CLIENT, "openid customer") == told
    assert all(seen == (None, None) for seen in extensions.SEEN)
