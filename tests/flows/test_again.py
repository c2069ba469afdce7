"""Everything that people and their browsers do twice: tabs, Back, reload, double clicks, links that other browsers open."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from httpx import Response

from tests.doubles.authenticators import by_password, chosen, moved
from tests.doubles.browser import Browser, forms, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]


def at_once(times: int, what: Callable[[], Response]) -> list[Response]:
    with ThreadPoolExecutor(times) as pool:
        return [answer.result() for answer in [pool.submit(what) for _ in range(times)]]


def test_ten_tabs_are_ten_logins(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = [party.ask() for _ in range(10)]
    pages = [visitor.open(each) for each in asked]
    answers = [visitor.submit(page, user_id="auto-approve") for page in reversed(pages)]
    ends = [visitor.finish(answer) for answer in answers]
    for each, location in zip(reversed(asked), ends, strict=True):
        assert party.claims(party.redeem(each, location)["id_token"])["nonce"] == each.nonce
    assert books.of(party).agreed == 10


def test_a_browser_keeps_the_cookies_of_twenty_logins_at_most(party: RelyingParty, visitor: Browser) -> None:
    addresses = [visitor.begin(party.ask()) for _ in range(23)]
    assert len(visitor.cookies) == 20
    assert visitor.get(addresses[-1]).status_code == 200
    assert len(str(visitor.cookies)) < 4096


def test_a_reloaded_page_is_the_same_page_and_costs_nothing_more(party: RelyingParty, visitor: Browser, books: Books) -> None:
    page = visitor.open(party.ask())
    assert [visitor.get(str(page.url)).text for _ in range(3)] == [page.text] * 3
    assert books.of(party).agreed == 1


def test_two_requests_for_one_box_ask_the_core_once(party: RelyingParty, visitor: Browser, books: Books) -> None:
    for _ in range(8):
        address = visitor.begin(party.ask())
        pages = at_once(6, partial(visitor.get, address))
        assert {page.status_code for page in pages} == {200}
        assert {step_of(page) for page in pages} <= {"user_id", "starting"}
        assert step_of(visitor.get(address)) == "user_id"
    assert books.of(party).agreed == 8


def test_a_form_sent_twice_ends_once(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    page = visitor.open(asked)
    answers = at_once(4, lambda: visitor.submit(page, user_id="auto-approve"))
    ends = {visitor.finish(answer) for answer in answers}
    assert len(ends) == 1
    assert party.redeem(asked, ends.pop())
    assert books.outcomes(party) == ["completed"]


def test_a_return_repeated_gives_the_first_answer(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    box = visitor.open(asked)
    done = visitor.submit(box, user_id="auto-approve").headers["Location"]
    first = visitor.get(done).headers["Location"]
    again = [visitor.get(done), visitor.get(str(box.url)), visitor.submit(box, user_id="karl"), visitor.submit(box, "foot")]
    assert [answer.headers["Location"] for answer in again] == [first] * 4
    party.redeem(asked, first)
    assert visitor.get(done).headers["Location"] == first
    assert books.outcomes(party) == ["completed"]


def test_parallel_returns_give_one_answer(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    done = visitor.submit(visitor.open(asked), user_id="auto-approve").headers["Location"]
    answers = at_once(8, lambda: visitor.get(done))
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert books.one("SELECT count(*) FROM authflows_grant WHERE relying_party_id = %s", party.relying_party_id) == 1
    assert books.outcomes(party) == ["completed"]


def test_first_logins_of_one_person_at_once_give_one_subject(havneby: House, new_visitor: Visitors, books: Books) -> None:
    """Both must learn the id that the other's insert made."""
    party = havneby.client("production")
    visits = [(visitor := new_visitor(), asked := party.ask(), visitor.open(asked)) for _ in range(4)]
    shown = [by_password(visitor, page, "karl") for visitor, _, page in visits]
    with ThreadPoolExecutor(4) as pool:
        follow = [pool.submit(visitor.finish, answer) for (visitor, _, _), answer in zip(visits, shown, strict=True)]
    subs = {
        party.claims(party.redeem(asked, location.result())["id_token"])["sub"]
        for (_, asked, _), location in zip(visits, follow, strict=True)
    }
    assert len(subs) == 1


