"""Somebody with a browser at the demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

WIDTHS = {1440: 1024, 390: 844}
# Each width with each language and each theme, and each language with each theme.
VIEWS = [(1440, "da", "light"), (1440, "en", "dark"), (390, "da", "dark"), (390, "en", "light")]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@dataclass(frozen=True)
class Demonstration:
    base_url: str
    password: str


def opened(browser: Browser, width: int = 1440, language: str = "en", scheme: str = "light", *, script: bool = True) -> BrowserContext:
    return browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]},
        locale={"da": "da-DK", "en": "en-GB"}[language],
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        java_script_enabled=script,
    )


def sign_in(context: BrowserContext, demonstration: Demonstration, email: str) -> Page:
    page = context.new_page()
    page.goto(f"{demonstration.base_url}/accounts/login/")
    page.fill("#id_login", email)
    page.fill("#id_password", demonstration.password)
    page.click("main form button.btn-primary")
    page.wait_for_selector("body.portal")
    return page


def choose(page: Page, language: str) -> None:
    """The language of the person's own account menu."""
    if page.locator("button.menu-btn").is_visible():
        page.click("button.menu-btn")
    page.click("details.me > summary")
    page.click(f"details.me button[name=language][value={language}]")
    page.wait_for_selector(f"html[lang={language}]")


def faults(page: Page) -> list[Any]:
    """What axe finds, and how far the page runs out to the side."""
    found: list[Any] = [
        (rule["id"], [node["target"] for node in rule["nodes"]]) for rule in Axe().run(page, options=RULES).response["violations"]
    ]
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + ([("sideways", beyond)] if beyond > 0 else [])
