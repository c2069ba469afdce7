"""/healthz and /readyz of the running program: quick answers, whatever hangs or is gone."""

import json
import socket
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.utils import timezone

from broker_portal import health
from broker_portal.tasks import WORKER, heartbeat
from tenants.models import Heartbeat
from tests.harness.ground import Ground, free_port
from tests.harness.server import Server

NO_DATABASE = "postgresql://nobody@/nothing?host=/nowhere"


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]
    seconds: float


def ask(base_url: str, path: str) -> Answer:
    started = time.perf_counter()
    try:
        with urllib.request.urlopen(f"{base_url}{path}", timeout=10) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read()
    return Answer(status, json.loads(text), time.perf_counter() - started)


def settled(base_url: str, *reasons: str) -> Answer:
    """The answer when it names these reasons; a machine that tests many things at once has others now and then."""
    deadline = time.monotonic() + 30
    while (answer := ask(base_url, "/readyz")).body.get("reasons", []) != [*reasons] and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


@contextmanager
def web(ground: Ground, **env: str) -> Iterator[str]:
    """A web server of its own, without worker and beat."""
    server = Server(ground, free_port(), background=False, **env)
    server.start()
    try:
        yield server.base_url
    finally:
        server.stop()


@contextmanager
def silence() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener.getsockname()[1]


def assert_quick(base_url: str, path: str) -> None:
    """The promise is 100 ms; a machine that tests many things at once may miss it now and then, not usually."""
    assert statistics.median(ask(base_url, path).seconds for _ in range(9)) < 0.1


def test_an_installation_that_works_says_so(server: Server) -> None:
    assert settled(server.base_url)[:2] == (200, {"status": "ready"})
    assert ask(server.base_url, "/healthz").body == {"status": "ok"}
    assert_quick(server.base_url, "/healthz")
    assert_quick(server.base_url, "/readyz")


@pytest.mark.parametrize("database", ["gone", "silent"])
def test_without_a_database_it_is_alive_and_not_ready(ground: Ground, database: str) -> None:
    with silence() as port:
        url = NO_DATABASE if database == "gone" else f"postgresql://nobody@127.0.0.1:{port}/nothing"
        with web(ground, DATABASE_URL=url, DATABASE_OWNER_URL=url) as base_url:
            reason = "database: not reachable" if database == "gone" else "database: no answer"
            assert settled(base_url, reason)[:2] == (503, {"status": "not ready", "reasons": [reason]})
            assert_quick(base_url, "/readyz")
            assert_quick(base_url, "/healthz")
            assert ask(base_url, "/healthz").status == 200


@pytest.mark.parametrize("queue", ["gone", "silent"])
def test_without_a_queue_it_is_not_ready(ground: Ground, server: Server, queue: str) -> None:
    settled(server.base_url)
    with silence() as port:
        url = "redis+socket:///nowhere/broker.sock" if queue == "gone" else f"redis://127.0.0.1:{port}/0"
        with web(ground, CELERY_BROKER_URL=url) as base_url:
            reason = "queue: not reachable" if queue == "gone" else "queue: no answer"
            assert settled(base_url, reason)[:2] == (503, {"status": "not ready", "reasons": [reason]})
            assert_quick(base_url, "/readyz")


def reason_of_the_database() -> str:
    try:
        health.examine_database()
    except health.Unready as reason:
        return str(reason)
    return ""


def test_a_worker_that_has_not_worked_lately_is_missed(db: None) -> None:
    Heartbeat.objects.all().delete()
    assert reason_of_the_database() == "worker: no heartbeat"
    heartbeat()
    assert reason_of_the_database() == ""
    Heartbeat.objects.filter(name=WORKER).update(at=timezone.now() - timedelta(seconds=60))
    assert reason_of_the_database() == "worker: no heartbeat"


def test_migrations_that_wait_are_counted(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat()
    known = health.known_migrations()
    assert ("tenants", "0001_initial") in known
    assert ("account", "0001_initial") in known
    monkeypatch.setattr(health, "known_migrations", lambda: known | {("tenants", "0999_next")})
    assert reason_of_the_database() == "migrations: 1 not applied"
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        assert set(cursor.fetchall()) >= known


def test_a_probe_that_hangs_costs_one_thread() -> None:
    release = threading.Event()
    begun: list[int] = []

    def hang() -> None:
        begun.append(1)
        release.wait(10)

    probe = health.Probe("upstream", hang)
    for _ in range(5):
        probe.start()
        assert probe.reason(time.monotonic() + 0.01) == "upstream: no answer"
    assert begun == [1]
    release.set()
    deadline = time.monotonic() + 5
    while probe.reason(time.monotonic() + 0.1) and time.monotonic() < deadline:
        pass
    probe.start()
    assert probe.reason(time.monotonic() + 5) == ""


def test_what_a_probe_found_out_is_not_told_to_everybody(caplog: pytest.LogCaptureFixture) -> None:
    def refused() -> None:
        raise ConnectionError("connection to 10.0.0.5 as broker_app failed")

    probe = health.Probe("database", refused)
    probe.start()
    assert probe.reason(time.monotonic() + 5) == "database: not reachable"
    assert "10.0.0.5" in caplog.text
