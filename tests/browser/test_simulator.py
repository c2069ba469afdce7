"""What only a browser shows of the simulator: a security key, time that runs, and a slot that is the same everywhere."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.test_login import Visit, identify, until, until_back
from tests.browser.visitor import faults, opened
from tests.doubles.houses import Books, House, open_house
from tests.doubles.relying_party import RelyingParty
from tests.flows.conftest import fjordbank, havneby  # noqa: F401  (fixtures)
from tests.harness.browser import Watch
from tests.harness.ground import Ground
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


@pytest.fixture
def party(server: Server, fjordbank: House, service: str) -> RelyingParty:  # noqa: F811  (the fixture)
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


def test_the_time_is_counted_and_leads_back_when_it_is_over(party: RelyingParty, visit: Visit, manage_time: Callable[[str], None]) -> None:
    page = visit()
    page.goto(party.ask().url)
    expect(page.locator(".sim .left")).to_contain_text("5:00 left")
    expect(page.locator(".sim .left")).to_contain_text("4:5")
    identify(page, "karl")
    page.click("button[value=code_display]")
    until(page, "code_display")
    manage_time("2 seconds")
    page.reload()
    assert "error_description=mitid_timeout" in until_back(page, party)


@pytest.fixture
def manage_time(ground: Ground, party: RelyingParty) -> Callable[[str], None]:
    """Leaves so much time to every request of this party's environment."""

    def leave(time: str) -> None:
        Books(ground).execute(
            "UPDATE authflows_simulatedsession SET expires_at = now() + %s::interval WHERE service = %s AND state <> 'ended'",
            time,
            str(party.environment_id),
        )

    return leave


def test_remembered_means_the_field_is_filled_in(party: RelyingParty, visit: Visit) -> None:
    page = visit()
    page.goto(party.ask(prompt="login").url)
    page.check("#remember")
    identify(page, "auto-approve")
    until_back(page, party)
    page.goto(party.ask(prompt="login").url)
    expect(page.locator("#user_id")).to_have_value("auto-approve")
    expect(page.locator("#remember")).to_be_checked()
    assert faults(page) == []


LOUD: dict[str, Any] = {
    "heading": "source-serif-4",
    "body": "figtree",
    "weight": 900,
    "radius": "medium",
    **{scheme: {"action": "#7a0000", "page": "#ffe9c7", "line": "#00aa44", "panel": "#3a006b"} for scheme in ("light", "dark")},
}
QUIET: dict[str, Any] = {
    "heading": "figtree",
    "body": "source-serif-4",
    "weight": 300,
    "radius": "none",
    "light": {},
    "dark": {"page": "#000000"},
}


@pytest.fixture(scope="module")
def houses(fjordbank: House, havneby: House, django_db_blocker: DjangoDbBlocker) -> list[House]:  # noqa: F811  (the fixture)
    return [fjordbank, havneby, open_house(django_db_blocker, "Nordlys")]


def dressed(house: House, layout: str, changes: dict[str, Any]) -> RelyingParty:
    """A client of a service that is called the same everywhere, in a design of its tenant's."""
    from authflows import configuration
    from authflows.loginbox.theme import PLAIN
    from authflows.models import Service, Theme
    from tenants.isolation import tenant_scope

    values = copy.deepcopy(PLAIN)
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(value, dict) else value
    place = house.opened.test.id
    with house.blocker.unblock(), tenant_scope(house.id):
        version = Theme.objects.of(house.id).count() + 1
        theme = Theme.objects.create(tenant_id=house.id, name="Bank", version=version, layout=layout, values=values)
        found = Service.objects.of(house.id).filter(environment_id=place, alias="Bank")
        if not found.update(theme_id=theme.id):
            Service.objects.create(tenant_id=house.id, environment_id=place, alias="Bank", theme_id=theme.id)
        configuration.changed(house.id, place)
    return house.client(alias="Bank")


STYLES = """slot => [slot, ...slot.querySelectorAll('*')].filter(each => each.tagName !== 'SCRIPT').map(each => {
  const style = getComputedStyle(each), names = Array.from(style).filter(name => !name.startsWith('--'));
  return [each.tagName, ...names.map(name => `${name}: ${style.getPropertyValue(name)}`)];
})"""


def first_screen(page: Page, party: RelyingParty) -> Locator:
    page.goto(party.ask().url)
    until(page, "user_id")
    page.evaluate("document.fonts.ready")
    # The time runs; everything else stands still.
    page.evaluate("document.querySelector('.sim .left').replaceChildren('5:00 left')")
    return page.locator(".boxslot")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_slot_looks_the_same_in_every_theme(width: int, houses: list[House], visit: Visit) -> None:
    page = visit(width)
    dresses = zip(houses, ("split", "centred", "topbar"), (LOUD, QUIET, {}), strict=True)
    pictures, styles = [], []
    for dress in dresses:
        slot = first_screen(page, dressed(*dress))
        pictures.append(slot.screenshot(animations="disabled"))
        styles.append(slot.evaluate(STYLES))
    assert len(set(pictures)) == 1
    assert styles[0] == styles[1] == styles[2]


@pytest.mark.parametrize("layout", ["split", "centred", "topbar"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_slot_is_in_the_same_place_in_every_theme(width: int, layout: str, houses: list[House], visit: Visit) -> None:
    page = visit(width)
    places = [
        first_screen(page, dressed(house, layout, changes)).bounding_box() for house, changes in zip(houses, (LOUD, QUIET, {}), strict=True)
    ]
    assert places[0] == places[1] == places[2]
    assert places[0] is not None
    assert (places[0]["width"], places[0]["height"]) == (400 if width == 1440 else 390, 588)
