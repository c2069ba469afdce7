"""The product's own cards in a real browser: who a person is here, their CPR number, and what is remembered of it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from tests.browser.visitor import VIEWS, faults, opened
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty
from tests.harness.server import Server


@pytest.fixture
def party(fjordbank: House, server: Server) -> RelyingParty:
    scopes = ("openid", "business", "ssn")
    back = (f"{server.base_url}/healthz",)
    return fjordbank.client(redirect_uris=back, scopes=scopes, identities="both", cpr_basis="consent", cpr_optional=True)


def to_the_card(page: Page, party: RelyingParty, user_id: str) -> None:
    page.goto(party.ask(scope="openid business ssn").url)
    page.fill("#user_id", user_id)
    page.click("button.go")
    page.wait_for_selector(".lb-card")


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_every_card_can_be_read_by_everybody(width: int, language: str, scheme: str, browser: Chromium, party: RelyingParty) -> None:
    with opened(browser, width, language, scheme) as context:
        page = context.new_page()
        to_the_card(page, party, "auto-approve-two-jobs")
        found = {"identity": faults(page)}
        page.click("button[value=private]")
        page.wait_for_selector("#cpr")
        found["cpr"] = faults(page)
        page.fill("#cpr", "6806949996")
        page.click("form.number button.btn-primary")
        page.wait_for_selector("#cpr-e")
        found["wrong"] = faults(page)
        page.fill("#cpr", "710282-9994")
        page.check("input[name=remember]")
        page.click("form.number button.btn-primary")
        page.wait_for_url("**/healthz?code=**")
        page.goto(f"{party.issuer}/cpr")
        found["kept"] = faults(page)
        page.click("form.withdraw button")
        page.wait_for_selector("[role=status]")
        found["withdrawn"] = faults(page)
    assert found == {card: [] for card in found}


def test_cards_need_no_script_and_no_mouse(browser: Chromium, party: RelyingParty) -> None:
    with opened(browser, 390, script=False) as context:
        page = context.new_page()
        to_the_card(page, party, "auto-approve-two-jobs")
        page.focus("button[value=private]")
        page.keyboard.press("Enter")
        page.wait_for_selector("#cpr")
        page.fill("#cpr", "7102829994")
        page.keyboard.press("Enter")
        page.wait_for_url("**/healthz?code=**")
