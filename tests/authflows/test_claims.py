"""From an identity to the claims that a client may have."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from authflows.identity import Identity, methods
from authflows.levels import Level
from authflows.oidc import claims
from authflows.oidc.claims import SCOPES

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
)


def given(identity: Identity = IDENTITY, scopes: tuple[str, ...] = tuple(SCOPES)) -> dict[str, Any]:
    return claims.of(identity, Level.SUBSTANTIAL, list(scopes), login_id=uuid.uuid4(), core_session=uuid.uuid4(), idp="mitid")


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
    assert set(given(scopes=(scope,))) == set(SCOPES[scope]) - {"acr", "amr", "auth_time"}


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
