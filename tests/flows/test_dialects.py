"""A service provider from elsewhere: its requests are understood, its tokens look as they did, and no check is another."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authflows.levels import NSIS
from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness.server import Server

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "dialects"
CPR = "7204851234"  # of the replacement series
MITID_UUID = "74ffcd31-fbaf-4c33-bdac-169f25c1e416"
TEXT = "QmV0YWwgMTAwIGtyLg"  # Betal 100 kr.
SENT: dict[str, dict[str, str]] = {
    "idura": {"scope": "openid", "acr_values": "urn:grn:authn:dk:mitid:high", "login_hint": f"action:approve message:{TEXT}"},
    "neb": {
        "scope": "openid mitid",
        "idp_values": "mitid",
        "language": "da",
        "idp_params": json.dumps({"mitid": {"loa_value": "high", "action_text": "APPROVE", "reference_text": TEXT}}),
    },
    "signicat": {"scope": "openid profile idp-id mitid-extra", "acr_values": "idp:mitid loa:high"},
}
REFERENCE = {"idura": "refTextBody", "neb": "mitid.reference_text", "signicat": "mitid_reference_text_body"}
# Of the golden tokens, what the simulator's people or these requests do not give.
BEYOND = {"cprNumberIdentifier", "address", "dk.cpr", "nin", "nin_type", "nin_issuing_country", "mitid_cpr_source"}
Visitors = Callable[..., Browser]


@pytest.fixture(params=SENT)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def newcomer(dialect: str, fjordbank: House) -> RelyingParty:
    """A client that came from elsewhere."""
    return fjordbank.client(dialect=dialect)


def golden(dialect: str, answer: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((GOLDEN / f"{dialect}.{answer}.json").read_text())
    return {name: value for name, value in known.items() if name not in BEYOND}


def kinds(members: dict[str, Any]) -> dict[str, str]:
    return {name: type(value).__name__ for name, value in members.items()}


def test_a_login_gives_their_tokens(dialect: str, newcomer: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = newcomer.ask(**SENT[dialect])
    tokens = newcomer.redeem(asked, visitor.login(asked))
    id_token, userinfo = newcomer.claims(tokens["id_token"]), newcomer.userinfo(tokens["access_token"]).json()
    signed = {REFERENCE[dialect]} if dialect == "signicat" else set()
    assert kinds(id_token) == kinds(golden(dialect, "id_token"))
    assert kinds(userinfo) == {name: kind for name, kind in kinds(golden(dialect, "userinfo")).items() if name not in signed}
    assert (id_token["nonce"], tokens["scope"]) == (asked.nonce, SENT[dialect]["scope"])
    assert id_token["sub"] == userinfo["sub"]
    assert userinfo.get(REFERENCE[dialect]) == (None if signed else "Betal 100 kr.")
    assert books.of(newcomer).agreed == 1


def test_the_level_that_was_asked_for_in_their_words_is_needed(dialect: str, newcomer: RelyingParty, visitor: Browser) -> None:
    asked = newcomer.ask(**SENT[dialect])
    assert newcomer.told(asked, visitor.login(asked, "auto-approve-low"))["error"] == "unmet_authentication_requirements"


def test_a_client_s_minimum_holds_in_every_dialect(dialect: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(dialect=dialect, minimum_level="high")
    low = {name: value.replace("high", "low") for name, value in SENT[dialect].items()}
    asked = party.ask(**low)
    acr = party.claims(party.redeem(asked, visitor.login(asked))["id_token"])["acr"]
    assert acr in (NSIS + "High", "urn:grn:authn:dk:mitid:high", "high")


def test_the_person_sees_what_they_are_asked_to_approve(fjordbank: House, visitor: Browser) -> None:
    page = visitor.open(fjordbank.client(dialect="neb").ask(**SENT["neb"]))
    assert "Godkend hos" in page.text


@pytest.mark.parametrize("name", ["redirect_uri", "code_challenge", "scope", "response_type", "code_challenge_method", "request"])
def test_a_request_that_would_be_refused_is_refused(name: str, dialect: str, newcomer: RelyingParty, visitor: Browser) -> None:
    """The words of each dialect beside the mistake, so that nothing of them can hide it."""
    wrong: dict[str, str | None] = {
        "redirect_uri": newcomer.redirect_uri + "/",
        "code_challenge": None,
        "scope": SENT[dialect]["scope"] + " ssn",
        "response_type": "code id_token",
        "code_challenge_method": "plain",
        "request": "e30.e30.",
    }
    answer = visitor.get(newcomer.ask(**(SENT[dialect] | {name: wrong[name]})).url)
    location = answer.headers.get("Location", "")
    assert "/login/" not in location
    if name == "redirect_uri":
        assert (answer.status_code, location) == (400, "")
    else:
        assert "error=" in location
        assert "code=" not in location


def test_a_parameter_sent_twice_is_refused(dialect: str, newcomer: RelyingParty, visitor: Browser) -> None:
    last = list(SENT[dialect])[-1]
    answer = visitor.get(f"{newcomer.ask(**SENT[dialect]).url}&{urlencode({last: SENT[dialect][last]})}")
    assert f"error_description={last}%20was%20sent%20more%20than%20once" in answer.headers["Location"]


def test_a_code_is_good_once_and_for_its_verifier_only(dialect: str, newcomer: RelyingParty, visitor: Browser) -> None:
    asked = newcomer.ask(**SENT[dialect])
    location = visitor.login(asked)
    code = newcomer.told(asked, location)["code"]
    assert newcomer.token(asked, code, code_verifier="x" * 43).json()["error"] == "invalid_grant"
    assert newcomer.token(asked, code, redirect_uri=asked.redirect_uri + "/").json()["error"] == "invalid_grant"
    tokens = newcomer.redeem(asked, location)
    assert newcomer.token(asked, code).json()["error"] == "invalid_grant"
    assert newcomer.userinfo(tokens["access_token"]).status_code == 401


def test_a_code_is_for_the_client_that_it_was_given_to(dialect: str, newcomer: RelyingParty, fjordbank: House, visitor: Browser) -> None:
    asked = newcomer.ask(**SENT[dialect])
    code = newcomer.told(asked, visitor.login(asked))["code"]
    assert fjordbank.client(dialect=dialect).token(asked, code).json()["error"] == "invalid_grant"


CPR_SENT = {
    "idura": {"login_hint": f"sub:{CPR}"},
    "neb": {"idp_params": json.dumps({"mitid": {"cpr_hint": CPR}})},
    "signicat": {"login_hint": CPR},
}


def test_a_cpr_number_in_an_address_is_refused_and_written_down_nowhere(
    dialect: str, newcomer: RelyingParty, visitor: Browser, server: Server
) -> None:
    answer = visitor.get(newcomer.ask(**(SENT[dialect] | CPR_SENT[dialect])).url)
    location = answer.headers["Location"]
    assert "a%20CPR%20number%20is%20taken%20only%20from%20a%20pushed%20or%20an%20encrypted%20request" in location
    assert CPR not in location
    unknown = visitor.get(newcomer.ask(**(SENT[dialect] | CPR_SENT[dialect] | {"client_id": "nobody"})).url)
    deadline = time.monotonic() + 5
    while unknown.headers["Trace-Id"] not in server.logs["web"].read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert CPR not in "".join(log.read_text() for log in server.logs.values())


NAMES = st.sampled_from(
    ["scope", "acr_values", "login_hint", "idp_values", "idp_params", "language", "ui_locales", "prompt", "signtext_id", "max_age", "state"]
)
WORDS = st.sampled_from(
    [
        *("urn:grn:authn:dk:mitid:low", "message:", "action:", "uuid:", "sub:", "idp:mitid", "mitid_reference_text:", "openid", "mitid"),
        *("loa:high", "{", "[", '{"mitid":{}}', '{"mitid":{"reference_text":"', '"}}', "\x00", "\ud7ff", "=", "%00", " "),
    ]
)
VALUES = st.one_of(st.text(max_size=40), st.lists(WORDS | st.text(max_size=4), max_size=6).map("".join))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, database=None)
@given(changes=st.dictionaries(NAMES, VALUES, max_size=4))
def test_whatever_is_sent_nothing_breaks(changes: dict[str, str], dialect: str, newcomer: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(newcomer.ask(**(SENT[dialect] | changes)).url)
    assert answer.status_code in (303, 400), answer.text
    assert answer.headers.get("Location", "/t/").startswith(("/t/", newcomer.redirect_uri + "?"))
    visitor.http.cookies.clear()


def test_a_cpr_number_that_was_pushed_is_taken_and_sealed(dialect: str, newcomer: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = newcomer.push(newcomer.ask(**(SENT[dialect] | CPR_SENT[dialect])))
    location = visitor.login(asked)
    stored = books.one("SELECT request::text FROM authflows_login WHERE relying_party_id = %s", newcomer.relying_party_id)
    assert "sealed_hints" in stored
    assert CPR not in stored
    assert newcomer.redeem(asked, location)["id_token"]


def test_signicat_s_reference_text_comes_in_a_pushed_request(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(dialect="signicat")
    asked = party.push(party.ask(**(SENT["signicat"] | {"acr_values": f"idp:mitid mitid_reference_text:{TEXT}"})))
    tokens = party.redeem(asked, visitor.login(asked))
    assert party.userinfo(tokens["access_token"]).json()["mitid_reference_text_body"] == "Betal 100 kr."


def test_a_session_gives_their_tokens_too_but_approves_nothing(dialect: str, newcomer: RelyingParty, visitor: Browser) -> None:
    plain = {name: value for name, value in SENT[dialect].items() if name not in ("login_hint", "idp_params")}
    first = newcomer.ask(**SENT[dialect])
    asked_for = newcomer.claims(newcomer.redeem(first, visitor.login(first))["id_token"])
    again = newcomer.ask(**plain)
    answer = visitor.get(again.url)
    claims = newcomer.claims(newcomer.redeem(again, answer.headers["Location"])["id_token"])
    assert kinds(claims) == {name: kind for name, kind in kinds(asked_for).items() if name != "refTextBody"}
    if plain != SENT[dialect]:
        assert "/login/" in visitor.get(newcomer.ask(**SENT[dialect]).url).headers["Location"]


def test_who_is_expected_is_stored_where_only_the_browser_can_open_it(fjordbank: House, visitor: Browser, books: Books) -> None:
    party = fjordbank.client(dialect="idura")
    visitor.begin(party.ask(scope="openid", login_hint=f"uuid:{MITID_UUID}"))
    stored = books.one("SELECT request::text FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id)
    assert "sealed_hints" in stored
    assert MITID_UUID not in stored
