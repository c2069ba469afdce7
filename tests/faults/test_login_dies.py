"""kill -9 at every statement of a login, at every commit, before every answer: what is charged is what the core's ledger holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.doubles.browser import Browser, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import Asked, RelyingParty
from tests.faults.lives import Mortal
from tests.harness.ground import Ground

MOST = 200
SWEEP = "import django; django.setup(); from authflows import sweeps; print(sweeps.confirm_open_core_sessions())"


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    return fjordbank.client()


@pytest.fixture
def mortal(ground: Ground, party: RelyingParty) -> Iterator[Mortal]:
    mortal = Mortal(ground, party)
    yield mortal
    mortal.stop()


def whole_login(browser: Browser, party: RelyingParty, asked: Asked) -> dict[str, str]:
    tokens = party.token(asked, party.told(asked, browser.login(asked))["code"], browser.http).json()
    claims: dict[str, str] = party.userinfo(tokens["access_token"], at=browser.http).json()
    return claims


def sweep(ground: Ground) -> int:
    """In a process that knows nothing of those that died."""
    done = subprocess.run(
        [sys.executable, "-c", SWEEP], env=ground.environment(CORE_ANSWER_SECONDS="0"), capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_nobody_comes_back(mortal: Mortal, party: RelyingParty, ground: Ground, books: Books) -> None:
    """The person gives up wherever the process died; the sweep finds what the core had accepted."""
    died = []
    for point in range(1, MOST):
        mortal.serve(point)
        with Browser(mortal.url, host=mortal.host) as browser:
            try:
                whole_login(browser, party, party.ask())
                break
            except httpx.TransportError:
                died.append(mortal.serve(0))
    show(died)
    before = books.of(party)
    assert before.ledger > before.events
    assert sweep(ground) > 0
    assert books.of(party).agreed == before.ledger
    assert sweep(ground) == 0
    assert books.of(party).agreed == before.ledger
    # The statement is sent with its commit.
    accepted_from = next(n for n, point in enumerate(died) if "authflows_simulatedsession" in point) + 1
    assert before.ledger == len(died) - accepted_from


def test_the_person_tries_again(mortal: Mortal, party: RelyingParty, ground: Ground, books: Books) -> None:
    """Reload, Back, the relying party's own retry: the login ends well, and is charged once."""
    died = []
    for point in range(1, MOST):
        mortal.serve(point)
        with Browser(mortal.url, host=mortal.host) as browser:
            visit = Insistent(browser, mortal)
            asked = party.ask()
            location = visit.login(asked)
            answer = visit.token(party, asked, party.told(asked, location)["code"])
            # A code whose answer was lost is spent: the relying party starts again.
            assert answer.status_code == 200 or (visit.died == "token" and answer.json()["error"] == "invalid_grant"), answer.text
        if not visit.point:
            break
        died.append(visit.point)
    show(died)
    assert sweep(ground) == 0
    assert books.of(party).agreed == len(died) + 1
    assert set(books.outcomes(party)) == {"completed"}


class Insistent:
    """Whoever meets a dead server asks the next one the same question."""

    def __init__(self, browser: Browser, mortal: Mortal) -> None:
        self._browser, self._mortal = browser, mortal
        self.point = self.died = ""

    def login(self, asked: Asked) -> str:
        answer = self._again("authorize", lambda: self._browser.get(asked.url))
        page = self._again("box", lambda: self._browser.get(answer.headers["Location"]))
        # The core is asked what became of the request; it may never have heard of it, and is asked anew.
        for _ in range(3):
            if step_of(page) != "user_id":
                page = self._browser.get(page.headers.get("Location", str(page.url)))
        assert step_of(page) == "user_id", page.text
        answer = self._again("step", lambda: self._browser.submit(page, user_id="auto-approve"))
        return self._browser.finish(self._again("return", lambda: self._browser.get(answer.headers["Location"])))

    def token(self, party: RelyingParty, asked: Asked, code: str) -> httpx.Response:
        return self._again("token", lambda: party.token(asked, code, self._browser.http))

    def _again(self, name: str, ask: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            return ask()
        except httpx.TransportError:
            self.died, self.point = name, self._mortal.serve(0)
            return ask()


def show(died: list[str]) -> None:
    print(f"\n{len(died)} points of a login at which the process was killed:")
    for number, point in enumerate(died, 1):
        print(f"{number:3} {point}")
