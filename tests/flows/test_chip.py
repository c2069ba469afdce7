"""The chip: registered for a simulated person, then a factor like another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from httpx import Response

from tests.doubles.authenticators import chosen, code_on, moved, printed, typed
from tests.doubles.browser import Browser, forms, step_of
from tests.doubles.chip import Chip, asked_by
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.flows.test_authenticators import HIGH, LOW, SUBSTANTIAL, claims_of, methods

Visitors = Callable[..., Browser]


@pytest.fixture
def own(fjordbank: House, books: Books) -> Iterator[RelyingParty]:
    """Chips are each environment's own: what is registered here nobody else's test is offered."""
    yield fjordbank.client("production")
    books.execute("DELETE FROM authflows_simulatedchip")
    books.execute("DELETE FROM authflows_simulatedblock")


@pytest.fixture
def chip(own: RelyingParty) -> Chip:
    parts = urlsplit(own.issuer)
    return Chip(f"{parts.scheme}://{parts.netloc}")


def chips_of(browser: Browser, party: RelyingParty, user_id: str) -> Response:
    page = browser.get(f"{party.issuer}/simulator/chip?user_id={user_id}")
    assert step_of(page) == "chips"
    return page


def register(browser: Browser, party: RelyingParty, chip: Chip, user_id: str) -> Response:
    page = chips_of(browser, party, user_id)
    return browser.submit(page, chip=chip.made(page))


def test_a_password_and_a_chip_reach_high(own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors, books: Books) -> None:
    assert "1 chip<" in register(new_visitor(), own, chip, "gerda").text
    asked = own.ask(acr_values=HIGH, prompt="login")
    page = chosen(visitor, visitor.open(asked), "gerda", "password_chip")
    assert "Step 3 of 4" in page.text
    page = typed(visitor, page, printed(page))
    assert (step_of(page), "Step 4 of 4" in page.text) == ("chip", True)
    told = claims_of(own, asked, visitor.finish(visitor.submit(page, chip=chip.proof(page))))
    assert (told["acr"], told["amr"], told["mitid_authenticators"]) == (HIGH, ["pwd", "hwk", "mfa"], ["password", "u2f_token"])
    assert books.outcomes(own)[-1] == "completed"


def test_an_app_and_a_chip_reach_high(own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors) -> None:
    phone = new_visitor()
    register(phone, own, chip, "karl")
    asked = own.ask(acr_values=HIGH, prompt="login")
    page = chosen(visitor, visitor.open(asked), "karl", "app_chip")
    waiting = phone.get(f"{own.issuer}/simulator/phone?user_id=karl")
    phone.submit(waiting, answer="approve", channel_code=code_on(page))
    page = visitor.get(str(page.url))
    assert step_of(page) == "chip"
    told = claims_of(own, asked, visitor.finish(visitor.submit(page, chip=chip.proof(page))))
    assert (told["acr"], told["mitid_authenticators"]) == (HIGH, ["code_app", "u2f_token"])


def test_a_chip_alone_is_low(own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors) -> None:
    register(new_visitor(), own, chip, "freja")
    asked = own.ask(acr_values=LOW, prompt="login")
    page = chosen(visitor, visitor.open(asked), "freja", "chip")
    told = claims_of(own, asked, visitor.finish(visitor.submit(page, chip=chip.proof(page))))
    assert (told["acr"], told["amr"], told["ial"]) == (LOW, ["hwk"], HIGH)


@pytest.mark.parametrize(
    ("person", "level", "offered"),
    [
        ("gerda", SUBSTANTIAL, ["password_chip"]),
        ("gerda", LOW, ["password", "chip"]),
        ("karl", HIGH, ["password_chip", "app_chip"]),
        ("freja", HIGH, ["app", "password_chip"]),
        ("villads", HIGH, ["app_chip"]),
    ],
)
def test_a_chip_stands_beside_another_factor_where_neither_would_do(
    person: str, level: str, offered: list[str], own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors
) -> None:
    register(new_visitor(), own, chip, person)
    page = visitor.open(own.ask(acr_values=level, prompt="login"))
    assert methods(moved(visitor, visitor.submit(page, user_id=person))) == offered


def at_the_chip(visitor: Browser, party: RelyingParty, user_id: str = "gerda") -> Response:
    page = chosen(visitor, visitor.open(party.ask(acr_values=LOW, prompt="login")), user_id, "chip")
    assert step_of(page) == "chip"
    return page


def test_what_a_chip_answered_once_is_good_for_nothing_else(own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors) -> None:
    register(new_visitor(), own, chip, "gerda")
    first = at_the_chip(visitor, own)
    answer = chip.proof(first)
    assert "code=" in visitor.finish(visitor.submit(first, chip=answer))
    second = at_the_chip(visitor, own)
    assert "This is not a chip of yours. You have 2 attempts left" in moved(visitor, visitor.submit(second, chip=answer)).text


def test_three_wrong_answers_block_the_chip(own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors) -> None:
    register(new_visitor(), own, chip, "gerda")
    page = at_the_chip(visitor, own)
    elsewhere, its_key, unknown = replace(chip, origin="https://not-here.example"), Chip(chip.origin, id=chip.id), Chip(chip.origin)
    for wrong in (elsewhere, its_key):
        page = moved(visitor, visitor.submit(page, chip=wrong.proof(page)))
        assert step_of(page) == "chip"
    page = moved(visitor, visitor.submit(page, chip=unknown.proof(page)))
    assert step_of(page) == "blocked"
    page = moved(visitor, visitor.submit(page, unblock="1"))
    assert "code=" in visitor.finish(visitor.submit(page, chip=chip.proof(page)))


def test_a_copy_is_known_by_its_count(own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors) -> None:
    register(new_visitor(), own, chip, "gerda")
    copy, chip.count = replace(chip, count=6), 40
    page = at_the_chip(visitor, own)
    visitor.finish(visitor.submit(page, chip=chip.proof(page)))
    page = at_the_chip(visitor, own)
    assert "not a chip of yours" in moved(visitor, visitor.submit(page, chip=copy.proof(page))).text


@pytest.mark.parametrize("answer", ["x", "[]", "{}", '{"response": {"clientDataJSON": "AAAA"}}', "0" * 20_000, json.dumps({"id": None})])
def test_no_answer_breaks_the_pages(answer: str, own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors) -> None:
    phone = new_visitor()
    refused = phone.submit(chips_of(phone, own, "gerda"), chip=answer)
    assert (refused.status_code, "could not be used" in refused.text) == (200, True)
    register(phone, own, chip, "gerda")
    page = at_the_chip(visitor, own)
    assert "not a chip of yours" in moved(visitor, visitor.submit(page, chip=answer)).text


def test_a_chip_is_registered_once_and_its_challenge_is_ours(own: RelyingParty, chip: Chip, new_visitor: Visitors) -> None:
    phone = new_visitor()
    register(phone, own, chip, "gerda")
    assert "registered already" in register(phone, own, chip, "gerda").text
    for_another = Chip(chip.origin).made(chips_of(phone, own, "karl"))
    assert "could not be used" in phone.submit(chips_of(phone, own, "gerda"), chip=for_another).text
    for _ in range(4):
        register(phone, own, Chip(chip.origin), "gerda")
    assert "There are 5 already" in register(phone, own, Chip(chip.origin), "gerda").text
    assert "0 chips" in phone.submit(chips_of(phone, own, "gerda"), forget="1").text


def test_chips_are_each_environments_own(fjordbank: House, own: RelyingParty, chip: Chip, new_visitor: Visitors) -> None:
    phone, test = new_visitor(), fjordbank.client()
    register(phone, own, chip, "gerda")
    assert "0 chips" in chips_of(phone, test, "gerda").text


def test_the_pages_say_what_a_browser_may_do_on_them(own: RelyingParty, chip: Chip, visitor: Browser, new_visitor: Visitors) -> None:
    phone = new_visitor()
    page = chips_of(phone, own, "gerda")
    assert "publickey-credentials-create=(self)" in page.headers["Permissions-Policy"]
    register(phone, own, chip, "gerda")
    step = at_the_chip(visitor, own)
    assert "publickey-credentials-get=(self), publickey-credentials-create=()" in step.headers["Permissions-Policy"]
    for each in (page, step):
        assert "script-src 'self';" in each.headers["Content-Security-Policy"]
        assert "The chip needs JavaScript" in each.text
    assert asked_by(step)["chips"][0]["rp_id"] == "localhost"


def test_nobody_registers_for_who_is_not_there_or_from_another_page(own: RelyingParty, phone_token: str, visitor: Browser) -> None:
    for user_id in ("nobody", "auto-approve", ""):
        assert visitor.get(f"{own.issuer}/simulator/chip?user_id={user_id}").status_code == 404
    answer = visitor.post(f"{own.issuer}/simulator/chip?user_id=gerda", {"form_token": phone_token, "forget": "1"})
    assert answer.status_code == 403


@pytest.fixture
def phone_token(own: RelyingParty, visitor: Browser) -> str:
    """The form token of another person's page."""
    return forms(chips_of(visitor, own, "karl"))[0].fields["form_token"]
