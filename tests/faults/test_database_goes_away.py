"""The database drops every connection between two steps of a login: a clear answer, and the next try works."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import connection
from httpx import Response

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground
from tests.harness.server import Server

# As many as a server has threads: each finds its own connection broken once.
TRIES = 9


@pytest.fixture(autouse=True)
def _own_connection(committed: None) -> Iterator[None]:
    """This process's connection is cut like the server's."""
    yield
    connection.close()


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    return fjordbank.client()


def test_every_step_survives_it(ground: Ground, server: Server, party: RelyingParty, books: Books) -> None:
    unavailable = 0

    def until_answered(ask: Callable[[], Response]) -> Response:
        nonlocal unavailable
        with psycopg.connect(ground.superuser_url) as superuser:
            superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'broker_app'")
        for _ in range(TRIES):
            answer = ask()
            if answer.status_code != 503:
                return answer
            unavailable += 1
            assert int(answer.headers["Retry-After"]) <= 10
            assert answer.headers["Trace-Id"]
        raise AssertionError("the server did not recover")

    with Browser(server.base_url) as browser:
        asked = party.ask()
        begun = until_answered(lambda: browser.get(asked.url))
        box = until_answered(lambda: browser.get(begun.headers["Location"]))
        step = until_answered(lambda: browser.submit(box, user_id="auto-approve"))
        end = until_answered(lambda: browser.get(step.headers["Location"]))
        code = party.told(asked, end.headers["Location"])["code"]
        tokens = until_answered(lambda: party.token(asked, code))
        userinfo = until_answered(lambda: party.userinfo(tokens.json()["access_token"]))
        assert until_answered(lambda: browser.get(party.issuer + "/jwks")).status_code == 200
        assert until_answered(lambda: browser.get(party.issuer + "/simulator/phone?user_id=freja")).status_code == 200
    assert userinfo.json()["name"] == "Agnes Automatisk"
    assert unavailable
    assert books.of(party).agreed == 1
