"""What a relying party may ask for beside a login: how the answer comes, who must answer, how well, and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, LiteralString
from urllib.parse import urlsplit

import httpx
import pytest

from authflows.levels import Level
from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import Asked, RelyingParty

Visitors = Callable[..., Browser]
LOW, SUBSTANTIAL, HIGH = (level.uri for level in Level)


def posted(party: RelyingParty, asked: Asked, page: httpx.Response) -> dict[str, str]:
    """What the form of an answering page takes to the relying party."""
    assert page.status_code == 200
    assert "Location" not in page.headers
    (form,) = forms(page)
    assert (form.action, form.method) == (asked.redirect_uri, "post")
    return party.checked(asked, form.fields)


def until_answered(visitor: Browser, asked: Asked, user_id: str = "auto-approve") -> httpx.Response:
    answer = visitor.submit(visitor.open(asked), user_id=user_id)
    assert answer.status_code == 303
    return visitor.get(answer.headers["Location"])


def refusal(party: RelyingParty, asked: Asked, location: str) -> tuple[str, str]:
    told = party.told(asked, location)
    return told["error"], told["error_description"]


def claims_of(party: RelyingParty, visitor: Browser, user_id: str = "auto-approve", **changes: str | None) -> dict[str, Any]:
    """The id_token's claims, which userinfo repeats."""
    asked = party.ask(**{"prompt": "login"} | changes)
    tokens = party.redeem(asked, visitor.login(asked, user_id))
    told = party.claims(tokens["id_token"])
    assert party.userinfo(tokens["access_token"]).json().items() <= told.items()
    return told


# response_mode (OAuth 2.0 Multiple Response Type Encoding Practices, Form Post Response Mode)