def test_cancelled_and_come_back(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    page = visitor.open(asked)
    first = visitor.finish(visitor.submit(page, "foot"))
    assert visitor.finish(visitor.get(str(page.url))) == first
    assert visitor.finish(visitor.submit(page, user_id="auto-approve")) == first
    assert books.outcomes(party) == ["cancelled"]


def test_the_cookie_goes_soon_after_the_login(party: RelyingParty, visitor: Browser) -> None:
    page = visitor.open(party.ask())
    answer = visitor.get(visitor.submit(page, user_id="auto-approve").headers["Location"])
    assert "Max-Age=60" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("whose", ["nobody's", "another browser's"])
def test_a_login_opened_in_another_browser_shows_a_way_on(
    whose: str, party: RelyingParty, visitor: Browser, new_visitor: Visitors, books: Books
) -> None:
    page = visitor.open(party.ask())
    stranger = new_visitor()
    if whose == "another browser's":
        other = stranger.begin(party.ask()).rpartition("/")[2]
        mine = str(page.url).rpartition("/")[2]
        stranger.http.cookies.set(f"login-{mine}", stranger.cookies[f"login-{other}"], domain="localhost.local", path="/")
    before = books.rows("SELECT state, outcome, error FROM authflows_login WHERE relying_party_id = %s ORDER BY id", party.relying_party_id)
    form = forms(page)[0]
    answers = [
        stranger.get(str(page.url)),
        stranger.get(f"{page.url}/return?code=guessed"),
        stranger.post(form.action, form.fields | {"user_id": "auto-approve"}),
        stranger.post(f"{page.url}/cancel", form.fields),
    ]
    for answer in answers:
        assert answer.status_code == 403
        assert "Location" not in answer.headers
        assert 'href="https://netbank.fjordbank.example/"' in answer.text
        assert answer.headers["Trace-Id"] in answer.text
    assert before == books.rows(
        "SELECT state, outcome, error FROM authflows_login WHERE relying_party_id = %s ORDER BY id", party.relying_party_id
    )
    assert step_of(visitor.get(str(page.url))) == "user_id"


@pytest.mark.parametrize("token", ["", "x", "another login's"])
def test_a_form_that_is_not_of_this_login_changes_nothing(token: str, party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    page, other = visitor.open(asked), visitor.open(party.ask())
    sent = forms(other)[0].fields["form_token"] if token == "another login's" else token
    for css in ("step", "foot"):
        answer = visitor.submit(page, css, user_id="auto-approve", form_token=sent)
        assert (answer.status_code, answer.headers.get("Location")) == (403, None)
    assert books.outcomes(party) == ["open", "open"]
    assert "code" in party.told(asked, visitor.finish(visitor.submit(page, user_id="auto-approve")))


def test_a_made_up_code_of_the_core_leads_back_to_the_box(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    page = visitor.open(asked)
    back = visitor.get(f"{page.url}/return?code=guessed")
    assert back.headers.get("Location") == str(page.url.path), back.text
    assert step_of(visitor.get(back.headers["Location"])) == "user_id"
    assert books.outcomes(party) == ["open"]
    assert "code" in party.told(asked, visitor.finish(visitor.submit(page, user_id="auto-approve")))


# What a browser, a chat program or a script may do with a link before a person follows it.
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Purpose": "prefetch"},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X_Moz": "prefetch"},
        {"X_Purpose": "preview"},
    ],
)
def test_looking_ahead_costs_nothing_and_stores_nothing(
    headers: dict[str, str], party: RelyingParty, visitor: Browser, books: Books
) -> None:
    asked = party.ask()
    answer = visitor.get(asked.url, **headers)
    assert (answer.status_code, answer.headers.get("Set-Cookie"), answer.headers.get("Location")) == (503, None, None)
    address = visitor.begin(asked)
    assert visitor.get(address, **headers).status_code == 503
    assert books.of(party).agreed == 0
    assert books.one("SELECT count(*) FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id) == 1
    assert visitor.get(address).status_code == 200


def test_a_preview_or_a_script_without_cookies_costs_nothing(party: RelyingParty, new_visitor: Visitors, books: Books) -> None:
    asked = party.ask()
    head = new_visitor().http.head(asked.url)
    assert (head.status_code, head.headers.get("Set-Cookie")) == (200, None)
    assert books.one("SELECT count(*) FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id) == 0
    for _ in range(3):
        answer = new_visitor().get(asked.url)
        assert new_visitor().get(answer.headers["Location"]).status_code == 403
    assert books.of(party).agreed == 0


def test_a_pair_of_frames_that_was_used_says_what_to_do_and_changes_nothing(
    fjordbank: House, visitor: Browser, new_visitor: Visitors, books: Books
) -> None:
    party = fjordbank.client("production")
    asked = party.ask(prompt="login")
    screen = chosen(visitor, visitor.open(asked), "freja", "app")
    moved(visitor, visitor.submit(screen, "pair", method="qr"))
    channel = books.one("SELECT channel FROM authflows_simulatedsession WHERE state = 'waiting' AND qr ORDER BY created_at DESC LIMIT 1")
    frames = [f"{party.issuer}/simulator/phone?qr={name}.{half}" for name, half in (("a", channel[:16]), ("b", channel[16:]))]
    phone, thief = new_visitor(), new_visitor()
    shown = [phone.get(frame) for frame in frames][-1]
    phone.submit(shown, answer="approve")
    location = visitor.finish(visitor.get(str(screen.url)))
    before = books.outcomes(party)
    replayed = [thief.get(frame) for frame in frames][-1]
    assert step_of(replayed) == "frames"
    assert "Scan both frames on the page where you log on." in replayed.text
    assert replayed.headers["Trace-Id"]
    assert books.outcomes(party) == before == ["completed"]
    assert "code=" in location
