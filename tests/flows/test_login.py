"""One login from the relying party's button to its claims, as every relying party and every person meets it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from authflows.levels import NSIS
from tests.doubles.browser import Browser, forms, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[[], Browser]


def test_a_login_gives_the_claims_that_were_asked_for(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask(acr_values=NSIS + "High")
    tokens = party.redeem(asked, visitor.login(asked))
    claims = party.claims(tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (party.issuer, party.client_id, asked.nonce)
    assert (claims["acr"], claims["loa"], claims["ial"], claims["aal"]) == (NSIS + "High",) * 4
    assert claims["amr"] == ["hwk", "pin", "mfa"]
    assert abs(claims["auth_time"] - time.time()) < 30
    assert claims["iat"] < claims["exp"] <= claims["iat"] + 300
    assert (claims["identity_type"], claims["idp"], claims["name"]) == ("test", "mitid", "Agnes Automatisk")
    answer = party.userinfo(tokens["access_token"])
    assert answer.json()["sub"] == claims["sub"]
    assert answer.json()["birthdate"] == claims["birthdate"] == "1985-04-12"
    assert books.of(party).agreed == 1
    assert books.outcomes(party) == ["completed"]