def test_a_code_can_come_by_a_form(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(response_mode="form_post")
    page = until_answered(visitor, asked)
    told = posted(party, asked, page)
    assert set(told) == {"code", "state", "iss"}
    assert party.token(asked, told["code"]).status_code == 200


def test_the_form_has_a_button_and_no_script_within(party: RelyingParty, visitor: Browser) -> None:
    page = until_answered(visitor, party.ask(response_mode="form_post"))
    assert "form-action" not in page.headers["Content-Security-Policy"]
    assert "<button" in page.text
    assert "Continue" in page.text
    (script,) = [part.split('"')[0] for part in page.text.split('src="')[1:]]
    assert visitor.get(script).status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Trace-Id"]


def test_a_reload_of_the_form_shows_the_same_answer(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(response_mode="form_post")
    first = until_answered(visitor, asked)
    again = visitor.get(str(first.url.copy_with(query=None)).removeprefix(visitor.base_url))
    assert posted(party, asked, again) == posted(party, asked, first)


@pytest.mark.parametrize(
    ("change", "error"),
    [({"prompt": "none"}, "login_required"), ({"scope": "profile"}, "invalid_scope"), ({"claims": "{"}, "invalid_request")],
)
def test_an_error_comes_the_same_way(change: dict[str, str | None], error: str, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(response_mode="form_post", **change)
    assert posted(party, asked, visitor.get(asked.url))["error"] == error


def test_a_login_without_an_identity_comes_the_same_way(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(response_mode="form_post")
    assert posted(party, asked, until_answered(visitor, asked, "auto-reject"))["error"] == "access_denied"


def test_a_mode_named_twice_is_answered_by_the_usual_one(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(response_mode="form_post")
    answer = visitor.get(f"{asked.url}&response_mode=query")
    assert party.told(asked, answer.headers["Location"])["error"] == "invalid_request"


@pytest.mark.parametrize("state", ["a&b=c", '"><script>alert(1)</script>', "[[ACTION]][[SLOT]]", "æøå \U0001f511", "a\r\nb", "x" * 4096])
def test_a_state_within_a_form_is_what_it_was(state: str, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(state=state, response_mode="form_post", prompt="none")
    page = visitor.get(asked.url)
    posted(party, asked, page)
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("state", ["a\nb", "a\rb", "\n"])
def test_a_state_that_a_form_would_change_is_refused(state: str, party: RelyingParty, visitor: Browser) -> None:
    (form,) = forms(visitor.get(party.ask(state=state, response_mode="form_post").url))
    assert form.fields["error"] == "invalid_request"
    asked = party.ask(state=state)
    assert "code" in party.told(asked, visitor.login(asked))


def test_the_form_speaks_the_logins_language(party: RelyingParty, new_visitor: Visitors) -> None:
    visitor = new_visitor("en")
    assert "Du bliver sendt tilbage" in until_answered(visitor, party.ask(response_mode="form_post", ui_locales="da")).text


# PKCE, and the nonce in its place


def test_a_client_registered_so_may_send_a_nonce_in_place_of_a_challenge(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(pkce="nonce_instead")
    asked = party.ask(code_challenge=None, code_challenge_method=None)
    code = party.told(asked, visitor.login(asked))["code"]
    # Statement 5: a verifier that answers no challenge.
    downgraded = party.token(asked, code)
    assert (downgraded.status_code, downgraded.json()["error"]) == (400, "invalid_grant")
    tokens = party.token(asked, code, code_verifier=None)
    assert tokens.status_code == 200
    assert party.claims(tokens.json()["id_token"])["nonce"] == asked.nonce


def test_without_challenge_and_nonce_there_is_no_login(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(pkce="nonce_instead")
    asked = party.ask(code_challenge=None, code_challenge_method=None, nonce=None)
    assert refusal(party, asked, visitor.get(asked.url).headers["Location"])[0] == "invalid_request"


@pytest.mark.parametrize(
    "change",
    [{"code_challenge_method": "plain"}, {"code_challenge_method": None}, {"code_challenge": None}, {"code_challenge": "short"}],
)
def test_a_challenge_that_is_sent_is_enforced_for_every_client(change: dict[str, str | None], fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(pkce="nonce_instead")
    asked = party.ask(**change)
    assert refusal(party, asked, visitor.get(asked.url).headers["Location"])[0] == "invalid_request"


def test_a_challenge_that_was_sent_needs_its_verifier(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(pkce="nonce_instead")
    asked = party.ask()
    code = party.told(asked, visitor.login(asked))["code"]
    for change in ({"code_verifier": None}, {"code_verifier": ""}, {"code_verifier": "x" * 43}):
        answer = party.token(asked, code, **change)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert party.token(asked, code).status_code == 200


def test_nobody_else_may_leave_it_out(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(code_challenge=None, code_challenge_method=None)
    assert refusal(party, asked, visitor.get(asked.url).headers["Location"])[0] == "invalid_request"


# prompt


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account", "consent_revoke", "login consent"])
def test_a_prompt_brings_the_person_to_the_box(prompt: str, party: RelyingParty, visitor: Browser) -> None:
    """Whatever session there is."""
    visitor.remembers = True
    claims_of(party, visitor)
    asked = party.ask(prompt=prompt)
    assert "code" in party.told(asked, visitor.login(asked))


# acr_values and claims


@pytest.mark.parametrize(
    ("acr_values", "reached"),
    [
        (LOW, LOW),
        (SUBSTANTIAL, SUBSTANTIAL),
        (HIGH, HIGH),
        ("high", HIGH),
        (f"{HIGH} {SUBSTANTIAL}", SUBSTANTIAL),
        (f"{SUBSTANTIAL} {HIGH}", SUBSTANTIAL),
        (f"urn:unheard-of {LOW}", LOW),
        ("urn:unheard-of", SUBSTANTIAL),
        (f"{HIGH}er", SUBSTANTIAL),
        ("HIGH", SUBSTANTIAL),
    ],
)
def test_any_of_several_levels_will_do_and_one_that_is_unknown_lifts_nothing(
    acr_values: str, reached: str, party: RelyingParty, visitor: Browser
) -> None:
    assert claims_of(party, visitor, acr_values=acr_values)["acr"] == reached


def test_a_client_never_gets_less_than_its_minimum(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(minimum_level="high")
    assert claims_of(party, visitor, acr_values=LOW)["acr"] == HIGH


def asking(**members: Any) -> str:
    return json.dumps(members)


@pytest.mark.parametrize("target", ["id_token", "userinfo"])
def test_an_essential_level_that_is_not_reached_is_no_login(target: str, party: RelyingParty, visitor: Browser) -> None:
    """OpenID Connect Core 5.5.1.1."""
    asked = party.ask(claims=asking(**{target: {"acr": {"essential": True, "values": [HIGH]}}}), acr_values=LOW)
    wanted = ("unmet_authentication_requirements", "assurance_level_not_met")
    assert refusal(party, asked, visitor.login(asked, "auto-approve-low")) == wanted


def test_an_essential_level_is_asked_for(party: RelyingParty, visitor: Browser) -> None:
    for how in ({"essential": True, "values": [HIGH]}, {"essential": True, "value": HIGH}):
        assert claims_of(party, visitor, claims=asking(id_token={"acr": how}))["acr"] == HIGH
    voluntary = asking(id_token={"acr": {"values": [LOW]}})
    assert claims_of(party, visitor, claims=voluntary)["acr"] == LOW
    assert claims_of(party, visitor, claims=asking(id_token={"acr": {"essential": True}}))["acr"] == SUBSTANTIAL
    assert claims_of(party, visitor, claims=asking(id_token={"acr": {"values": ["urn:unheard-of"]}}))["acr"] == SUBSTANTIAL


def test_what_nobody_can_reach_is_refused_before_anybody_is_asked(fjordbank: House, visitor: Browser, books: Books) -> None:
    from authflows import configuration

    party = fjordbank.client()
    high, asked = party.ask(acr_values=HIGH), party.ask(acr_values=f"{HIGH} {SUBSTANTIAL}")

    def capped(level: LiteralString) -> None:
        books.execute("UPDATE authflows_connection SET level_cap = %s WHERE kind = 'simulator'", level)
        with fjordbank.blocker.unblock():
            configuration.changed(fjordbank.id, party.environment_id)

    try:
        capped("substantial")
        described = visitor.get(party.issuer + "/.well-known/openid-configuration").json()
        assert described["acr_values_supported"] == [LOW, SUBSTANTIAL]
        answer = refusal(party, high, visitor.login(asked) and visitor.get(high.url).headers["Location"])
        assert answer == ("unmet_authentication_requirements", "the level that is needed cannot be reached here")
        assert len(books.outcomes(party)) == 1
    finally:
        capped("high")
    assert "code" in party.told(high, visitor.login(party.ask(acr_values=HIGH, state=high.state)))


def test_single_claims_come_without_their_scope(party: RelyingParty, visitor: Browser) -> None:
    wanted = asking(id_token={"given_name": None, "mitid_age": {"essential": True}}, userinfo={"birthdate": {"essential": False}})
    told = claims_of(party, visitor, scope="openid", claims=wanted)
    assert told["given_name"] == "Agnes"
    assert {"mitid_age", "birthdate"} <= set(told)
    assert not {"family_name", "name", "mitid_uuid"} & set(told)


def test_a_claim_that_the_client_may_not_have_is_left_out_without_a_word(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=("openid", "profile"))
    wanted = asking(
        id_token={"mitid_uuid": {"essential": True}, "cpr": None, "constructor": None, "name": None},
        userinfo={"mitid_age": None},
        verified_claims={"verification": 1},
    )
    told = claims_of(party, visitor, scope="openid", claims=wanted)
    assert told["name"] == "Agnes Automatisk"
    assert not {"mitid_uuid", "cpr", "constructor", "mitid_age", "verified_claims"} & set(told)


def test_nobody_else_is_answered_with_than_the_one_asked_for(party: RelyingParty, visitor: Browser, books: Books) -> None:
    """OpenID Connect Core 3.1.2.2: an id_token must not be about a different person."""
    known = claims_of(party, visitor)["sub"]
    asked = asking(id_token={"sub": {"value": known}})
    assert claims_of(party, visitor, claims=asked)["sub"] == known
    other = party.ask(claims=asked, prompt="login")
    assert refusal(party, other, visitor.login(other, "auto-approve-low")) == (
        "unmet_authentication_requirements",
        "assurance_level_not_met",
    )
    other = party.ask(claims=asked, acr_values=LOW, prompt="login")
    assert refusal(party, other, visitor.login(other, "auto-approve-low")) == ("login_required", "another_person")
    assert books.outcomes(party)[-1] == "failed"
    nobody = party.ask(claims=asking(id_token={"sub": {"value": "nobody"}}))
    assert refusal(party, nobody, visitor.login(nobody))[0] == "login_required"


def test_a_session_answers_for_its_own_person_only(party: RelyingParty, visitor: Browser) -> None:
    known = claims_of(party, visitor)["sub"]
    for sub, answered in ((known, True), ("somebody-else", False)):
        asked = party.ask(claims=asking(id_token={"sub": {"value": sub}}), prompt="none")
        told = party.told(asked, visitor.get(asked.url).headers["Location"])
        assert ("code" in told, told.get("error")) == (answered, None if answered else "login_required")


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_a_session_s_answer_leaves_as_it_was_asked_for(mode: str, party: RelyingParty, visitor: Browser) -> None:
    claims_of(party, visitor)
    asked = party.ask(response_mode=mode)
    answer = visitor.get(asked.url)
    told = posted(party, asked, answer) if mode == "form_post" else party.told(asked, answer.headers["Location"])
    assert party.token(asked, told["code"]).status_code == 200


def test_a_login_of_nobody_meets_no_session_and_leaves_none(fjordbank: House, visitor: Browser) -> None:
    visitor.remembers = True
    party = fjordbank.client(scopes=("openid", "profile", "age_over:18"))
    claims_of(party, visitor, scope="openid age_over:18")
    for scope in ("openid age_over:18", "openid"):
        asked = party.ask(scope=scope, prompt="none")
        assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "login_required"
    known = claims_of(party, visitor, scope="openid")["sub"]
    assert claims_of(party, visitor, scope="openid age_over:18", prompt=None)["sub"] != known
    asked = party.ask(scope="openid", prompt="none")
    assert "code" in party.told(asked, visitor.get(asked.url).headers["Location"])


def test_a_hint_is_taken_and_kept_nowhere(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask(login_hint="freja@fjordbank.example")
    assert "code" in party.told(asked, visitor.login(asked))
    kept = books.rows("SELECT request::text FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id)
    assert kept
    assert not [row for (row,) in kept if "freja" in row]


# ui_locales


@pytest.mark.parametrize(
    ("ui_locales", "browser", "spoken"),
    [
        ("da", "en", "da"),
        ("en-GB da", "da", "en"),
        ("fr DA-dk", "en", "da"),
        ("fr kl da", "en", "kl"),
        ("fr", "kl-GL, da", "kl"),
        ("fr", "klingon, en", "en"),
        ("fr", "en", "en"),
        ("\u202e da", "en", "da"),
    ],
)
def test_the_first_language_that_we_speak_is_spoken(
    ui_locales: str, browser: str, spoken: str, party: RelyingParty, new_visitor: Visitors
) -> None:
    assert f'<html lang="{spoken}">' in new_visitor(browser).open(party.ask(ui_locales=ui_locales)).text


# GET and POST


def test_a_request_can_be_posted(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask()
    address, _, query = asked.url.partition("?")
    answer = visitor.http.post(address, content=query, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 303
    page = visitor.get(answer.headers["Location"])
    assert "code" in party.told(asked, visitor.finish(visitor.submit(page, user_id="auto-approve")))
    assert visitor.http.post(address, files={"client_id": party.client_id.encode()}).status_code == 400


# Where the provider describes itself


def test_the_description_stands_where_rfc_8414_looks_for_it(party: RelyingParty, visitor: Browser) -> None:
    told = visitor.get(party.issuer + "/.well-known/openid-configuration")
    path = urlsplit(party.issuer).path
    for address in (f"{party.issuer}/.well-known/oauth-authorization-server", f"/.well-known/oauth-authorization-server{path}"):
        answer = visitor.get(address)
        assert answer.status_code == 200, address
        assert answer.json() == told.json()
        assert answer.headers["Cache-Control"] == told.headers["Cache-Control"]
    assert visitor.get("/.well-known/oauth-authorization-server/t/nobody").status_code == 404
    assert visitor.get("/.well-known/oauth-authorization-server").status_code == 404
