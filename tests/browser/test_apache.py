"""Debian's mod_auth_openidc logs a browser in and out: nothing at that end was written with us in mind."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from authflows.levels import Level
from tests.doubles.apache import Apache
from tests.doubles.houses import House
from tests.flows.conftest import fjordbank  # noqa: F401  (a fixture)
from tests.harness.browser import Watch
from tests.harness.server import Server

SECONDS_TO_BE_TOLD = 30


@pytest.fixture
def apache(server: Server) -> Iterator[Apache]:
    made = Apache()
    yield made
    made.stop()


@pytest.fixture
def page(context: BrowserContext, watch: Callable[[BrowserContext], Watch]) -> Page:
    watch(context)
    return context.new_page()


def identify(page: Page, user_id: str = "auto-approve") -> None:
    page.wait_for_selector('.sim[data-step="user_id"]')
    page.fill("#user_id", user_id)
    page.click("form.step button.go")


def until_inside(page: Page, apache: Apache) -> None:
    page.wait_for_url(f"{apache.address}/private/")
    expect(page.locator("h1")).to_have_text("Inside")


@pytest.mark.parametrize("auth_method", ["client_secret_basic", "client_secret_post"])
def test_a_person_logs_in_and_out(auth_method: str, apache: Apache, fjordbank: House, page: Page) -> None:  # noqa: F811
    goodbye = f"{apache.address}/goodbye.html"
    party = fjordbank.client(redirect_uris=(apache.callback,), post_logout_redirect_uris=(goodbye,), auth_method=auth_method)
    apache.start(party.issuer, party.client_id, f"OIDCClientSecret {party.client_secret}", f"OIDCProviderTokenEndpointAuth {auth_method}")

    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)
    expect(page.locator("#name")).to_have_text("Agnes Automatisk")
    expect(page.locator("#acr")).to_have_text(Level.SUBSTANTIAL.uri)
    expect(page.locator("#iss")).to_have_text(party.issuer)
    expect(page.locator("#birthdate")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d$"))

    page.goto(f"{apache.address}/private/")
    until_inside(page, apache)

    with page.expect_request(lambda request: request.url.startswith(f"{party.issuer}/logout?")):
        page.goto(f"{apache.callback}?logout={goodbye}")
    expect(page.locator("h1")).to_have_text("Goodbye")
    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)


def test_a_person_who_logs_out_elsewhere_is_out_of_it_too(apache: Apache, fjordbank: House, page: Page) -> None:  # noqa: F811
    goodbye = f"{apache.address}/goodbye.html"
    party = fjordbank.client(
        redirect_uris=(apache.callback,), sso_group="bank", back_channel_logout_uri=f"{apache.callback}?logout=backchannel"
    )
    other = fjordbank.client(redirect_uris=(goodbye,), post_logout_redirect_uris=(goodbye,), sso_group="bank")
    apache.start(party.issuer, party.client_id, f"OIDCClientSecret {party.client_secret}")
    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)

    asked = other.ask()
    page.goto(asked.url)
    hint = other.redeem(asked, page.url)["id_token"]
    assert page.request.get(f"{apache.address}/private/", max_redirects=0).status == 200
    page.goto(f"{party.issuer}/logout?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': goodbye})}")
    expect(page.locator("h1")).to_have_text("Goodbye")
    deadline = time.monotonic() + SECONDS_TO_BE_TOLD
    while page.request.get(f"{apache.address}/private/", max_redirects=0).status == 200:
        assert time.monotonic() < deadline, apache.log()
        time.sleep(0.2)
    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)
