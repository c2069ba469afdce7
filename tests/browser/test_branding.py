"""The appearance of a tenant's pages in a real browser: edited and published, and attacked by its values."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.visitor import VIEWS, Demonstration, choose, faults, opened, sign_in
from tests.harness.browser import Watch

HOME = "/tenants/fjordbank/test/branding"
OWNER = "owner@fjordbank.example"


@pytest.fixture
def visit(browser: Browser, demonstration: Demonstration, watch: Callable[[BrowserContext], Watch]) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def make(width: int = 1440, language: str = "en", scheme: str = "light", *, script: bool = True) -> Page:
        contexts.append(opened(browser, width, language, scheme, script=script))
        watch(contexts[-1]).expect(r"status of 422")
        page = sign_in(contexts[-1], demonstration, OWNER)
        if script:
            choose(page, language)
        page.goto(demonstration.base_url + HOME)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_the_editor_is_sound_in_every_view(visit: Callable[..., Page], width: int, language: str, scheme: str) -> None:
    page = visit(width, language, scheme)
    frame = page.frame_locator(".frame-phone iframe")
    expect(frame.locator(".sim")).to_be_visible()
    expect(frame.locator(".lb-test")).to_contain_text("Forhåndsvisning")
    assert faults(page) == []
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/branding-{width}-{language}-{scheme}.png", full_page=True)


def test_a_draft_is_corrected_published_and_rolled_back_without_script(visit: Callable[..., Page]) -> None:
    page = visit(script=False)
    heading = page.locator("h1")
    page.fill("#id_light-panel", "#123c34")
    page.fill("#id_light-panel-ink-2", "#7d9189")
    page.locator("#design button.btn-primary").click()
    expect(heading.locator(".badge-warn")).to_be_visible()
    expect(page.locator(".page-head button.btn-primary")).to_be_disabled()

    page.click("button[name=use]")
    page.locator(".page-head button.btn-primary").click()
    expect(heading.locator(".badge-good")).to_be_visible()

    page.goto(page.url.split("?")[0] + "/versions")
    page.locator("tbody button").last.click()
    expect(page.locator("tbody tr").first.locator(".badge-good")).to_be_visible()
    expect(page.locator("tbody tr").first.locator("th .sub")).to_contain_text("1")


def hostile() -> dict[str, dict[str, Any]]:
    """Rows of a database that no form of ours would have saved: texts that try to become markup, CSS or markers."""
    breaking = '"></style></section><script>document.title="owned"</script><img src=x onerror=alert(1)>'
    return {
        "markup": {"heading": breaking, "text": breaking, "points": [breaking]},
        "css": {"heading": "} .boxslot { display: none } /*", "text": "</title><style>.sim{display:none}</style>"},
        "markers": {"heading": "[[SLOT]] [[FORM_TOKEN]] [[TITLE]]", "points": ["[[FORM_ACTION]]"]},
        "long": {"heading": "W" * 80, "text": "W" * 240, "points": ["W" * 120] * 4},
        "links": {"links": [{"title": breaking, "links": [[breaking, "https://x.example/?a=%22%3E%3Cscript%3E"]]}]},
    }


def slot_of(page: Page) -> dict[str, Any]:
    """Where the slot stands in itself, and everything that is computed inside it."""
    found: dict[str, Any] = page.evaluate(
        """() => {
            const slot = document.querySelector(".boxslot"), corner = slot.getBoundingClientRect(), styles = [];
            for (const each of [slot, ...slot.querySelectorAll("*")]) {
                const computed = getComputedStyle(each);
                styles.push([each.tagName, ...Array.from(computed, name => `${name}: ${computed.getPropertyValue(name)}`)
                    .filter(text => !/^(--|perspective-origin|transform-origin)/.test(text))]);
            }
            return {width: corner.width, height: corner.height, styles};
        }"""
    )
    return found


@pytest.mark.parametrize("layout", ["split", "centred", "topbar"])
def test_no_design_reaches_into_the_box_or_out_of_the_page(
    browser: Browser, demonstration: Demonstration, watch: Callable[[BrowserContext], Watch], django_db_blocker: Any, layout: str
) -> None:
    context = opened(browser, 1440)
    watch(context)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    with django_db_blocker.unblock():
        plain, others = preview_of({}, layout), {name: preview_of(texts, layout, loud=True) for name, texts in hostile().items()}
    page.goto(plain)
    before = slot_of(page)
    assert (before["width"], before["height"]) == (400, 588)

    for name, address in others.items():
        page.goto(address)
        assert slot_of(page) == before, name
        assert page.title() != "owned", name
        assert page.locator("script, style, img[onerror]").count() == 0, name
        assert page.locator("form[action]").first.get_attribute("action") == "", name
    assert [url for url in asked if not url.startswith(demonstration.base_url)] == []
    context.close()


def preview_of(texts: dict[str, Any], layout: str, *, loud: bool = False) -> str:
    """The address of a draft with these English texts, written to the row itself."""
    from authflows import configuration, previews
    from authflows.loginbox import theme
    from authflows.models import Theme
    from tenants import directory
    from tenants.isolation import tenant_scope
    from tenants.models import Issuer

    tenant = directory.tenant_by_slug("havneby")
    assert tenant is not None
    values = copy.deepcopy(theme.PLAIN)
    if loud:
        values |= {"heading": "lora", "body": "lora", "weight": 900, "radius": "medium"}
        values["light"] = dict.fromkeys(values["light"], "#ff00ff")
    with tenant_scope(tenant.id):
        last = Theme.objects.of(tenant.id).filter(name="test").order_by("-version").first()
        made = Theme.objects.create(
            tenant_id=tenant.id, name="test", version=last.version + 1 if last else 1, layout=layout, values=values, texts={"en": texts}
        )
    issuer = Issuer.objects.select_related("domain").get(path="/t/havneby-test")
    return previews.address(configuration.url_of(issuer), made.id, scheme="light") + "?language=en"
