"""What each step of a login asks of the database: `python -m tests.bench.statements ISSUER CLIENT_ID CLIENT_SECRET` prints it as JSON.

The application is called in this process, with counters around its steps; a first login warms it, the second is counted. A durable commit
is the end of a transaction that wrote. The simulator's own statements are counted apart: a real core's happen elsewhere.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from tests.bench import flows
from tests.bench.flows import Client
from tests.bench.visitor import Answer, Visitor
from tests.harness.ground import Ground

WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+\w+", re.IGNORECASE)
SIMULATOR = "authflows_simulat"


class Counters:
    """Statements, and transactions that wrote, of ours and of the simulator."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self._writing = False
        self._whose = ""

    def install(self) -> None:
        from authflows.pipeline import Step

        execute, send = Step.execute, Step.send

        def counted(step: Step, sql: str, *args: Any, **kwargs: Any) -> Any:
            self._statement(sql)
            return execute(step, sql, *args, **kwargs)

        def sent(self_: Step) -> None:
            send(self_)
            self.now[f"{self._whose}commits"] += self._writing
            self._writing = False

        Step.execute = counted  # type: ignore[method-assign]
        Step.send = sent  # type: ignore[method-assign, assignment]

    def _statement(self, sql: str) -> None:
        self._whose = "simulator_" if SIMULATOR in sql else ""
        self._writing |= bool(WRITES.search(sql))
        self.now[f"{self._whose}statements"] += 1


class InProcess:
    """The WSGI application as a connection."""

    def __init__(self, base_url: str) -> None:
        from broker_portal.wsgi import application

        self._application, self._host = application, urlsplit(base_url).netloc

    def send(self, method: str, target: str, body: str, headers: Mapping[str, str]) -> Answer:
        from django.test import RequestFactory

        extra: dict[str, Any] = {
            f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if name != "Content-Type"
        }
        kind = headers.get("Content-Type", "application/octet-stream")
        request = RequestFactory(HTTP_HOST=self._host, **extra).generic(method, target, body, content_type=kind)
        told: list[tuple[str, str]] = []
        status: list[int] = []

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            status.append(int(line.split()[0]))
            told.extend(headers)

        answer = self._application(request.environ | {"wsgi.input": BytesIO(body.encode())}, start)
        text = b"".join(answer).decode()
        getattr(answer, "close", lambda: None)()
        cookies = tuple(value for name, value in told if name == "Set-Cookie")
        return Answer(status[0], dict(told).get("Location", ""), cookies, text)

    def close(self) -> None:
        pass


def steps(client: Client, base_url: str) -> dict[str, dict[str, int]]:
    """By step: what a warm process asks."""
    counters = Counters()
    visitor = Visitor(InProcess(base_url))
    for _ in flows.ours(client, visitor):
        pass
    visitor.cookies.clear()  # else the session would answer
    counters.install()
    found = {}
    for step in flows.ours(client, visitor):
        found[step] = {name: counters.now[name] for name in ("statements", "commits", "simulator_statements", "simulator_commits")}
        counters.now.clear()
    return found


def counted(ground: Ground, client: Client) -> dict[str, dict[str, int]]:
    """The same, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.statements", client.issuer, client.client_id, client.client_secret]
    done = subprocess.run(command, env=ground.environment(), capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    told: dict[str, dict[str, int]] = json.loads(done.stdout.splitlines()[-1])
    return told


if __name__ == "__main__":
    import django

    django.setup()
    issuer, client_id, client_secret = sys.argv[1:]
    base = f"{urlsplit(issuer).scheme}://{urlsplit(issuer).netloc}"
    print(json.dumps(steps(Client(issuer, "/authorize", "/token", "/userinfo", client_id, client_secret), base)))
