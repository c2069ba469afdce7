"""The database ends every connection between two steps of a login, as when it restarts: nobody notices."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from httpx import Response

from broker_portal.embedded import addresses
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


@pytest.fixture
def door() -> Iterator[Path]:
    """A way to the database that can be taken away from one server."""
    folder = Path(tempfile.mkdtemp(prefix="broker-door-", dir="/tmp"))
    yield folder / "run"
    shutil.rmtree(folder)


@pytest.fixture
def cut_off(ground: Ground, server: Server, door: Path) -> Iterator[Server]:
    here = str(addresses.socket_directory(ground.data_dir))
    door.symlink_to(here)
    url = ground.application_url.replace(here, str(door)) + f"&application_name={NAME}"
    cut_off = Server(ground, free_port(), background=False, DATABASE_URL=url, DATABASE_OWNER_URL=ground.owner_url)
    cut_off.start()
    yield cut_off
    cut_off.stop()


def test_without_it_every_address_says_so(cut_off: Server, server: Server, ground: Ground, party: RelyingParty, door: Path) -> None:
    with Browser(cut_off.base_url, host=server.base_url.removeprefix("http://")) as browser:
        assert browser.get(party.issuer + "/jwks").status_code == 200
        door.unlink()
        with psycopg.connect(ground.superuser_url) as superuser:
            superuser.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", [NAME])
        for _ in range(6):
            answers = [browser.get(party.issuer + path) for path in ("/jwks", "/authorize?client_id=x", "/login/" + "x" * 22)]
            for answer in answers:
                assert answer.status_code in (403, 503), answer.text
                assert answer.headers["Trace-Id"]
            assert answers[0].json()["error"] == "server_error"
            assert answers[1].headers["Retry-After"]
