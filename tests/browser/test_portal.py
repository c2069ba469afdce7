"""The portal in a real browser: the main job from a login to an issued invoice, and every page in two widths, languages and themes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.visitor import VIEWS, Demonstration, choose, faults, opened, sign_in
from tests.harness.browser import Watch

OWNER, FINANCE, STAFF = "owner@fjordbank.example", "finance@fjordbank.example", "staff@tidevand.example"
HOME = "/tenants/fjordbank/production"
SECONDS_TO_BE_COUNTED = 15
# 0.259 + 0.03 + 0.01 and the fee of the second tier, which fjordbank is in by the middle of any month.
STEPS_OF_THE_FEE = {Decimal("0.80"), Decimal("0.60")}


@pytest.fixture
def visit(browser: Browser, demonstration: Demonstration, watch: Callable[[BrowserContext], Watch]) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def make(email: str, width: int = 1440, language: str = "en", scheme: str = "light", *, script: bool = True) -> Page:
        contexts.append(opened(browser, width, language, scheme, script=script))
        watch(contexts[-1]).expect(r"status of 4(03|04|22)")
        page = sign_in(contexts[-1], demonstration, email)
        if script:
            choose(page, language)
        return page

    yield make
    for context in contexts:
        context.close()


def go(page: Page, demonstration: Demonstration, path: str) -> None:
    page.goto(demonstration.base_url + path)


def figure(page: Page) -> int:
    """The requests of the month, as the usage page shows them."""
    return int(page.locator("dl.stats dd.figure").first.inner_text().replace(",", "").replace(".", ""))


def billed(page: Page) -> Decimal:
    (amount,) = re.findall(r"[\d,]+\.\d\d", page.locator("dl.stats dd.figure").nth(3).inner_text())
    return Decimal(amount.replace(",", ""))


def test_a_trial_login_is_shown_counted_and_priced(visit: Callable[..., Page], demonstration: Demonstration) -> None:
    page = visit(OWNER)
    go(page, demonstration, f"{HOME}/usage")
    requests, net = figure(page), billed(page)

    go(page, demonstration, f"{HOME}/clients")
    page.click("main >> text=Netbank")
    page.click("aside button:has-text('Try login')")
    expect(page).to_have_url(re.compile("/t/fjordbank/login/"))
    expect(page.locator("body.lb")).to_contain_text("Fjordbank")
    assert faults(page) == []
    page.fill("[name=user_id]", "auto-approve")
    page.press("[name=user_id]", "Enter")
    expect(page.locator("h1")).to_contain_text("The trial login succeeded")
    approved = time.monotonic()
    assert faults(page) == []
    table = page.locator("main table")
    expect(table).to_contain_text("Agnes Automatisk")
    expect(table).to_contain_text("https://data.gov.dk/concept/core/nsis/Substantial")
    expect(page.locator("aside")).to_contain_text("Substantial")

    go(page, demonstration, f"{HOME}/usage")
    while figure(page) == requests:
        assert time.monotonic() - approved < SECONDS_TO_BE_COUNTED
        page.wait_for_timeout(500)
        page.reload()
    assert figure(page) == requests + 1
    added = billed(page) - net
    assert min(abs(added - fee - Decimal("0.299")) for fee in STEPS_OF_THE_FEE) <= Decimal("0.02"), "up to a rounding of each line"

    go(page, demonstration, HOME)
    latest = page.locator("section[aria-labelledby=h-logins]")
    expect(latest.locator("tbody tr").first).to_contain_text("Completed")
    expect(latest).not_to_contain_text("Agnes")


def test_last_month_is_drafted_approved_issued_and_fetched(
    visit: Callable[..., Page], demonstration: Demonstration, tmp_path: Path
) -> None:
    staff = visit(STAFF)
    row = staff.locator("tbody tr", has_text="Fjordbank A/S")
    expect(row).to_contain_text("Not drafted")

    for button, state in (("Draft all", "Draft"), ("Approve 3 drafts", "Approved"), ("Issue 3 invoices", "Issued")):
        staff.click(f"main button:has-text('{button}')")
        # The bar follows the work and loads the page anew when it is done.
        expect(row.locator(".badge")).to_have_text(state, timeout=30_000)
        assert faults(staff) == []
    expect(staff.locator("h1")).to_contain_text("Closed")
    number, *files = row.locator("td").last.inner_text().split()
    assert files == ["PDF", "CSV", "Credit"]
    assert re.fullmatch(r"F-\d{4}-\d{6}", number)

    finance = visit(FINANCE)
    go(finance, demonstration, f"{HOME}/invoices")
    finance.click(f"tr:has-text('{number}') a")
    expect(finance.locator("h1")).to_contain_text(number)
    for link, name, start in (("PDF", f"{number}.pdf", b"%PDF-"), ("CSV", f"{number}.csv", b"\xef\xbb\xbf")):
        with finance.expect_download() as download:
            finance.click(f".doc-files a:has-text('{link}')")
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)


OPERATORS_PAGES = (
    *("/operator", "/operator/reconciliation", "/operator/supplier", "/operator/margin", "/operator/incidents"),
    *("/operator/accounts", "/operator/prices"),
)
# Below the address of the operator.
OPERATORS_FORMS = (
    *("plans/new", "years/new", "charges/new", "aap/6/table", "aap/6/decide"),
    *(f"accounts/fjordbank{part}" for part in ("", "/buyer", "/plan", "/one-off")),
)


def pages(page: Page, demonstration: Demonstration) -> list[str]:
    """The owner's pages; the client's and the invoice's are found by their links."""
    go(page, demonstration, f"{HOME}/clients")
    client = page.locator("main tbody th a").first.get_attribute("href")
    go(page, demonstration, f"{HOME}/invoices")
    invoice = page.locator("main tbody th a").last.get_attribute("href")
    assert client
    assert invoice
    return [
        HOME,
        "/tenants/fjordbank/test",
        f"{HOME}/clients",
        f"{HOME}/clients/new",
        client,
        f"{HOME}/usage",
        "/tenants/fjordbank/test/usage",
        f"{HOME}/invoices",
        "/tenants/fjordbank/test/invoices",
        invoice,
        f"{HOME}/statements/6",
        f"{HOME}/invoice-details",
        "/accounts/password/change/",
        "/nothing",
    ]


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_every_page_of_a_tenant_is_whole(
    visit: Callable[..., Page], demonstration: Demonstration, width: int, language: str, scheme: str
) -> None:
    page = visit(OWNER, width, language, scheme)

    found = {}
    for path in pages(page, demonstration):
        go(page, demonstration, path)
        expect(page.locator("html")).to_have_attribute("lang", language)
        if wrong := faults(page):
            found[path] = wrong

    assert found == {}


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_the_operators_pages_and_the_door_are_whole(
    visit: Callable[..., Page], browser: Browser, demonstration: Demonstration, width: int, language: str, scheme: str
) -> None:
    staff = visit(STAFF, width, language, scheme)
    found = {}
    for path in OPERATORS_PAGES:
        go(staff, demonstration, path)
        if wrong := faults(staff):
            found[path] = wrong
    home = staff.url.rpartition("/")[0]
    for path in OPERATORS_FORMS:
        answer = staff.goto(f"{home}/{path}")
        assert (answer and answer.status) == 200, path
        if wrong := faults(staff):
            found[path] = wrong
    go(staff, demonstration, "/operator/prices")
    staff.locator("nav.tabs a").last.click()
    expect(staff.locator("h1")).to_contain_text("AAP")
    if wrong := faults(staff):
        found["AAP"] = wrong
    outside = opened(browser, width, language, scheme)
    door = outside.new_page()
    go(door, demonstration, "/")

    expect(door.locator("html")).to_have_attribute("lang", language)
    assert (found, faults(door)) == ({}, [])
    outside.close()


