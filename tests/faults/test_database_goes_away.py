"""The database ends every connection between two steps of a login, as when it restarts: nobody notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from httpx import Response

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground, free_port
from tests.harness.server import Server

NAME = "about_to_be_cut"


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    return fjordbank.client()


@pytest.fixture
def fragile(ground: Ground, server: Server) -> Iterator[Server]:
    """A server beside the other one, whose connections can be told from everybody else's."""
    urls = {"DATABASE_URL": f"{ground.application_url}&application_name={NAME}", "DATABASE_OWNER_URL": ground.owner_url}
    fragile = Server(ground, free_port(), background=False, **urls)
    fragile.start()
    yield fragile
    fragile.stop()


def test_every_step_survives_it(fragile: Server, server: Server, ground: Ground, party: RelyingParty, books: Books) -> None:
    cut = 0

    def after_a_cut(ask: Callable[[], Response]) -> Response:
        nonlocal cut
        with psycopg.connect(ground.superuser_url) as superuser:
            ended = superuser.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", [NAME])
            cut += len(ended.fetchall())
        return ask()

    with Browser(fragile.base_url, host=server.base_url.removeprefix("http://")) as browser:
        asked = party.ask()
        begun = after_a_cut(lambda: browser.get(asked.url))
        box = after_a_cut(lambda: browser.get(begun.headers["Location"]))
        step = after_a_cut(lambda: browser.submit(box, user_id="auto-approve"))
        end = after_a_cut(lambda: browser.get(step.headers["Location"]))
        code = party.told(asked, end.headers["Location"])["code"]
        tokens = after_a_cut(lambda: party.token(asked, code, browser.http))
        userinfo = after_a_cut(lambda: party.userinfo(tokens.json()["access_token"], at=browser.http))
        assert after_a_cut(lambda: browser.get(party.issuer + "/jwks")).status_code == 200
        assert after_a_cut(lambda: browser.get(party.issuer + "/simulator/phone?user_id=freja")).status_code == 200
    assert userinfo.json()["name"] == "Agnes Automatisk"
    assert cut >= 7
    assert books.of(party).agreed == 1
