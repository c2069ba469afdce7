"""kill -9 at every statement, commit and answer of what clients ask besides a login: whoever asks again is answered as if nothing had been.

What is asked again is the same question, but for a code, whose second use is a replay (tests.faults.test_login_dies), and for a pushed
request that a session has answered.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.faults.lives import Mortal
from tests.faults.test_login_dies import show
from tests.harness.ground import Ground

MOST = 60
BACK = "https://netbank.fjordbank.example/goodbye"
SCOPE = "openid profile offline_access"
KEYS = "import django, sys; django.setup(); from tests.faults.key_deaths import die_everywhere; die_everywhere(*sys.argv[1:])"


class Lives:
    """A client of a mortal server, and a person's browser at it."""

    def __init__(self, party: RelyingParty, mortal: Mortal) -> None:
        self.party, self._mortal = party, mortal
        self.died: list[str] = []

    def visit(self) -> Browser:
        """At a server that lives."""
        self._mortal.serve(0)
        browser = Browser(self._mortal.url, host=self._mortal.host)
        browser.remembers = True
        return browser

    def tokens(self, browser: Browser) -> dict[str, Any]:
        asked = self.party.ask(scope=SCOPE)
        browser.forget_sessions()
        tokens: dict[str, Any] = self.party.token(asked, self.party.told(asked, browser.login(asked))["code"], browser.http).json()
        return tokens

    def twice(self, point: int, ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, bool]:
        """The answer of a server that dies at this point, or else of the next; and whether the first lived through it."""
        self._mortal.serve(point)
        try:
            answer = ask()
            self._mortal.serve(0)
            return answer, True
        except httpx.TransportError:
            self.died.append(self._mortal.serve(0))
            return ask(), False


@pytest.fixture(params=["client_secret_basic", "none"])
def lives(request: pytest.FixtureRequest, ground: Ground, fjordbank: House) -> Iterator[Lives]:
    scopes = ("openid", "profile", "mitid", "offline_access")
    party = fjordbank.client(
        auth_method=request.param, scopes=scopes, post_logout_redirect_uris=(BACK,), back_channel_logout_uri="http://127.0.0.1:9/logout"
    )
    mortal = Mortal(ground, party)
    made = Lives(party, mortal)
    yield made
    mortal.stop()
    show(made.died)
    assert len(made.died) > 2


def test_a_refresh_is_asked_again(lives: Lives) -> None:
    party = lives.party
    for point in range(1, MOST):
        with lives.visit() as browser:
            token = lives.tokens(browser)["refresh_token"]
            answer, lived = lives.twice(point, lambda: party.refresh(token, browser.http))  # noqa: B023  (called at once)
            assert answer.status_code == 200, (lives.died, answer.text)
            assert party.userinfo(answer.json()["access_token"], at=browser.http).status_code == 200
            assert party.refresh(answer.json()["refresh_token"], browser.http).status_code == 200
        if lived:
            return


def test_a_revocation_is_asked_again(lives: Lives) -> None:
    party = lives.party
    for point in range(1, MOST):
        with lives.visit() as browser:
            tokens = lives.tokens(browser)
            answer, lived = lives.twice(point, lambda: party.revoke(tokens["refresh_token"], browser.http))  # noqa: B023  (called at once)
            assert answer.status_code == 200, (lives.died, answer.text)
            assert party.userinfo(tokens["access_token"], at=browser.http).status_code == 401
            assert party.refresh(tokens["refresh_token"], browser.http).json()["error"] == "invalid_grant"
        if lived:
            return


def test_a_logout_is_asked_again_and_told_once(lives: Lives, books: Books) -> None:
    party = lives.party
    for point in range(1, MOST):
        with lives.visit() as browser:
            hint = lives.tokens(browser)["id_token"]
            query = urlencode({"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "s"})
            answer, lived = lives.twice(point, lambda: browser.get(f"{party.issuer}/logout?{query}"))  # noqa: B023  (called at once)
            assert answer.headers["Location"] == f"{BACK}?state=s", lives.died
            passive = party.ask(prompt="none")
            assert party.told(passive, browser.get(passive.url).headers["Location"])["error"] == "login_required"
        if lived:
            break
    ended = books.rows(
        "SELECT s.id, (SELECT count(*) FROM tenants_outboxmessage o WHERE o.ids->>'session' = s.id::text)"
        " FROM authflows_brokersession s WHERE s.ended_at IS NOT NULL"
        " AND EXISTS (SELECT FROM authflows_grant g WHERE g.session_id = s.id AND g.relying_party_id = %s)",
        party.relying_party_id,
    )
    assert [told for _, told in ended] == [1] * (len(lives.died) + 1)
    books.execute("UPDATE tenants_outboxmessage SET sent_at = now() WHERE kind = 'logout.session'")


def test_a_request_is_pushed_again(lives: Lives) -> None:
    party = lives.party
    for point in range(1, MOST):
        with lives.visit() as browser:
            asked = party.ask()
            pushed: list[Any] = []

            def push() -> httpx.Response:
                pushed.append(party.push(asked, browser.http))  # noqa: B023  (called at once)
                return httpx.Response(201)

            _, lived = lives.twice(point, push)
            assert party.token(asked, party.told(asked, browser.login(pushed[-1]))["code"], browser.http).status_code == 200
        if lived:
            return


def test_a_pushed_request_that_a_session_answers_is_answered_or_pushed_again(lives: Lives) -> None:
    """docs/logins.md: where its answer is lost it is used all the same, and nobody else can have it."""
    party = lives.party
    for point in range(1, MOST):
        with lives.visit() as browser:
            lives.tokens(browser)
            asked = party.ask()
            reference = party.push(asked, browser.http)
            answer, lived = lives.twice(point, lambda: browser.get(reference.url))  # noqa: B023  (called at once)
            if answer.status_code == 400:
                assert "invalid_request_uri" in answer.text
                asked = party.ask()
                answer = browser.get(party.push(asked, browser.http).url)
            code = party.told(asked, answer.headers["Location"])["code"]
            assert party.token(asked, code, browser.http).status_code == 200
        if lived:
            return


def test_a_rotation_of_keys_is_whole_or_has_not_been(ground: Ground, fjordbank: House) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEYS, str(fjordbank.id), "production"],
        env=ground.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    print(done.stderr)
