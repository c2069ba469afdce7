"""An upstream that lies, babbles, breaks off or says nothing: the page says so, the log says which check failed, nothing is believed.

The product runs in this process, so that what it remembers of an upstream begins empty with each story.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from pytest_django.plugin import DjangoDbBlocker

from authflows import configuration
from authflows.levels import NSIS
from authflows.upstream.oidc import calls, metadata
from tests.doubles.browser import Browser
from tests.doubles.hostile_upstream import CLIENT_ID, SECRET, Hostile, hostile
from tests.doubles.houses import Books, House, open_house
from tests.doubles.keyholder import new_key
from tests.doubles.relying_party import Asked, RelyingParty
from tests.harness.server import Server


@dataclass(frozen=True)
class Sent:
    asked: Asked
    address: str
    back: str


@pytest.fixture(scope="module")
def nordbank(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> House:
    return open_house(django_db_blocker, "Nordbank")


@pytest.fixture
def here(committed: None, server: Server) -> Iterator[Browser]:
    with Browser(server.base_url, transport=httpx.WSGITransport(app=get_wsgi_application())) as browser:
        yield browser
    configuration.forget()


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hostile]:
    metadata.forget()
    monkeypatch.setattr(calls, "PAUSE_SECONDS", 0.0)
    with hostile() as provider:
        yield provider


@pytest.fixture
def party(nordbank: House, there: Hostile, committed: None) -> RelyingParty:
    from authflows import connections
    from authflows.connections import Credentials, Wanted
    from authflows.upstream.oidc.settings import OpenIDSettings

    tenant, environment, method = nordbank.opened.tenant, nordbank.opened.test, f"hub-{uuid.uuid4().hex[:8]}"
    settings = OpenIDSettings(there.issuer, CLIENT_ID, seconds=1.0)
    connection = connections.connect(tenant.operator, Wanted(method, method, settings))
    connections.grant(tenant, environment, connection, Credentials(secret=SECRET), actor="test")
    return nordbank.client(methods=(method,))


@pytest.fixture
def sent(here: Browser, there: Hostile, party: RelyingParty) -> Sent:
    asked = party.ask()
    address = here.begin(asked)
    location = here.get(address).headers["Location"]
    assert location.startswith(there.issuer)
    return Sent(asked, address, there.answer(location))


@pytest.fixture
def refused(here: Browser, sent: Sent, caplog: pytest.LogCaptureFixture) -> Callable[[str], None]:
    def check(reason: str) -> None:
        with caplog.at_level(logging.INFO, "authflows"):
            page = here.get(here.get(sent.back).headers["Location"])
        assert (page.status_code, page.headers.get("Location")) == (503, None)
        assert "<code>core_result</code>" in page.text
        assert page.headers["Trace-Id"] in page.text
        assert any(page.headers["Trace-Id"] in line and reason in line for line in caplog.messages), caplog.messages

    return check


def test_what_is_in_order_logs_somebody_in(here: Browser, sent: Sent, party: RelyingParty) -> None:
    tokens = party.redeem(sent.asked, here.finish(here.get(sent.back)))
    assert party.claims(tokens["id_token"])["acr"] == NSIS + "Substantial"


CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"nonce": "another"}, "id_token: nonce"),
    ({"nonce": None}, "id_token: nonce"),
    ({"iss": "https://elsewhere.example"}, "id_token: iss"),
    ({"aud": "somebody-else"}, "id_token: aud"),
    ({"aud": [CLIENT_ID, "another"]}, "id_token: azp"),
    ({"exp": 1}, "id_token: exp"),
    ({"exp": None}, "id_token: exp"),
    ({"iat": "now"}, "id_token: iat"),
    ({"sub": ""}, "id_token: sub"),
    ({"auth_time": 1}, "id_token: auth_time"),
    ({"birthdate": "the day before"}, "birthdate is not a date"),
]


@pytest.mark.parametrize(("claims", "reason"), CLAIMS, ids=[f"{claims}" for claims, _ in CLAIMS])
def test_an_id_token_that_answers_something_else(
    claims: dict[str, Any], reason: str, there: Hostile, sent: Sent, refused: Callable[[str], None]
) -> None:
    there.claims = claims
    refused(reason)


BODIES: list[tuple[str, tuple[int, bytes], str]] = [
    ("token", (200, b"<!doctype html><h1>Maintenance</h1>"), "token: status 200, not JSON"),
    ("token", (200, b'{"id_token":'), "token: status 200, not JSON"),
    ("token", (200, b"[]"), "token: not a JSON object"),
    ("token", (200, b"{}"), "id_token: not a signed JWT"),
    ("token", (200, b'{"x": "' + b"x" * 4_000_000 + b'"}'), "token: 127.0.0.1: the answer is larger"),
    ("token", (200, b"[" * 100_000), "token: status 200, not JSON"),
    ("token", (401, b'{"error": "invalid_client"}'), "token: status 401 invalid_client"),
    ("jwks", (200, b"{}"), "keys: "),
    ("jwks", (200, json.dumps({"keys": [{}] * 31}).encode()), "keys: more than 30"),
    ("userinfo", (200, b'{"sub": "somebody"}'), "userinfo: sub is somebody else"),
    ("userinfo", (500, b"{}"), "userinfo: status 500"),
]


@pytest.mark.parametrize(("path", "body", "reason"), BODIES, ids=[f"{path} {reason}" for path, _, reason in BODIES])
def test_an_answer_that_is_none(
    path: str, body: tuple[int, bytes], reason: str, there: Hostile, sent: Sent, refused: Callable[[str], None]
) -> None:
    there.bodies[path] = body
    refused(reason)


@pytest.mark.parametrize("path", ["token", "jwks", "userinfo"])
def test_a_connection_that_breaks_off(path: str, there: Hostile, sent: Sent, refused: Callable[[str], None]) -> None:
    there.reset.add(path)
    refused("ConnectionResetError")


def test_silence_is_waited_for_no_longer_than_the_connection_says(there: Hostile, sent: Sent, refused: Callable[[str], None]) -> None:
    there.silent["token"] = 5
    before = time.monotonic()
    refused("token: no answer in time")
    assert time.monotonic() - before < 2.5


def test_whoever_answers_late_but_in_time_is_heard(here: Browser, there: Hostile, sent: Sent, party: RelyingParty) -> None:
    there.silent["token"] = 0.3
    assert party.told(sent.asked, here.finish(here.get(sent.back)))["code"]


@pytest.mark.parametrize(("seconds", "believed"), [(-90, False), (-30, True), (30, True), (90, False)])
def test_a_clock_that_is_wrong(
    seconds: float, believed: bool, here: Browser, there: Hostile, sent: Sent, party: RelyingParty, refused: Callable[[str], None]
) -> None:
    there.clock = seconds
    if believed:
        assert party.told(sent.asked, here.finish(here.get(sent.back)))["code"]
    else:
        refused("id_token: iat")


def test_twenty_six_keys(here: Browser, there: Hostile, sent: Sent, party: RelyingParty) -> None:
    there.key = new_key("last")
    there.published = [*(new_key(f"k{number}") for number in range(25)), there.key]
    assert party.told(sent.asked, here.finish(here.get(sent.back)))["code"]


def test_rotated_keys_are_asked_for_once_and_then_left_alone(
    here: Browser, there: Hostile, party: RelyingParty, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.finish(here.get(sent.back))
    assert there.calls["jwks"] == 1
    there.key = new_key("two")
    monkeypatch.setattr(metadata, "AGAIN_SECONDS", 0)
    assert "code=" in _again(here, there, party)
    assert there.calls["jwks"] == 2
    monkeypatch.setattr(metadata, "AGAIN_SECONDS", 10)
    there.key, there.published = new_key("unpublished"), [there.key]
    for _ in range(3):
        asked = party.ask()
        location = here.get(here.begin(asked)).headers["Location"]
        assert here.get(here.get(there.answer(location)).headers["Location"]).status_code == 503
    assert there.calls["jwks"] == 2


def _again(here: Browser, there: Hostile, party: RelyingParty) -> str:
    location = here.get(here.begin(party.ask())).headers["Location"]
    return here.finish(here.get(there.answer(location)))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("openid-configuration", (200, b"<html>")),
        ("openid-configuration", (503, b"{}")),
        ("openid-configuration", (200, b'{"issuer": "x"}')),
    ],
)
def test_an_upstream_that_does_not_say_where_it_is_costs_nothing(
    path: str, body: tuple[int, bytes], here: Browser, there: Hostile, party: RelyingParty, books: Books
) -> None:
    there.bodies[path] = body
    asked = party.ask()
    told = party.told(asked, here.finish(here.get(here.begin(asked))))
    assert (told["error"], told["error_description"]) == ("temporarily_unavailable", "mitid_core_client_error")
    assert (books.of(party).events, books.of(party).accepted) == (0, 0)


def test_no_more_ask_at_once_than_may_and_the_others_wait_on_a_page(
    here: Browser, there: Hostile, sent: Sent, party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.silent["token"] = 5
    monkeypatch.setattr(calls, "PAUSE_SECONDS", 30.0)
    address = here.get(sent.back).headers["Location"]
    assert here.get(address).status_code == 503
    before = time.monotonic()
    page = here.get(address)
    assert (page.status_code, page.headers["Refresh"]) == (200, "2")
    assert time.monotonic() - before < 0.5
    for line in calls._lines.values():
        line.silent_until = 0.0
    there.silent.clear()
    assert party.told(sent.asked, here.finish(here.get(address)))["code"]
