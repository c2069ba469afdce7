"""What a person is asked to do, and the text they read before they do it (UX scheme principle 9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

import pytest

from authflows.requests import ACTIONS
from tests.doubles.authenticators import chosen, code_on, printed, typed
from tests.doubles.browser import Browser, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import Asked, RelyingParty

Visitors = Callable[..., Browser]
TEXT = "Betal 100 kr. til Åse & Søn"
HEADINGS = {
    "en": dict(zip(ACTIONS, ("Log on", "Approve", "Confirm", "Accept", "Sign"), strict=True)),
    "da": dict(zip(ACTIONS, ("Log på", "Godkend", "Bekræft", "Acceptér", "Underskriv"), strict=True)),
}


def claims_of(party: RelyingParty, asked: Asked, location: str) -> dict[str, Any]:
    """The id_token's, which userinfo repeats."""
    tokens = party.redeem(asked, location)
    claims = party.claims(tokens["id_token"])
    told = party.userinfo(tokens["access_token"]).json()
    assert {name: claims.get(name) for name in ("action", "reference_text")} == {
        name: told.get(name) for name in ("action", "reference_text")
    }
    return claims


def refusal(party: RelyingParty, visitor: Browser, **sent: str) -> str:
    asked = party.ask(**sent)
    told = party.told(asked, visitor.get(asked.url).headers["Location"])
    assert told["error"] == "invalid_request"
    return told["error_description"]


def stored(books: Books, party: RelyingParty) -> list[str]:
    rows = books.rows("SELECT request::text FROM authflows_login WHERE relying_party_id = %s ORDER BY id", party.relying_party_id)
    return [text for (text,) in rows]


@pytest.mark.parametrize("language", HEADINGS)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_box_says_what_is_asked(action: str, language: str, party: RelyingParty, new_visitor: Visitors) -> None:
    visitor = new_visitor(language)
    page = visitor.open(party.ask(action=action))
    assert f"{HEADINGS[language][action]} {'hos' if language == 'da' else 'at'} Fjordbank" in page.text.partition('class="sim"')[2]
    visitor.finish(visitor.submit(page, "foot"))


def test_what_was_shown_is_told(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(action="confirm", reference_text=TEXT)
    told = claims_of(party, asked, visitor.login(asked))
    assert (told["action"], told["reference_text"]) == ("confirm", TEXT)
    plain = party.ask()
    assert not {"action", "reference_text"} & set(claims_of(party, plain, visitor.login(plain)))


def test_the_text_stands_at_the_last_authenticator_and_on_the_phone(party: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    page = chosen(visitor, visitor.open(party.ask(reference_text=TEXT)), "freja", "code_display")
    assert escape(TEXT) not in page.text
    page = typed(visitor, page, printed(page))
    assert step_of(page) == "password"
    assert escape(TEXT) in page.text
    visitor.finish(visitor.submit(page, "foot"))
    asked = party.ask(reference_text=TEXT)
    screen = chosen(visitor, visitor.open(asked), "freja", "app")
    assert escape(TEXT) in screen.text
    phone = new_visitor()
    shown = phone.get(f"{party.issuer}/simulator/phone?user_id=freja")
    assert escape(TEXT) in shown.text
    phone.submit(shown, answer="approve", channel_code=code_on(screen))
    assert claims_of(party, asked, visitor.finish(visitor.get(str(screen.url))))["reference_text"] == TEXT


# As sent: not composed, though 130 characters only when they are.
DECOMPOSED = "e\u0301" * 130


@pytest.mark.parametrize(("user_id", "ends"), [("auto-approve", "completed"), ("auto-reject", "failed")])
def test_the_text_is_kept_as_it_was_sent_until_the_login_ends(
    user_id: str, ends: str, party: RelyingParty, visitor: Browser, books: Books
) -> None:
    asked = party.ask(reference_text=DECOMPOSED, action="sign")
    page = visitor.open(asked)
    (row,) = stored(books, party)
    assert DECOMPOSED in row
    location = visitor.finish(visitor.submit(page, user_id=user_id))
    (row,) = stored(books, party)
    assert "e\u0301" not in row
    assert "reference_text" not in row
    assert books.outcomes(party) == [ends]
    if ends == "completed":
        assert claims_of(party, asked, location)["reference_text"] == DECOMPOSED
    assert visitor.finish(visitor.get(str(page.url))) == location


def test_a_text_of_a_login_that_nobody_came_back_for_goes_too(party: RelyingParty, visitor: Browser, books: Books, committed: None) -> None:
    from authflows import sweeps

    visitor.begin(party.ask(reference_text=TEXT))
    assert books.execute("UPDATE authflows_login SET expires_at = now() WHERE relying_party_id = %s", party.relying_party_id) == 1
    sweeps.expire_logins()
    assert "reference_text" not in stored(books, party)[0]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x" * 131, "longer than 130 characters"),
        ("a\nb", "contains a control character"),
        ("a\u202eb", "contains a control character"),
        ("<b>", "contains <, which is not allowed here"),
        ("100 %", "contains %, which is not allowed here"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_the_rule_s_name(
    text: str, rule: str, party: RelyingParty, visitor: Browser, books: Books
) -> None:
    assert refusal(party, visitor, reference_text=text) == f"reference_text: {rule}"
    assert refusal(party, visitor, action="dance") == "action: one of log_on, approve, confirm, accept, sign"
    assert books.of(party).agreed == 0


def test_a_client_has_words_of_its_own_and_a_request_may_have_others(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(action="accept", reference_text="Vilkår 2026")
    asked = party.ask()
    told = claims_of(party, asked, visitor.login(asked))
    assert (told["action"], told["reference_text"]) == ("accept", "Vilkår 2026")
    asked = party.ask(action="sign", reference_text=TEXT)
    told = claims_of(party, asked, visitor.login(asked))
    assert (told["action"], told["reference_text"]) == ("sign", TEXT)


@pytest.mark.parametrize("text", ["x" * 131, "a\nb", "<"])
def test_a_client_s_own_text_keeps_the_same_rules(text: str, fjordbank: House) -> None:
    from authflows.registration import Refused

    with pytest.raises(Refused, match=r"^reference_text: "):
        fjordbank.client(reference_text=text)


@pytest.mark.parametrize("sent", [{"action": "approve"}, {"reference_text": TEXT}, {"psd2": "true"}])
def test_a_session_answers_no_question(sent: dict[str, str], party: RelyingParty, visitor: Browser) -> None:
    first = party.ask()
    visitor.login(first)
    visitor.remembers = True
    assert "/login/" in visitor.get(party.ask(**sent).url).headers["Location"]
    asked = party.ask(prompt="none", **sent)
    assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "login_required"


def test_a_text_cannot_become_a_part_of_the_page(party: RelyingParty, visitor: Browser) -> None:
    hostile = "\"/>[[SLOT]]{{ 7 }}&amp;'`"
    page = chosen(visitor, visitor.open(party.ask(reference_text=hostile)), "freja", "app")
    assert re.findall(r'<p class="ref">(.*?)</p>', page.text) == [escape(hostile)]
    visitor.finish(visitor.submit(page, "foot"))
