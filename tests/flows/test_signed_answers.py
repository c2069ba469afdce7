"""Authorization responses as one signed JWT (JWT Secured Authorization Response Mode, JARM)."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import House
from tests.doubles.keyholder import KeyHolder
from tests.doubles.relying_party import Asked, RelyingParty

MODES = ("jwt", "query.jwt", "form_post.jwt")


def response_of(answer: httpx.Response, party: RelyingParty) -> str:
    """The one parameter that came back, whichever way."""
    if answer.status_code == 303:
        address, _, query = answer.headers["Location"].partition("?")
        told = dict(parse_qsl(query, strict_parsing=True))
    else:
        (form,) = (form for form in forms(answer) if "response" in form.fields)
        address, told = form.action, {name: value for name, value in form.fields.items() if name == "response"}
        assert not {"code", "state", "iss", "error"} & form.fields.keys()
    assert address == party.redirect_uri
    assert list(told) == ["response"]
    return told["response"]


def claims_of(party: RelyingParty, response: str, alg: str = "ES256") -> dict[str, Any]:
    """As a relying party reads it (JARM section 2.4)."""
    with httpx.Client(trust_env=False) as http:
        published = KeySet.import_key_set(http.get(party.issuer + "/jwks").json())
    signed = jws.deserialize_compact(response, published, algorithms=[alg])
    claims: dict[str, Any] = json.loads(signed.payload)
    assert (claims["iss"], claims["aud"]) == (party.issuer, party.client_id)
    assert 0 < claims["exp"] - time.time() <= 600
    return claims


def ended(visitor: Browser, asked: Asked, person: str = "auto-approve") -> httpx.Response:
    """The answer with which the browser is sent back."""
    answer = visitor.submit(visitor.get(visitor.get(asked.url).headers["Location"]), user_id=person)
    while answer.status_code == 303 and "/login/" in answer.headers["Location"]:
        answer = visitor.get(answer.headers["Location"])
    return answer


@pytest.mark.parametrize("alg", ["", "ES256", "RS256", "PS256"])
@pytest.mark.parametrize("mode", MODES)
def test_a_login_is_answered_by_a_signed_response(mode: str, alg: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(authorization_response_alg=alg, id_token_alg="PS256")
    asked = party.ask(response_mode=mode)
    claims = claims_of(party, response_of(ended(visitor, asked), party), alg or "PS256")
    assert claims["state"] == asked.state
    assert party.token(asked, claims["code"]).status_code == 200


@pytest.mark.parametrize("mode", MODES)
def test_errors_are_signed_too(mode: str, party: RelyingParty, visitor: Browser) -> None:
    at_once = party.ask(response_mode=mode, scope="openid unknown")
    claims = claims_of(party, response_of(visitor.get(at_once.url), party))
    assert (claims["error"], claims["state"]) == ("invalid_scope", at_once.state)
    passive = party.ask(response_mode=mode, prompt="none")
    assert claims_of(party, response_of(visitor.get(passive.url), party))["error"] == "login_required"
    rejected = party.ask(response_mode=mode)
    claims = claims_of(party, response_of(ended(visitor, rejected, "auto-reject"), party))
    assert (claims["error"], claims["error_description"]) == ("access_denied", "mitid_rejected_in_app")
    assert "code" not in claims


def test_a_reload_gives_the_same_code_again(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(response_mode="jwt")
    begun = visitor.get(asked.url).headers["Location"]
    answer = visitor.submit(visitor.get(begun), user_id="auto-approve")
    back = visitor.get(answer.headers["Location"])
    code = claims_of(party, response_of(back, party))["code"]
    assert party.token(asked, code).status_code == 200


def test_state_comes_back_byte_for_byte(party: RelyingParty, visitor: Browser) -> None:
    for mode in MODES:
        asked = party.ask(response_mode=mode, state="æ\r\n\"'<b>\\u0000 &=+%2f\u2028😀", prompt="none")
        assert claims_of(party, response_of(visitor.get(asked.url), party))["state"] == asked.state


def test_an_address_with_a_query_keeps_it(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(redirect_uris=("https://netbank.fjordbank.example/callback?x=1",))
    location = visitor.get(party.ask(response_mode="jwt", prompt="none").url).headers["Location"]
    assert location.startswith("https://netbank.fjordbank.example/callback?x=1&response=")


def test_a_signed_answer_is_no_id_token(party: RelyingParty, visitor: Browser) -> None:
    response = response_of(visitor.get(party.ask(response_mode="jwt", prompt="none").url), party)
    asked = party.ask(id_token_hint=response)
    assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "invalid_request"
    assert "Do you want to log out?" in visitor.get(f"{party.issuer}/logout?id_token_hint={response}").text


def test_other_modes_are_refused_as_before(party: RelyingParty, visitor: Browser) -> None:
    for mode in ("fragment", "fragment.jwt", "JWT", "query.jwt query", "web_message"):
        asked = party.ask(response_mode=mode)
        assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "invalid_request"


def test_a_fapi_client_is_answered_so(fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder.at(fjordbank, fapi=True)
    asked, _ = holder.pushed(response_mode="jwt", dpop_jkt="A" * 43)
    claims = claims_of(holder.party, response_of(ended(visitor, asked), holder.party))
    assert claims["code"]
