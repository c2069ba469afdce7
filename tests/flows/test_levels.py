"""A lower level is never passed off as the one that was asked for: each way to miss it ends in a page of its own and a documented error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import LiteralString

import pytest
from httpx import Response

from authflows import error_guide
from authflows.levels import NSIS
from tests.doubles.authenticators import chosen, code_on, moved, printed
from tests.doubles.browser import Browser, forms, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import Asked, RelyingParty

Visitors = Callable[..., Browser]
NOT_MET = ("unmet_authentication_requirements", "assurance_level_not_met")
EXPLAINED = {each.code for place in error_guide.GUIDE for each in place.errors}


def refusal(party: RelyingParty, asked: Asked, location: str) -> tuple[str, str]:
    told = party.told(asked, location)
    assert "code" not in told
    return told["error"], told["error_description"]


def is_too_low(page: Response) -> bool:
    return page.status_code == 200 and any(form.css == "again" for form in forms(page))


def to_the_page(visitor: Browser, answer: Response) -> Response:
    """From the end of the box, by the return address, to our own page."""
    back = visitor.get(answer.headers["Location"])
    assert back.status_code == 303
    return visitor.get(back.headers["Location"])


def test_the_errors_are_documented() -> None:
    assert set(NOT_MET) <= EXPLAINED


@pytest.mark.parametrize(("user_id", "level"), [("gerda", "substantial"), ("villads", "high"), ("villads", "substantial")])
def test_who_holds_too_little_reads_so_in_the_box(user_id: str, level: str, party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask(acr_values=level)
    page = moved(visitor, visitor.submit(visitor.open(asked), user_id=user_id))
    assert step_of(page) == "level"
    assert 'name="authenticator"' not in page.text
    assert refusal(party, asked, visitor.finish(visitor.submit(page, "foot", cancel="1"))) == NOT_MET
    assert books.outcomes(party) == ["failed"]


def test_a_core_that_vouches_for_less_is_not_believed_to_have_said_more(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask(acr_values="high")
    page = to_the_page(visitor, visitor.submit(visitor.open(asked), user_id="auto-approve-low"))
    assert is_too_low(page)
    for said in ("The service requires a higher assurance level.", "Fjordbank asks for High. You logged on at Low."):
        assert said in page.text
    assert page.headers["Trace-Id"]
    assert visitor.get(str(page.url)).text == page.text
    assert books.of(party).agreed == 1
    assert refusal(party, asked, visitor.finish(visitor.submit(page, "foot"))) == NOT_MET
    assert books.outcomes(party) == ["failed"]


def test_whoever_tries_again_is_a_request_more_and_may_reach_it(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask(acr_values="high")
    page = to_the_page(visitor, visitor.submit(visitor.open(asked), user_id="auto-approve-low"))
    box = moved(visitor, visitor.submit(page, "again"))
    assert step_of(box) == "user_id"
    assert step_of(moved(visitor, visitor.submit(page, "again"))) == "user_id"
    location = visitor.finish(visitor.submit(box, user_id="auto-approve"))
    assert party.claims(party.redeem(asked, location)["id_token"])["acr"] == NSIS + "High"
    assert books.of(party).agreed == 2
    assert books.outcomes(party) == ["failed", "completed"]


def test_nobody_else_can_decide(party: RelyingParty, visitor: Browser, new_visitor: Visitors, books: Books) -> None:
    page = to_the_page(visitor, visitor.submit(visitor.open(party.ask()), user_id="auto-approve-low"))
    (form,) = [form for form in forms(page) if form.css == "again"]
    assert new_visitor().post(form.action, form.fields).status_code == 403
    assert visitor.post(form.action, {"form_token": "x"}).status_code == 403
    assert is_too_low(visitor.get(str(page.url)))
    assert books.of(party).agreed == 1


def test_nobody_comes_back_to_decide(party: RelyingParty, visitor: Browser, books: Books, committed: None) -> None:
    from authflows import sweeps

    page = to_the_page(visitor, visitor.submit(visitor.open(party.ask()), user_id="auto-approve-low"))
    books.execute("UPDATE authflows_login SET expires_at = now() WHERE relying_party_id = %s", party.relying_party_id)
    sweeps.expire_logins()
    assert "error_description=mitid_timeout" in visitor.finish(visitor.get(str(page.url)))
    assert books.outcomes(party) == ["failed"]


def test_a_session_at_low_is_stepped_up_by_a_request_of_its_own(
    party: RelyingParty, visitor: Browser, new_visitor: Visitors, books: Books
) -> None:
    visitor.remembers = True
    low = party.ask(acr_values="low")
    page = chosen(visitor, visitor.open(low), "freja", "password")
    first = party.claims(party.redeem(low, visitor.finish(visitor.submit(page, password=printed(page))))["id_token"])
    passive = party.ask(acr_values="high", prompt="none")
    assert party.told(passive, visitor.get(passive.url).headers["Location"])["error"] == "interaction_required"
    high = party.ask(acr_values="high")
    screen, phone = chosen(visitor, visitor.open(high), "freja", "app"), new_visitor()
    phone.submit(phone.get(f"{party.issuer}/simulator/phone?user_id=freja"), answer="approve", channel_code=code_on(screen))
    stepped = party.claims(party.redeem(high, visitor.finish(visitor.get(str(screen.url))))["id_token"])
    assert [claims["acr"] for claims in (first, stepped)] == [NSIS + "Low", NSIS + "High"]
    assert (stepped["sub"], stepped["sid"]) == (first["sub"], first["sid"])
    assert stepped["core_transaction_id"] != first["core_transaction_id"]
    assert books.of(party).agreed == 2
    again = party.ask(acr_values="high", prompt="none")
    assert "code" in party.told(again, visitor.get(again.url).headers["Location"])


def test_a_session_that_is_not_stepped_up_answers_nothing_more(party: RelyingParty, visitor: Browser) -> None:
    visitor.remembers = True
    low = party.ask(acr_values="low")
    page = chosen(visitor, visitor.open(low), "gerda", "password")
    assert "code=" in visitor.finish(visitor.submit(page, password=printed(page)))
    high = party.ask(acr_values="substantial")
    page = moved(visitor, visitor.submit(visitor.open(high), user_id="gerda"))
    assert step_of(page) == "level"
    assert refusal(party, high, visitor.finish(visitor.submit(page, "foot", cancel="1"))) == NOT_MET
    still = party.ask(acr_values="low", prompt="none")
    assert "code" in party.told(still, visitor.get(still.url).headers["Location"])


@contextmanager
def capped(house: House, party: RelyingParty, books: Books, level: LiteralString) -> Iterator[None]:
    from authflows import configuration

    def cap(at: LiteralString) -> None:
        books.execute("UPDATE authflows_connection SET level_cap = %s WHERE kind = 'simulator'", at)
        with house.blocker.unblock():
            configuration.changed(house.id, party.environment_id)

    cap(level)
    try:
        yield
    finally:
        cap("high")


def test_a_connection_that_is_capped_is_never_asked_for_more(fjordbank: House, visitor: Browser, books: Books) -> None:
    party, strict = fjordbank.client(), fjordbank.client(minimum_level="high")
    with capped(fjordbank, party, books, "substantial"):
        for client, asked in ((party, party.ask(acr_values="high")), (strict, strict.ask())):
            answer = refusal(client, asked, visitor.get(asked.url).headers["Location"])
            assert answer == (NOT_MET[0], "the level that is needed cannot be reached here")
            assert books.of(client).agreed == 0
        asked = party.ask(acr_values="substantial")
        assert party.claims(party.redeem(asked, visitor.login(asked))["id_token"])["acr"] == NSIS + "Substantial"


def test_what_was_high_before_the_cap_is_told_at_the_cap(fjordbank: House, visitor: Browser, books: Books) -> None:
    """A session keeps who it was, and what may be said of them today is decided today."""
    visitor.remembers = True
    party = fjordbank.client()
    high = party.ask(acr_values="high")
    assert "code=" in visitor.login(high)
    with capped(fjordbank, party, books, "substantial"):
        asked = party.ask(prompt="none")
        location = visitor.get(asked.url).headers["Location"]
        assert party.claims(party.redeem(asked, location)["id_token"])["acr"] == NSIS + "Substantial"


@pytest.mark.parametrize(("kind", "reached"), [("private", "HIGH"), ("business", "SUBSTANTIAL")])
def test_the_operator_s_notification_caps_each_kind_of_identity(kind: str, reached: str) -> None:
    import uuid
    from datetime import UTC, datetime

    from authflows import login
    from authflows.configuration import Upstream
    from authflows.identity import Identity
    from authflows.levels import Level

    connection = Upstream(uuid.uuid4(), "simulator", Level.HIGH, "standard", core_client=True, sso=True)
    identity = Identity("x", kind, Level.HIGH, Level.HIGH, datetime.now(UTC))
    assert login.achieved(identity, connection) is Level[reached]
