"""What holds for every step of the simulator: a way out, time that is seen and ends, nothing that is kept, and a name on every answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from httpx import Response

from tests.doubles.authenticators import chosen, code_on, moved, typed
from tests.doubles.browser import Browser, forms, step_of
from tests.doubles.chip import Chip
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.flows.test_authenticators import LOW
from tests.flows.test_chip import register
from tests.flows.test_nothing_personal import dump
from tests.harness.ground import Ground
from tests.harness.server import Server

Visitors = Callable[..., Browser]
FACTORS = ("waiting", "code_display", "audio_reader", "password", "chip")
STEPS = ("user_id", "authenticator", *FACTORS, "rejected", "blocked", "parallel", "level")


@pytest.fixture
def own(fjordbank: House, books: Books) -> Iterator[RelyingParty]:
    yield fjordbank.client("production")
    for table in ("chip", "block"):
        books.execute(f"DELETE FROM authflows_simulated{table}")
    books.execute("UPDATE authflows_simulatedsession SET state = 'shown' WHERE state = 'waiting'")


Taken = Callable[[str], Response]


@pytest.fixture
def taken_to(own: RelyingParty, visitor: Browser, new_visitor: Visitors) -> Taken:
    """The page of a step, as somebody comes to it."""

    def take(step: str) -> Response:
        low = own.ask(acr_values=LOW, prompt="login")
        if step == "user_id":
            return visitor.open(low)
        if step == "authenticator":
            return moved(visitor, visitor.submit(visitor.open(low), user_id="karl"))
        if step == "level":
            return moved(visitor, visitor.submit(visitor.open(own.ask(prompt="login")), user_id="gerda"))
        if step in ("waiting", "rejected", "parallel"):
            return _of_the_app(step, own, visitor, new_visitor)
        if step == "chip":
            parts = urlsplit(own.issuer)
            register(visitor, own, Chip(f"{parts.scheme}://{parts.netloc}"), "karl")
        page = chosen(visitor, visitor.open(low), "karl", "password" if step == "blocked" else step)
        for _ in range(3 if step == "blocked" else 0):
            page = typed(visitor, page, "wrong")
        return page

    return take


def _of_the_app(step: str, own: RelyingParty, visitor: Browser, new_visitor: Visitors) -> Response:
    if step == "parallel":
        other = new_visitor()
        chosen(other, other.open(own.ask(prompt="login")), "karl", "app")
    page = chosen(visitor, visitor.open(own.ask(prompt="login")), "karl", "app")
    if step == "rejected":
        phone = new_visitor()
        phone.submit(phone.get(f"{own.issuer}/simulator/phone?user_id=karl"), answer="reject")
        page = visitor.get(str(page.url))
    return page


@pytest.mark.parametrize("step", STEPS)
def test_every_step_shows_the_time_that_is_left(step: str, taken_to: Taken) -> None:
    page = taken_to(step)
    assert step_of(page) == step
    (left,) = re.findall(r'<time data-left="(\d+)">', page.text)
    assert 250 < int(left) <= 300
    assert f">{int(left) // 60}:{int(left) % 60:02}</time>" in page.text
    assert "until " in page.text or "Expires at " in page.text


@pytest.mark.parametrize("step", STEPS)
def test_every_step_can_be_left(step: str, taken_to: Taken, visitor: Browser, books: Books, own: RelyingParty) -> None:
    page = taken_to(step)
    location = visitor.finish(visitor.submit(page, "foot", cancel="1"))
    error = {"level": "assurance_level_not_met", "blocked": "mitid_authenticator_blocked", "rejected": "mitid_rejected_in_app"}
    assert f"error_description={error.get(step, '')}" in location
    assert "user_aborted" in location or step in error
    assert books.outcomes(own)[-1] in ("cancelled", "failed")


@pytest.mark.parametrize("step", STEPS)
def test_no_step_outlives_the_request(step: str, taken_to: Taken, visitor: Browser, books: Books, own: RelyingParty) -> None:
    page = taken_to(step)
    books.execute("UPDATE authflows_simulatedsession SET expires_at = now() - interval '1 second' WHERE state <> 'ended'")
    address = str(page.url)
    assert "error_description=mitid_timeout" in visitor.finish(visitor.get(address))
    assert books.outcomes(own)[-1] == "expired"


@pytest.mark.parametrize("step", [*FACTORS, "rejected", "blocked", "parallel"])
def test_another_way_may_be_chosen_at_every_step(step: str, taken_to: Taken, visitor: Browser) -> None:
    page = taken_to(step)
    css = "pair" if step == "waiting" else "step"
    page = moved(visitor, visitor.submit(page, css, method="other"))
    assert step_of(page) == "authenticator"
    assert step_of(moved(visitor, visitor.submit(page, authenticator="code_display"))) == "code_display"


def test_an_approval_that_is_sent_twice_counts_once(own: RelyingParty, visitor: Browser, new_visitor: Visitors, books: Books) -> None:
    asked, phone, other = own.ask(prompt="login"), new_visitor(), new_visitor()
    screen = chosen(visitor, visitor.open(asked), "karl", "app")
    address = f"{own.issuer}/simulator/phone?user_id=karl"
    shown, also = phone.get(address), other.get(address)
    for each, page in ((phone, shown), (phone, shown), (other, also)):
        assert "Nothing to approve" in each.submit(page, answer="approve", channel_code=code_on(screen)).text
    assert "Nothing to approve" in other.submit(also, answer="reject").text
    location = visitor.finish(visitor.get(str(screen.url)))
    assert own.redeem(asked, location)["id_token"]
    assert books.outcomes(own) == ["completed"]


def test_nothing_that_is_typed_is_kept_or_logged(
    ground: Ground, server: Server, own: RelyingParty, visitor: Browser, new_visitor: Visitors
) -> None:
    """Somebody may type a real password, in spite of all that is written there."""
    typed_in = [f"hemmelig-{place}-7f3a" for place in ("user", "code", "spoken", "password", "phone", "frame", "chip")]
    user, code, spoken, password, on_phone, frame, chip = typed_in
    unknown = visitor.submit(visitor.open(own.ask(acr_values=LOW, prompt="login")), user_id=user, remember="1")
    assert "Set-Cookie" not in unknown.headers
    for method, value in (("code_display", code), ("audio_reader", spoken), ("password", password)):
        page = chosen(visitor, visitor.open(own.ask(acr_values=LOW, prompt="login")), "karl", method)
        assert value not in typed(visitor, page, value).text
    chosen(visitor, visitor.open(own.ask(prompt="login")), "karl", "app")
    phone = new_visitor()
    answer = phone.submit(phone.get(f"{own.issuer}/simulator/phone?user_id=karl"), answer="approve", channel_code=on_phone)
    assert on_phone not in answer.text
    phone.get(f"{own.issuer}/simulator/phone?qr={frame}")
    page = phone.get(f"{own.issuer}/simulator/chip?user_id=karl")
    last = phone.submit(page, chip=chip)
    assert last.status_code == 200
    time.sleep(0.5)
    everything = dump(ground) + "".join(log.read_text() for log in server.logs.values())
    assert [value for value in typed_in if value in everything or value.encode().hex() in everything] == []


def test_whoever_wants_it_is_remembered_at_this_service(fjordbank: House, visitor: Browser, new_visitor: Visitors) -> None:
    bank, also, other = fjordbank.client(alias="Bank"), fjordbank.client(alias="Bank"), fjordbank.client(alias="Pension")
    page = visitor.open(bank.ask(prompt="login"))
    assert "Remember me at Bank" in page.text
    visitor.finish(visitor.submit(page, user_id="auto-approve", remember="1"))
    known = visitor.open(also.ask(prompt="login"))
    assert 'value="auto-approve"' in known.text
    assert 'name="remember" value="1" checked' in known.text
    assert step_of(known) == "user_id"
    for page in (visitor.open(other.ask(prompt="login")), new_visitor().open(bank.ask(prompt="login"))):
        assert 'value=""' in page.text
        assert "checked" not in page.text
    (kept,) = (cookie for cookie in visitor.http.cookies.jar if cookie.name.startswith("user-"))
    assert (kept.has_nonstandard_attr("HttpOnly"), kept.expires is not None) == (True, True)
    visitor.finish(visitor.post(*_unticked(known)))
    assert 'value=""' in visitor.open(bank.ask(prompt="login")).text


def _unticked(page: Response) -> tuple[str, dict[str, str]]:
    (form,) = [form for form in forms(page) if form.css == "step"]
    return form.action, {name: value for name, value in form.fields.items() if name != "remember"}


@pytest.mark.parametrize("planted", ["%%%", "a" * 4000, "PHNjcmlwdD4", "_w", "AAAA"])
def test_no_cookie_breaks_the_first_screen(planted: str, party: RelyingParty, visitor: Browser) -> None:
    visitor.finish(visitor.submit(visitor.open(party.ask(prompt="login")), user_id="auto-approve", remember="1"))
    for cookie in visitor.http.cookies.jar:
        if cookie.name.startswith("user-"):
            cookie.value = planted
    page = visitor.open(party.ask(prompt="login"))
    assert step_of(page) == "user_id"
    assert "<script>" not in page.text


def test_every_answer_says_that_it_is_the_simulators(own: RelyingParty, taken_to: Taken, visitor: Browser, new_visitor: Visitors) -> None:
    answers = [taken_to(step) for step in STEPS]
    page = taken_to("user_id")
    answers += [
        visitor.get(str(page.url), Shown_Step="user_id"),
        visitor.submit(page, user_id="nobody"),
        visitor.submit(page, user_id="karl"),
    ]
    handle = str(page.url).rsplit("/", 1)[1]
    answers += [visitor.post(f"{own.issuer}/login/{handle}/{end}", {"form_token": "x"}) for end in ("box", "cancel")]
    answers += [visitor.get(f"{own.issuer}/login/{handle}/return?code=x"), new_visitor().get(str(page.url))]
    phone = f"{own.issuer}/simulator/phone"
    answers += [visitor.get(f"{phone}{query}") for query in ("", "?user_id=karl", "?user_id=nobody", "?qr=a.0000000000000000", "?qr=x")]
    answers += [visitor.post(f"{phone}?user_id=karl", {"form_token": "x"}), visitor.http.request("PUT", phone)]
    chip = f"{own.issuer}/simulator/chip"
    answers += [visitor.get(f"{chip}{query}") for query in ("", "?user_id=karl")] + [visitor.post(f"{chip}?user_id=karl", {})]
    answers += [visitor.get(f"{own.issuer}/simulator/nothing"), visitor.http.request("DELETE", chip)]
    answers += [visitor.get(f"{own.issuer}/login/{handle}", Sec_Purpose="prefetch"), visitor.get(f"{own.issuer}/authorize?client_id=x")]
    assert {answer.status_code for answer in answers} == {200, 204, 303, 400, 403, 404, 405, 503}
    unnamed = [
        answer for answer in answers if (answer.headers.get("X-Broker-Simulator"), answer.headers.get("X-Robots-Tag")) != ("1", "noindex")
    ]
    assert unnamed == []