def test_the_theme_is_the_persons_own_and_follows_to_the_next_page(visit: Callable[..., Page], demonstration: Demonstration) -> None:
    page = visit(OWNER)
    ink = "getComputedStyle(document.body).color"
    light = page.evaluate(ink)

    page.click("details.me > summary")
    page.click("details.me button[value=dark]")
    page.wait_for_selector("html[data-theme=dark]")
    go(page, demonstration, f"{HOME}/usage")

    assert page.evaluate(ink) != light
    assert faults(page) == []
    page.click("details.me > summary")
    page.click("details.me button[value=system]")
    page.wait_for_selector("html:not([data-theme])")


def test_a_secret_is_made_copied_and_revoked(visit: Callable[..., Page], demonstration: Demonstration) -> None:
    page = visit("colleague@fjordbank.example")
    go(page, demonstration, "/tenants/fjordbank/test/clients/new")
    page.fill("[name=name]", "Boliglån")
    page.fill("[name=redirect_uri_1]", "http://bolig.fjordbank.example/callback")
    page.click("main button.btn-primary")
    expect(page.locator(".error-text")).to_contain_text("Use https")
    assert faults(page) == []
    page.fill("[name=redirect_uri_1]", "https://bolig.fjordbank.example/callback")
    page.click("main button.btn-primary")
    secret = page.locator("#new-secret").inner_text()
    assert secret.startswith("bps_")
    assert faults(page) == []

    page.click("text=I have copied it")
    expect(page.locator("body")).not_to_contain_text(secret)
    page.click("main a:has-text('Revoke')")
    expect(page.locator(".alert")).to_contain_text("Boliglån cannot log anyone in until it has another.")
    assert faults(page) == []
    page.fill("[name=name]", "Boliglån")
    page.click("main button:has-text('Revoke the secret')")
    expect(page.locator("main")).to_contain_text("There is no valid secret")
    assert faults(page) == []


def test_the_main_job_needs_no_script(visit: Callable[..., Page], demonstration: Demonstration) -> None:
    page = visit(OWNER, script=False)

    go(page, demonstration, f"{HOME}/clients")
    page.click("main tbody th a >> nth=0")
    page.click("aside form button")
    page.fill("[name=user_id]", "auto-approve")
    page.click("form.step button")

    expect(page.locator("main table")).to_contain_text("Agnes Automatisk")
