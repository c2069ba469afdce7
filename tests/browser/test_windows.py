"""A login in a window of its own, as the published helper opens it: it ends at the relying party's own address, which tells the page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.visitor import VIEWS, faults, opened
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty
from tests.flows.conftest import fjordbank  # noqa: F401  (a fixture)
from tests.harness.browser import Watch
from tests.harness.server import Server


class Copied(SimpleHTTPRequestHandler):
    """A relying party's own server, with our files copied to it."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Another site than the issuer's `localhost`."""
    files = partial(Copied, directory=str(Path(__file__).resolve().parents[2] / "static"))
    with ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def party(server: Server, origin: str, fjordbank: House) -> RelyingParty:  # noqa: F811  (the fixture)
    where = (f"{origin}/rp/callback.html",)
    return fjordbank.client(
        auth_method="none", application_type="spa", origins=(origin,), redirect_uris=where, scopes=("openid", "profile")
    )


@pytest.fixture
def context(browser: Browser, watch: Callable[[BrowserContext], Watch]) -> Iterator[BrowserContext]:
    context = opened(browser)
    watch(context)
    yield context
    context.close()


def example(context: BrowserContext, origin: str, party: RelyingParty) -> Page:
    page = context.new_page()
    with page.expect_response(lambda answer: "openid-configuration" in answer.url):
        page.goto(f"{origin}/rp/index.html?{urlencode({'issuer': party.issuer, 'client_id': party.client_id})}")
    page.wait_for_load_state("networkidle")
    return page


def log_in(page: Page, person: str = "auto-approve") -> None:
    page.wait_for_selector('.sim[data-step="user_id"]')
    page.fill("#user_id", person)
    page.click("form.step button.go")


def told(page: Page) -> dict[str, str]:
    expect(page.locator("#result")).to_contain_text("{")
    answer: dict[str, str] = json.loads(page.locator("#result").inner_text())
    return answer


def test_two_tabs_log_in_in_a_window_each_and_hear_their_own_answer(context: BrowserContext, origin: str, party: RelyingParty) -> None:
    pages = [example(context, origin, party) for _ in range(2)]
    windows = []
    for page in pages:
        with context.expect_page() as opening:
            page.click("#window")
        windows.append(opening.value)
    # The second tab's login ends first.
    log_in(windows[1])
    assert told(pages[1])["sub"]
    expect(pages[0].locator("#result")).to_be_empty()
    windows[0].wait_for_selector('.sim[data-step="user_id"]')
    windows[0].click("form.foot button")
    assert told(pages[0])["error"] == "access_denied"
    expect(pages[1].locator("#result")).to_contain_text("sub")


def test_the_whole_page_can_go_there_too(context: BrowserContext, origin: str, party: RelyingParty) -> None:
    page = example(context, origin, party)
    page.click("#redirect")
    log_in(page)
    page.wait_for_url(f"{origin}/rp/callback.html*")
    assert told(page)["sub"]
    assert "code=" not in page.url


def test_who_gives_up_can_begin_again(context: BrowserContext, origin: str, party: RelyingParty) -> None:
    page = example(context, origin, party)
    with context.expect_page():
        page.click("#window")
    page.click("#give-up")
    expect(page.locator("#result")).to_contain_text("given up")
    page.wait_for_load_state("networkidle")
    with context.expect_page() as opening:
        page.click("#window")
    log_in(opening.value)
    expect(page.locator("#result")).to_contain_text("sub")


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS[:2] + VIEWS[2:3])
def test_the_examples_are_sound(width: int, language: str, scheme: str, browser: Browser, origin: str, party: RelyingParty) -> None:
    context = opened(browser, width, language, scheme)
    assert faults(example(context, origin, party)) == []
    context.close()


def test_a_login_is_never_framed(server: Server, context: BrowserContext, party: RelyingParty) -> None:
    page = context.new_page()
    answer = page.goto(party.ask(scope="openid profile").url)
    assert answer is not None
    headers = answer.all_headers()
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
