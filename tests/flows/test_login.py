"""One login from the relying party's button to its claims, as every relying party and every person meets it."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace

import pytest

from authflows.levels import NSIS
from tests.doubles.browser import Browser, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
LEVELS = ("Low", "Substantial", "High")


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
    told = party.userinfo(tokens["access_token"]).json()
    assert (told["sub"], told["birthdate"]) == (claims["sub"], "1985-04-12")
    assert books.of(party).agreed == 1
    assert books.outcomes(party) == ["completed"]


# What each person for automation leads to: what the relying party is told, and how usage counts it.
ENDINGS = {
    "auto-reject": ("access_denied", "mitid_rejected_in_app", "failed"),
    "auto-cancel": ("access_denied", "mitid_user_aborted", "cancelled"),
    "auto-timeout": ("access_denied", "mitid_timeout", "expired"),
    "auto-blocked": ("access_denied", "mitid_authenticator_blocked", "failed"),
    "auto-approve-low": ("unmet_authentication_requirements", "assurance_level_not_met", "failed"),
}


@pytest.mark.parametrize("user_id", ENDINGS)
def test_a_login_without_an_identity_ends_at_the_relying_party(user_id: str, party: RelyingParty, visitor: Browser, books: Books) -> None:
    error, description, outcome = ENDINGS[user_id]
    asked = party.ask()
    told = party.told(asked, visitor.login(asked, user_id))
    assert (told["error"], told["error_description"]) == (error, description)
    assert "code" not in told
    assert books.of(party).agreed == 1
    assert books.outcomes(party) == [outcome]


@pytest.mark.parametrize("level", LEVELS)
def test_the_automatic_person_reaches_the_level_that_was_asked_for(level: str, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(acr_values=NSIS + level)
    assert party.claims(party.redeem(asked, visitor.login(asked))["id_token"])["acr"] == NSIS + level


def test_a_low_identity_is_enough_where_low_was_asked_for(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(acr_values="low")
    claims = party.claims(party.redeem(asked, visitor.login(asked, "auto-approve-low"))["id_token"])
    assert (claims["acr"], claims["amr"]) == (NSIS + "Low", ["pwd"])


def test_a_client_s_minimum_holds_whatever_a_request_says(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(minimum_level="substantial")
    asked = party.ask(acr_values="low")
    assert party.told(asked, visitor.login(asked, "auto-approve-low"))["error"] == "unmet_authentication_requirements"


@pytest.mark.parametrize("acr_values", [None, "urn:unknown:level", "HIGH"])
def test_no_known_level_means_substantial(acr_values: str | None, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(acr_values=acr_values)
    assert party.claims(party.redeem(asked, visitor.login(asked))["id_token"])["acr"] == NSIS + "Substantial"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256"])
def test_id_tokens_are_signed_as_the_client_registered(alg: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(id_token_alg=alg)
    asked = party.ask()
    id_token = party.redeem(asked, visitor.login(asked))["id_token"]
    assert json.loads(urlsafe_b64decode(id_token.partition(".")[0] + "=="))["alg"] == alg
    assert party.claims(id_token)["sub"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_clients_authenticate_as_they_registered_and_no_other_way(method: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(auth_method=method)
    asked = party.ask()
    location = visitor.login(asked)
    code = party.told(asked, location)["code"]
    wrong = {"client_secret_basic": "client_secret_post", "client_secret_post": "client_secret_basic", "none": "client_secret_post"}[method]
    other = replace(party, auth_method=wrong, client_secret=party.client_secret or "guess")
    assert other.token(asked, code).status_code == 401
    assert party.redeem(asked, location)["token_type"] == "Bearer"


def test_an_organisation_knows_a_person_by_one_id_in_one_environment(fjordbank: House, havneby: House, new_visitor: Visitors) -> None:
    parties = [fjordbank.client(), fjordbank.client(), fjordbank.client("production"), havneby.client()]
    subs = []
    for party in parties:
        asked = party.ask()
        subs.append(party.claims(party.redeem(asked, new_visitor().login(asked))["id_token"])["sub"])
    assert subs[0] == subs[1]
    assert len(set(subs)) == 3


# What each scope gives beside what every id_token holds.
SCOPES = {
    "openid": set(),
    "openid profile": {"name", "given_name", "family_name", "birthdate", "name_protected"},
    "openid mitid": {"mitid_uuid", "mitid_age", "mitid_has_cpr", "mitid_authenticators"},
}
ALWAYS = {"sub", "loa", "ial", "aal", "identity_type", "idp", "transaction_id", "core_transaction_id"}
TOKEN_ONLY = {"iss", "aud", "iat", "exp", "auth_time", "acr", "amr", "sid", "at_hash", "nonce"}


@pytest.mark.parametrize("scope", SCOPES)
def test_only_the_claims_of_the_scopes_are_given(scope: str, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(scope=scope)
    tokens = party.redeem(asked, visitor.login(asked))
    assert tokens["scope"] == scope
    assert set(party.claims(tokens["id_token"])) == ALWAYS | TOKEN_ONLY | SCOPES[scope]
    assert set(party.userinfo(tokens["access_token"]).json()) == ALWAYS | SCOPES[scope]


def test_the_person_may_cancel_on_our_page(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    told = party.told(asked, visitor.finish(visitor.submit(visitor.open(asked), "foot")))
    assert (told["error"], told["error_description"]) == ("access_denied", "user_aborted")
    assert books.outcomes(party) == ["cancelled"]


def test_an_unknown_user_id_is_asked_for_again(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask()
    page = visitor.submit(visitor.open(asked), user_id="nobody")
    assert (page.status_code, step_of(page)) == (200, "user_id")
    assert "We cannot find that user ID" in page.text
    assert "code" in party.told(asked, visitor.finish(visitor.submit(page, user_id=" Auto-Approve ")))


def test_the_pages_speak_the_language_that_was_asked_for(party: RelyingParty, new_visitor: Visitors) -> None:
    danish, english = "Trin 1", "Step 1"
    assert danish in new_visitor("en").open(party.ask(ui_locales="da-DK en")).text
    assert english in new_visitor("da").open(party.ask(ui_locales="fr en")).text
    visitor = new_visitor("da-DK,da;q=0.9")
    page = visitor.open(party.ask())
    assert danish in page.text
    in_english = visitor.get(f"{page.url}?language=en")
    assert english in in_english.text
    assert "We cannot find that user ID" in visitor.submit(in_english, user_id="nobody").text


def test_an_authorization_request_may_be_posted(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask()
    address, _, query = asked.url.partition("?")
    answer = visitor.http.post(address, content=query, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 303
    page = visitor.get(answer.headers["Location"])
    assert "code" in party.told(asked, visitor.finish(visitor.submit(page, user_id="auto-approve")))


def test_a_secret_with_any_character_authenticates_form_encoded(party: RelyingParty, visitor: Browser) -> None:
    """RFC 6749 2.3.1: our secrets hold - and _, which openid-client sends as %2D and %5F."""
    asked = party.ask()
    code = party.told(asked, visitor.login(asked))["code"]
    assert party.client_secret is not None
    encoded = "".join(f"%{ord(character):02X}" for character in party.client_secret)
    assert visitor.http.post(
        party.issuer + "/token",
        data={"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier},
        auth=(party.client_id, encoded),
    ).is_success
