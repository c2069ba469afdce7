"""Every state that an end user can meet, in a real browser: both languages, both themes, zoomed, narrow; waiting is told, nothing jumps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response

from authflows.loginbox.states import LAYOUTS, STATES
from tests.browser.visitor import faults, opened
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.flows.conftest import books, fjordbank  # noqa: F401  (fixtures)

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "loginbox"
EXTENDS = re.compile(r"{% extends ")


@dataclass
class Desk:
    """Somebody at a login: a page, a second browser, and the books."""

    party: RelyingParty
    page: Page
    other: Page
    books: Books

    def ask(self, **asked: str) -> None:
        self.page.goto(self.party.ask(**asked).url)

    def named(self, user_id: str, **asked: str) -> None:
        self.ask(**asked)
        self.page.fill("#user_id", user_id)
        self.page.click("form.step button.go")

    def chosen(self, method: str, user_id: str = "karl", **asked: str) -> None:
        self.named(user_id, **({"acr_values": "low"} | asked))
        self.page.click(f"button[value={method}]")
        self.step({"app": "waiting"}.get(method, method))

    def step(self, name: str) -> None:
        self.page.wait_for_selector(f'.sim[data-step="{name}"]')

    def typed(self, field: str, value: str = "000000") -> None:
        self.page.fill(f"#{field}", value)
        self.page.click("form.step button.go")

    def phone(self, user_id: str = "karl") -> None:
        self.other.goto(f"{self.party.issuer}/simulator/phone?user_id={user_id}")

    def over(self, user_id: str) -> None:
        """A login that ended, and whose cookie has gone."""
        self.ask()
        address = self.page.url
        self.page.fill("#user_id", user_id)
        self.page.click("form.step button.go")
        self.page.wait_for_url(re.compile("^" + re.escape(self.party.redirect_uri)))
        self.page.context.clear_cookies()
        self.page.goto(address)

    def starting(self) -> None:
        """The core has been asked, and has not answered yet."""
        self.ask()
        self.books.execute(
            "UPDATE authflows_coresession SET state = 'requesting', created_at = now() + interval '1 hour' WHERE login_id IN"
            " (SELECT id FROM authflows_login WHERE relying_party_id = %s)",
            self.party.relying_party_id,
        )
        self.books.execute("UPDATE authflows_login SET state = 'requesting' WHERE relying_party_id = %s", self.party.relying_party_id)
        self.page.reload()

    def show_phone(self) -> Page:
        self.page, self.other = self.other, self.page
        return self.page


def chosen_and_wrong(desk: Desk, method: str, field: str) -> None:
    desk.chosen(method)
    desk.typed(field)
    desk.page.wait_for_selector(f"#{field}_wrong")


def blocked(desk: Desk) -> None:
    desk.chosen("code_display")
    for _ in range(2):
        desk.typed("code")
        desk.page.wait_for_selector("#code_wrong")
    desk.typed("code")
    desk.step("blocked")


def rejected(desk: Desk) -> None:
    desk.chosen("app")
    desk.phone()
    desk.other.click("button[value=reject]")
    desk.step("rejected")


def parallel(desk: Desk) -> None:
    desk.chosen("app")
    desk.named("karl", acr_values="low")
    desk.page.click("button[value=app]")
    desk.step("parallel")


def asked_to_log_out(desk: Desk) -> None:
    desk.page.goto(f"{desk.party.issuer}/logout")


def logged_out(desk: Desk) -> None:
    asked_to_log_out(desk)
    desk.page.click("form.logout button")


def no_cookie(desk: Desk) -> None:
    desk.ask()
    desk.page.context.clear_cookies()
    desk.page.reload()


def form_post(desk: Desk) -> None:
    desk.page.route("**/loginbox/send.*", lambda route: route.fulfill(content_type="text/javascript", body=""))
    desk.named("auto-approve", response_mode="form_post")


def qr(desk: Desk) -> None:
    desk.chosen("app")
    desk.page.click("button[value=qr]")
    desk.page.wait_for_selector(".qr")


def phone_waiting(desk: Desk) -> None:
    desk.chosen("app")
    desk.phone()
    desk.show_phone()


def phone_tied(desk: Desk) -> None:
    desk.chosen("app")
    address = desk.page.locator(".fx a").get_attribute("href") or ""
    desk.other.goto(address if address.startswith("http") else f"{desk.party.issuer.partition('/t/')[0]}{address}")
    desk.show_phone()


def phone_wrong(desk: Desk) -> None:
    phone_waiting(desk)
    right = "".join(desk.other.locator(".tiles li").all_inner_texts())
    desk.page.fill("#channel_code", f"{(int(right) + 1) % 10_000:04}")
    desk.page.click("button[value=approve]")
    desk.page.wait_for_selector("#channel_wrong")


def address(path: str) -> Callable[[Desk], None]:
    def go(desk: Desk) -> None:
        desk.page.goto(f"{desk.party.issuer}/{path}")

    return go


def frames_unknown(desk: Desk) -> None:
    for frame in ("a", "b"):
        desk.page.goto(f"{desk.party.issuer}/simulator/phone?qr={frame}.{'0' * 16}")


# How somebody comes into each state of authflows.loginbox.states.
WAYS: dict[tuple[str, str], Callable[[Desk], None]] = {
    ("error", "unknown_client"): lambda desk: desk.ask(client_id="nobody"),
    ("errors", ""): address("errors"),
    ("form_post", ""): form_post,
    ("logout", ""): asked_to_log_out,
    ("loggedout", ""): logged_out,
    ("nocookie", ""): no_cookie,
    ("ended", "completed"): lambda desk: desk.over("auto-approve"),
    ("ended", "cancelled"): lambda desk: desk.over("auto-cancel"),
    ("ended", "expired"): lambda desk: desk.over("auto-timeout"),
    ("ended", "failed"): lambda desk: desk.over("auto-reject"),
    ("too_low", ""): lambda desk: desk.named("auto-approve-low"),
    ("page", ""): lambda desk: desk.ask(),
    ("simulator/user_id", ""): lambda desk: desk.ask(action="approve"),
    ("simulator/user_id", "unknown"): lambda desk: desk.named("nobody"),
    ("simulator/authenticator", ""): lambda desk: desk.named("freja", acr_values="low"),
    ("simulator/code_display", ""): lambda desk: desk.chosen("code_display"),
    ("simulator/code_display", "wrong"): lambda desk: chosen_and_wrong(desk, "code_display", "code"),
    ("simulator/audio_reader", ""): lambda desk: desk.chosen("audio_reader"),
    ("simulator/audio_reader", "wrong"): lambda desk: chosen_and_wrong(desk, "audio_reader", "code"),
    ("simulator/password", ""): lambda desk: desk.chosen("password", "freja", reference_text="M" * 130),
    ("simulator/password", "wrong"): lambda desk: chosen_and_wrong(desk, "password", "password"),
    ("simulator/waiting", "digits"): lambda desk: desk.chosen("app", reference_text="Betal 100 kr. til Åse " * 5),
    ("simulator/waiting", "qr"): qr,
    ("simulator/ended", "rejected"): rejected,
    ("simulator/ended", "blocked"): blocked,
    ("simulator/ended", "parallel"): parallel,
    ("simulator/ended", "level"): lambda desk: desk.named("gerda", acr_values="substantial"),
    ("simulator/not_recognised", ""): lambda desk: desk.named("nobody", psd2="true"),
    ("simulator/starting", ""): lambda desk: desk.starting(),
    ("simulator/phones", ""): address("simulator/phone"),
    ("simulator/phone", "nothing"): address("simulator/phone?user_id=freja"),
    ("simulator/phone", "waiting"): phone_waiting,
    ("simulator/phone", "tied"): phone_tied,
    ("simulator/phone", "wrong"): phone_wrong,
    ("simulator/frames", "half"): address(f"simulator/phone?qr=a.{'0' * 16}"),
    ("simulator/frames", "unknown"): frames_unknown,
}

# What needs people, providers or keys of its own is judged where those are.
ELSEWHERE: dict[tuple[str, str], str] = {
    ("choose", ""): "browser/test_choice.py::test_the_choice_is_sound",
    ("away", ""): "browser/test_choice.py::test_the_choice_is_sound",
    ("wait", ""): "browser/test_choice.py::test_the_wait_is_sound",
    ("card", "identity"): "flows/test_cards.py::test_every_card_can_be_read_by_everybody",
    ("card", "cpr"): "flows/test_cards.py::test_every_card_can_be_read_by_everybody",
    ("cpr_kept", "kept"): "flows/test_cards.py::test_every_card_can_be_read_by_everybody",
    ("cpr_kept", "withdrawn"): "flows/test_cards.py::test_every_card_can_be_read_by_everybody",
    ("simulator/chip", ""): "browser/test_simulator.py::test_a_chip_that_does_not_answer_is_asked_again",
    ("simulator/chips", ""): "browser/test_simulator.py::test_a_real_browser_registers_and_asks_a_chip",
}


def test_every_template_that_is_shown_is_judged() -> None:
    """A page that nobody judges is a page that nobody can be sure to use."""
    shown = {str(path.relative_to(TEMPLATES).with_suffix("")) for path in TEMPLATES.rglob("*.html") if EXTENDS.search(path.read_text())}
    missing = sorted(shown - set(LAYOUTS) - set(STATES))
    assert not missing, f"add to STATES in authflows/loginbox/states.py, each with its states: {', '.join(missing)}"
    assert sorted(set(STATES) - shown) == []
    unreachable = sorted({(name, state) for name, states in STATES.items() for state in states} ^ (set(WAYS) | set(ELSEWHERE)))
    assert not unreachable, f"add to WAYS in tests/browser/test_states.py how somebody comes there, or take it out: {unreachable}"
    for place in ELSEWHERE.values():
        file, _, test = place.partition("::")
        assert f"def {test}(" in (TEMPLATES.parents[1] / "tests" / file).read_text(), place


@pytest.fixture
def party(server: object, fjordbank: House, service: str, books: Books) -> Iterator[RelyingParty]:  # noqa: F811  (the fixture)
    """A client of its own; nobody is blocked or asked when its test begins."""
    books.execute("DELETE FROM authflows_simulatedblock")
    books.execute("UPDATE authflows_simulatedsession SET expires_at = now() WHERE state <> 'ended'")
    yield fjordbank.client("production", redirect_uris=(f"{service}/callback",))
    books.execute("DELETE FROM authflows_simulatedblock")


@pytest.fixture
def sit(browser: Browser, party: RelyingParty, books: Books) -> Iterator[Callable[..., Desk]]:  # noqa: F811  (the fixture)
    contexts: list[BrowserContext] = []

    def make(language: str = "en", *, script: bool = True) -> Desk:
        contexts.extend(opened(browser, 1440, language, script=script) for _ in range(2))
        return Desk(party, contexts[-2].new_page(), contexts[-1].new_page(), books)

    yield make
    for context in contexts:
        context.close()


def sideways(page: Page, width: int, height: int) -> int:
    """How far the page runs out to the side in a window of this size."""
    page.set_viewport_size({"width": width, "height": height})
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("language", ["da", "en"])
@pytest.mark.parametrize(("name", "state"), WAYS)
def test_every_state_can_be_used(name: str, state: str, language: str, sit: Callable[..., Desk]) -> None:
    """By everybody: WCAG 2.2 AA in both themes, at 320 px (1.4.10) and at 200 % (1.4.4)."""
    desk = sit(language)
    WAYS[name, state](desk)
    assert desk.page.locator("html").get_attribute("lang") == language
    for scheme in ("light", "dark"):
        desk.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        assert faults(desk.page) == [], scheme
    assert (sideways(desk.page, 320, 640), sideways(desk.page, 720, 450)) == (0, 0)


def test_waiting_is_told_to_whoever_cannot_see_it(sit: Callable[..., Desk]) -> None:
    desk = sit()
    desk.chosen("app")
    told = desk.page.locator("[role=status], [aria-live=polite]")
    assert told.first.inner_text() == "Waiting for your approval…"
    # The countdown changes every second: nobody wants it read aloud.
    assert desk.page.locator("[role=status] time, [aria-live] time").count() == 0


SHIFTS = """() => new Promise(done => { let sum = 0;
  new PerformanceObserver(list => { for (const each of list.getEntries()) if (!each.hadRecentInput) sum += each.value })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 400) })"""


@pytest.mark.parametrize(("name", "state"), [("page", ""), ("simulator/waiting", "digits"), ("too_low", ""), ("error", "unknown_client")])
def test_nothing_jumps(name: str, state: str, sit: Callable[..., Desk]) -> None:
    """Cumulative layout shift; 0.1 is what is commonly called good."""
    desk = sit()
    WAYS[name, state](desk)
    desk.page.wait_for_load_state("networkidle")
    assert desk.page.evaluate(SHIFTS) < 0.02


def test_the_first_page_is_light(sit: Callable[..., Desk]) -> None:
    desk, answers = sit(), list[Response]()
    desk.page.on("response", lambda answer: answers.append(answer))
    desk.ask()
    desk.page.wait_for_load_state("networkidle")
    bodies = {each.url: each.request.sizes()["responseBodySize"] for each in answers if each.request.resource_type != "font"}
    assert sum(bodies.values()) < 60_000, bodies


def test_without_script_every_step_is_a_form(sit: Callable[..., Desk]) -> None:
    for name, state in (("too_low", ""), ("simulator/not_recognised", ""), ("simulator/ended", "level")):
        desk = sit(script=False)
        WAYS[name, state](desk)
        assert desk.page.locator("main form[method=post] button").count() >= 2
