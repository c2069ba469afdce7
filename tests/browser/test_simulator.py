"""What only a browser shows of the simulator: a security key, time that runs, and a slot that is the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_login import Visit, identify, until, until_back
from tests.browser.visitor import faults, opened
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty
from tests.doubles.site import site
from tests.flows.conftest import fjordbank  # noqa: F401  (a fixture)
from tests.harness.browser import Watch
from tests.harness.server import Server

HIGH = "https://data.gov.dk/concept/core/nsis/High"
LOW = "https://data.gov.dk/concept/core/nsis/Low"
TOUCHED = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": False,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with site() as address:
        yield address


@pytest.fixture
def party(server: Server, fjordbank: House, service: str) -> RelyingParty:  # noqa: F811
    return fjordbank.client(redirect_uris=(f"{service}/callback",))


@pytest.fixture
def visit(browser: Browser, watch: Callable[[BrowserContext], Watch]) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []

    def make(width: int = 1440, language: str = "en", scheme: str = "light", *, script: bool = True) -> Page:
        contexts.append(opened(browser, width, language, scheme, script=script))
        watch(contexts[-1])
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def with_chip(page: Page) -> Page:
    """A security key that is plugged in, and touched whenever it is asked."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": TOUCHED})
    return page


def register(page: Page, party: RelyingParty, user_id: str) -> None:
    page.goto(f"{party.issuer}/simulator/phone?user_id={user_id}")
    page.click("text=Chips")
    page.click("button[data-ask]")
    expect(page.locator("h1")).to_have_text("1 chip")


def forget(page: Page, party: RelyingParty, user_id: str) -> None:
    page.goto(f"{party.issuer}/simulator/chip?user_id={user_id}")
    page.click("button[name=forget]")
    expect(page.locator("h1")).to_contain_text("0 ")


@pytest.mark.parametrize("width", [1440, 390])
def test_a_real_browser_registers_and_asks_a_chip(width: int, party: RelyingParty, visit: Visit) -> None:
    page = with_chip(visit(width))
    register(page, party, "gerda")
    assert faults(page) == []
    page.goto(party.ask(acr_values=HIGH).url)
    identify(page, "gerda")
    page.click("button[value=password_chip]")
    until(page, "password")
    page.fill("#password", page.locator("#password_test code").inner_text())
    page.click("form.step button.go")
    assert "code=" in until_back(page, party)
    forget(page, party, "gerda")


@pytest.mark.parametrize(("width", "language"), [(1440, "da"), (390, "en")])
def test_a_chip_that_does_not_answer_is_asked_again(width: int, language: str, party: RelyingParty, visit: Visit) -> None:
    page = with_chip(visit(width))
    register(page, party, "villads")
    stranger = visit(width, language)
    stranger.add_init_script("navigator.credentials.get = () => Promise.reject(new DOMException('', 'NotAllowedError'))")
    stranger.goto(party.ask(acr_values=LOW).url)
    identify(stranger, "villads")
    stranger.click("button[value=chip]")
    said = stranger.locator("[data-said]")
    expect(said).to_have_text({"da": "Chippen svarede ikke.", "en": "The chip did not answer."}[language])
    assert faults(stranger) == []
    stranger.click("button[value=other]")
    until(stranger, "authenticator")
    assert faults(stranger) == []
    forget(page, party, "villads")


def test_without_script_the_chip_says_that_it_needs_one(party: RelyingParty, visit: Visit) -> None:
    page = with_chip(visit())
    register(page, party, "karl")
    plain = visit(script=False)
    plain.goto(party.ask(acr_values=HIGH).url)
    identify(plain, "karl")
    plain.click("button[value=password_chip]")
    plain.fill("#password", plain.locator("#password_test code").inner_text())
    plain.click("form.step button.go")
    until(plain, "chip")
    expect(plain.locator(".sim .note")).to_contain_text("The chip needs JavaScript")
    plain.click("button[data-ask]")
    until(plain, "chip")
    plain.click("form.foot button")
    assert "error=access_denied" in until_back(plain, party)
    forget(page, party, "karl")
