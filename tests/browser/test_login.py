"""The login's pages in a real browser: every width, language and theme, without script, by keyboard, and back at the relying party."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.visitor import VIEWS, faults, opened
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty
from tests.flows.conftest import fjordbank  # noqa: F401  (a fixture)
from tests.harness.browser import Watch
from tests.harness.server import Server

STEP = {
    "user_id": {"da": "Trin 1", "en": "Step 1"},
    "authenticator": {"da": "Trin 2", "en": "Step 2"},
    "waiting": {"da": "Trin 3", "en": "Step 3"},
}
Visit = Callable[..., Page]


@pytest.fixture
def party(server: Server, fjordbank: House, service: str) -> RelyingParty:  # noqa: F811  (the fixture)
    return fjordbank.client(redirect_uris=(f"{service}/callback",))


@pytest.fixture
def visit(browser: Browser, watch: Callable[[BrowserContext], Watch]) -> Iterator[Visit]:
    """A page of a browser of its own, whose console must stay clean."""
    contexts: list[BrowserContext] = []

    def make(width: int = 1440, language: str = "en", scheme: str = "light", *, script: bool = True) -> Page:
        contexts.append(opened(browser, width, language, scheme, script=script))
        watch(contexts[-1]).expect(r"status of 40[03]")
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


def until(page: Page, step: str) -> None:
    page.wait_for_selector(f'.sim[data-step="{step}"]')


def identify(page: Page, user_id: str) -> None:
    page.fill("#user_id", user_id)
    page.click("form.step button.go")


def until_back(page: Page, party: RelyingParty) -> str:
    page.wait_for_url(re.compile("^" + re.escape(party.redirect_uri)))
    expect(page.locator("h1")).to_have_text("Back at the service")
    return page.url


def approve(page: Page, party: RelyingParty, user_id: str, screen: Page) -> None:
    page.goto(f"{party.issuer}/simulator/phone?user_id={user_id}")
    page.fill("#channel_code", "".join(screen.locator(".tiles li").all_inner_texts()))
    page.click("button[value=approve]")
    expect(page.locator("h1")).to_have_text("Nothing to approve")


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_every_page_is_sound(width: int, language: str, scheme: str, party: RelyingParty, visit: Visit) -> None:
    page = visit(width, language, scheme)
    page.goto(party.ask().url)
    until(page, "user_id")
    expect(page.locator(".sim")).to_contain_text(STEP["user_id"][language])
    assert faults(page) == []
    identify(page, "nobody")
    expect(page.locator("#user_id_wrong")).to_be_visible()
    assert faults(page) == []
    page.goto(party.ask(client_id="nobody").url)
    expect(page.locator("#trace")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize(("width", "language", "scheme"), [(1440, "en", "dark"), (390, "da", "light")])
def test_every_step_is_sound(width: int, language: str, scheme: str, party: RelyingParty, visit: Visit) -> None:
    page, phone, stranger = visit(width, language, scheme), visit(390, language, scheme), visit(width, language, scheme)
    page.goto(party.ask().url)
    until(page, "user_id")
    stranger.goto(page.url)
    expect(stranger.locator("a.btn-primary")).to_be_visible()
    assert faults(stranger) == []
    identify(page, "karl")
    until(page, "authenticator")
    assert faults(page) == []
    page.click("button[value=app]")
    until(page, "waiting")
    assert faults(page) == []
    phone.goto(f"{party.issuer}/simulator/phone")
    assert faults(phone) == []
    phone.click("button[value=karl]")
    assert faults(phone) == []
    phone.click("button[value=reject]")
    until(page, "rejected")
    assert faults(page) == []
    page.click("form.foot button")
    assert "error=access_denied" in until_back(page, party)


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_logging_out_is_asked_for_on_sound_pages(width: int, language: str, scheme: str, party: RelyingParty, visit: Visit) -> None:
    page = visit(width, language, scheme)
    page.goto(f"{party.issuer}/logout")
    expect(page.locator("#out-h")).to_have_text({"da": "Vil du logge af?", "en": "Do you want to log out?"}[language])
    assert faults(page) == []
    page.click("form.logout button")
    expect(page.locator("#out-h")).to_have_text({"da": "Du er logget af", "en": "You are logged out"}[language])
    assert faults(page) == []


def test_without_script_and_without_another_login_the_session_answers(party: RelyingParty, visit: Visit) -> None:
    page = visit(script=False)
    page.goto(party.ask().url)
    identify(page, "auto-approve")
    assert "code=" in until_back(page, party)
    page.goto(party.ask(prompt="none").url)
    assert "code=" in until_back(page, party)
    page.goto(f"{party.issuer}/logout")
    page.click("form.logout button")
    expect(page.locator("#out-h")).to_have_text("You are logged out")
    page.goto(party.ask(prompt="none").url)
    assert "error=login_required" in until_back(page, party)


def test_the_page_follows_the_phone(party: RelyingParty, visit: Visit) -> None:
    page = visit()
    page.goto(party.ask().url)
    identify(page, "freja")
    page.click("button[value=app]")
    until(page, "waiting")
    approve(visit(390), party, "freja", page)
    assert "code=" in until_back(page, party)


def test_without_script_everything_works(party: RelyingParty, visit: Visit) -> None:
    page = visit(script=False)
    page.goto(party.ask().url)
    identify(page, "nobody")
    identify(page, "freja")
    page.click("button[value=app]")
    until(page, "waiting")
    approve(visit(390, script=False), party, "freja", page)
    assert "code=" in until_back(page, party)


def test_back_and_reload_do_no_harm(party: RelyingParty, visit: Visit) -> None:
    page = visit()
    page.goto(party.ask().url)
    identify(page, "freja")
    until(page, "authenticator")
    page.reload()
    until(page, "authenticator")
    page.click("button[value=app]")
    until(page, "waiting")
    page.go_back()
    until(page, "waiting")
    page.click("form.foot button")
    first = until_back(page, party)
    page.go_back()
    assert until_back(page, party) == first


def press_until(page: Page, focused: str) -> None:
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", focused):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {focused} cannot be seen"
            return
    raise AssertionError(f"{focused} cannot be reached by keyboard")


def test_by_keyboard_alone(party: RelyingParty, visit: Visit) -> None:
    page = visit()
    page.goto(party.ask().url)
    press_until(page, "#user_id")
    page.keyboard.type("karl")
    page.keyboard.press("Enter")
    until(page, "authenticator")
    press_until(page, "button[value=app]")
    page.keyboard.press("Space")
    until(page, "waiting")
    press_until(page, "form.foot button")
    page.keyboard.press("Enter")
    assert "error_description=user_aborted" in until_back(page, party)


@pytest.mark.parametrize("posted", [False, True])
def test_from_another_site_and_back(posted: bool, party: RelyingParty, visit: Visit, service: str) -> None:
    """A cross-site POST brings no Lax cookie of an earlier login, and must not need one."""
    page = visit()
    for _ in range(2):
        asked = party.ask(prompt="login")
        if posted:
            page.goto(f"{service}/post?to={quote(asked.url, safe='')}")
            page.click("button")
        else:
            page.goto(f"{service}/")
            page.evaluate("url => { location.href = url }", asked.url)
        until(page, "user_id")
        identify(page, "auto-approve")
        assert "code" in party.told(asked, until_back(page, party))


@pytest.mark.parametrize(("width", "language", "script"), [(1440, "en", True), (390, "da", False)])
def test_an_answer_by_form(width: int, language: str, script: bool, party: RelyingParty, visit: Visit) -> None:
    """The script presses the button; where it does not come the person does."""
    page = visit(width, language)
    if not script:
        page.route("**/loginbox/send.*", lambda route: route.fulfill(content_type="text/javascript", body=""))
    asked = party.ask(response_mode="form_post", state="a&b=<c> \u00e6")
    page.goto(asked.url)
    identify(page, "auto-approve")
    if not script:
        expect(page.locator("form[data-send] button")).to_be_visible()
        assert faults(page) == []
        page.click("form[data-send] button")
    assert until_back(page, party) == party.redirect_uri
    assert "code" in party.told(asked, f"{party.redirect_uri}?{page.locator('#sent').inner_text()}")


def test_two_tabs_of_one_browser(party: RelyingParty, visit: Visit) -> None:
    first = visit()
    second = first.context.new_page()
    asked = [party.ask(), party.ask()]
    for page, each in zip((first, second), asked, strict=True):
        page.goto(each.url)
    for page, each in zip((second, first), reversed(asked), strict=True):
        identify(page, "auto-approve")
        assert "code" in party.told(each, until_back(page, party))


@pytest.fixture(scope="module")
def fjord_theme(fjordbank: House) -> str:  # noqa: F811  (the fixture)
    """Fjordbank's own design: the plain one with another colour, beside the box."""
    from authflows import configuration
    from authflows.loginbox.theme import PLAIN
    from authflows.models import Service, Theme
    from tenants.isolation import tenant_scope

    values = copy.deepcopy(PLAIN)
    values["light"]["panel"] = "#5a1f4a"
    texts = {"en": {"heading": "Log on to the net bank", "text": "One log-on for all your accounts.", "points": ["Call us at any hour."]}}
    with fjordbank.blocker.unblock(), tenant_scope(fjordbank.id):
        theme = Theme.objects.create(tenant_id=fjordbank.id, name="fjord", layout="split", values=values, texts=texts)
        service = Service.objects.create(
            tenant_id=fjordbank.id, environment_id=fjordbank.opened.test.id, alias="Net bank", theme_id=theme.id
        )
        configuration.changed(fjordbank.id, fjordbank.opened.test.id)
    return service.alias


@pytest.mark.parametrize("width", [1440, 390])
def test_a_tenant_s_own_design(width: int, fjordbank: House, fjord_theme: str, visit: Visit) -> None:  # noqa: F811  (the fixture)
    party = fjordbank.client(alias=fjord_theme)
    page = visit(width)
    page.goto(party.ask().url)
    until(page, "user_id")
    assert page.locator("body").get_attribute("data-layout") == "split"
    heading = page.locator("h1")
    expect(heading).to_have_text("Log on to the net bank")
    if width == 1440:
        expect(heading).to_be_visible()
        assert page.locator(".lb-panel").evaluate("panel => getComputedStyle(panel).backgroundColor") == "rgb(90, 31, 74)"
    assert page.locator(".sim .banner").evaluate("banner => getComputedStyle(banner).backgroundColor") != "rgb(90, 31, 74)"
    assert faults(page) == []
