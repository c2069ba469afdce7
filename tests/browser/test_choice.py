"""Where a person chooses among several methods, and the way on from a provider elsewhere: sound in every view, and without script."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.visitor import VIEWS, faults, opened
from tests.doubles.hostile_upstream import CLIENT_ID, SECRET, hostile
from tests.doubles.houses import Books, House, open_house
from tests.doubles.relying_party import RelyingParty
from tests.flows.conftest import books  # noqa: F401  (the fixture)
from tests.harness.browser import Watch
from tests.harness.server import Server

QUESTION = {"da": "Hvordan vil du logge på?", "en": "How do you want to log on?"}


@pytest.fixture(scope="module")
def house(server: Server, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    from authflows import connections
    from authflows.connections import Credentials, Wanted
    from authflows.upstream.oidc.settings import OpenIDSettings

    house = open_house(django_db_blocker, "Sydbank")
    with hostile() as provider, django_db_blocker.unblock():
        wanted = Wanted("Work account", "work", OpenIDSettings(provider.issuer, CLIENT_ID))
        connection = connections.connect(house.opened.tenant.operator, wanted)
        connections.grant(house.opened.tenant, house.opened.test, connection, Credentials(secret=SECRET), actor="test")
        yield house


@pytest.fixture
def party(house: House) -> RelyingParty:
    return house.client()


@pytest.fixture
def visit(browser: Browser, watch: Callable[[BrowserContext], Watch]) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def make(width: int = 1440, language: str = "en", scheme: str = "light", *, script: bool = True) -> Page:
        contexts.append(opened(browser, width, language, scheme, script=script))
        watch(contexts[-1]).expect(r"status of 404")
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_the_choice_is_sound(width: int, language: str, scheme: str, party: RelyingParty, visit: Callable[..., Page]) -> None:
    page = visit(width, language, scheme)
    page.goto(party.ask().url)
    expect(page.locator("#choose-h")).to_have_text(QUESTION[language])
    assert faults(page) == []
    _pictured(page, f"choose-{width}-{language}-{scheme}")
    address = page.url
    page.click("button[value=work]")
    expect(page.locator("h1")).to_have_text("Elsewhere")
    page.goto(address)
    expect(page.locator("#away-h")).to_contain_text("Work account")
    assert faults(page) == []
    _pictured(page, f"away-{width}-{language}-{scheme}")


def test_the_wait_is_sound(party: RelyingParty, visit: Callable[..., Page], books: Books) -> None:  # noqa: F811  (the fixture)
    """The provider has been asked, and has not answered yet."""
    page = visit()
    page.goto(party.ask().url)
    address = page.url
    page.click("button[value=work]")
    expect(page.locator("h1")).to_have_text("Elsewhere")
    logins = "SELECT id FROM authflows_login WHERE relying_party_id = %s"
    books.execute(f"UPDATE authflows_coresession SET state = 'requesting' WHERE login_id IN ({logins})", party.relying_party_id)
    books.execute("UPDATE authflows_login SET state = 'requesting' WHERE relying_party_id = %s", party.relying_party_id)
    page.goto(address)
    expect(page.locator("#wait-h")).to_be_visible()
    assert faults(page) == []


def test_the_choice_by_keyboard_and_without_script(party: RelyingParty, visit: Callable[..., Page]) -> None:
    page = visit(script=False)
    page.goto(party.ask().url)
    page.locator("button[value=mitid]").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('.sim[data-step="user_id"]')


def _pictured(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
