"""With PSD2 a page tells nobody which of user id and factors was wrong, or is blocked (domain facts 2.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from httpx import Response

from tests.doubles.authenticators import chosen, code_on, moved, printed, typed
from tests.doubles.browser import Browser, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]


@pytest.fixture
def own(fjordbank: House) -> RelyingParty:
    """People are each environment's own: what is blocked here is blocked for nobody else's test."""
    return fjordbank.client("production")


@pytest.fixture
def nobody_blocked(books: Books) -> None:
    books.execute("DELETE FROM authflows_simulatedblock")


def box_of(page: Response) -> str:
    """What the slot shows, without what belongs to this one login."""
    slot = page.text.partition('class="boxslot"')[2].partition("</section>")[0]
    handle = str(page.url).partition("/login/")[2][:22]
    tokens = {part.split('"')[0] for part in slot.split('name="form_token" value="')[1:]}
    for each in (handle, *tokens):
        slot = slot.replace(each, "")
    return slot


def unknown(visitor: Browser, party: RelyingParty) -> Response:
    return moved(visitor, visitor.submit(visitor.open(party.ask(psd2="true")), user_id="nobody"))


def wrong(visitor: Browser, party: RelyingParty, method: str) -> Response:
    page = chosen(visitor, visitor.open(party.ask(psd2="true", acr_values="low")), "karl", method)
    return typed(visitor, page, "000 000")


def blocked(visitor: Browser, party: RelyingParty) -> Response:
    page = wrong(visitor, party, "code_display")
    for _ in range(3):
        page = moved(visitor, visitor.submit(page, again="1"))
        assert step_of(page) == "user_id"
        page = moved(visitor, visitor.submit(moved(visitor, visitor.submit(page, user_id="karl")), authenticator="code_display"))
        if step_of(page) == "code_display":
            assert "attempt" not in page.text
            page = typed(visitor, page, "000 000")
    return page


def test_unknown_wrong_and_blocked_are_one_page(own: RelyingParty, visitor: Browser, books: Books, nobody_blocked: None) -> None:
    pages = [
        unknown(visitor, own),
        wrong(visitor, own, "code_display"),
        wrong(visitor, own, "password"),
        blocked(visitor, own),
    ]
    assert books.one("SELECT count(*) FROM authflows_simulatedblock WHERE person = 'karl'") == 1
    assert {step_of(page) for page in pages} == {"not_recognised"}
    assert len({box_of(page) for page in pages}) == 1
    assert "We could not recognise you" in pages[0].text
    books.execute("DELETE FROM authflows_simulatedblock")


def test_the_client_is_told_one_thing_too(own: RelyingParty, visitor: Browser, books: Books, nobody_blocked: None) -> None:
    for begin in (unknown, lambda visitor, party: wrong(visitor, party, "password"), blocked):
        page = begin(visitor, own)
        location = visitor.finish(visitor.submit(page, "foot", cancel="1"))
        assert "error=access_denied&error_description=mitid_not_recognised" in location
    asked = own.ask(psd2="true")
    assert own.told(asked, visitor.login(asked, "auto-blocked"))["error_description"] == "mitid_not_recognised"
    assert set(books.outcomes(own)) == {"failed"}
    books.execute("DELETE FROM authflows_simulatedblock")


def test_after_it_one_may_start_again(own: RelyingParty, visitor: Browser, new_visitor: Visitors, nobody_blocked: None) -> None:
    asked = own.ask(psd2="true")
    page = moved(visitor, visitor.submit(visitor.open(asked), user_id="nobody"))
    page = moved(visitor, visitor.submit(page, again="1"))
    page = moved(visitor, visitor.submit(page, user_id="freja"))
    page = moved(visitor, visitor.submit(page, authenticator="code_display"))
    page = typed(visitor, page, printed(page))
    told = own.claims(own.redeem(asked, visitor.finish(visitor.submit(page, password=printed(page))))["id_token"])
    assert told["psd2"] is True


def test_a_wrong_code_on_the_phone_blocks_as_quietly(
    own: RelyingParty, visitor: Browser, new_visitor: Visitors, books: Books, nobody_blocked: None
) -> None:
    screen, phone = chosen(visitor, visitor.open(own.ask(psd2="true")), "karl", "app"), new_visitor()
    wrong_code = f"{(int(code_on(screen)) + 1) % 10_000:04}"
    for _ in range(3):
        phone.submit(phone.get(f"{own.issuer}/simulator/phone?user_id=karl"), answer="approve", channel_code=wrong_code)
    page = visitor.get(str(screen.url))
    assert step_of(page) == "not_recognised"
    assert box_of(page) == box_of(unknown(new_visitor(), own))
    books.execute("DELETE FROM authflows_simulatedblock")


@pytest.mark.parametrize(
    ("setting", "sent", "told"), [(False, None, None), (False, "true", True), (True, None, True), (True, "false", True)]
)
def test_the_claim_is_the_core_s_word(setting: bool, sent: str | None, told: bool | None, fjordbank: House, visitor: Browser) -> None:
    """A request never asks for less than its client is set to."""
    party = fjordbank.client(psd2=setting)
    asked = party.ask(psd2=sent)
    tokens = party.redeem(asked, visitor.login(asked))
    assert party.claims(tokens["id_token"]).get("psd2") is told
    assert party.userinfo(tokens["access_token"]).json().get("psd2") is told


@pytest.mark.parametrize("said", [None, False, "true", 1])
def test_a_core_that_does_not_say_so_is_not_believed_to(said: object) -> None:
    from tests.authflows.test_mitid_adapter import ASK, SESSION, core
    from tests.doubles.strange_core import honest, signed
    from tests.doubles.strange_core import said as answered

    ask = replace(ASK, psd2=True)
    result = signed(honest(ask, SESSION, psd2=said))
    assert core(redeem=answered({"result": result})).finish(ask, SESSION, "code").psd2 is False


def test_neb_s_clients_ask_and_are_told_in_their_words(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(dialect="neb")
    for params, told in (('{"mitid":{"require_psd2":true}}', "true"), ('{"mitid":{"require_psd2":false}}', "false")):
        asked = party.ask(scope="openid mitid", idp_params=params)
        tokens = party.redeem(asked, visitor.login(asked))
        assert party.userinfo(tokens["access_token"]).json()["mitid.psd2"] == told
        assert party.claims(tokens["id_token"]).get("mitid.psd2") == ("true" if told == "true" else None)


def test_what_is_neither_is_refused(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(psd2="perhaps")
    told = party.told(asked, visitor.get(asked.url).headers["Location"])
    assert (told["error"], told["error_description"]) == ("invalid_request", "psd2: true or false")
