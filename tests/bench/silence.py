"""What an upstream that falls silent costs those who log in by something else: their p95 against a run in which it answers."""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.bench.flows import REDIRECT_URI, Client
from tests.bench.servers import Candidate
from tests.bench.visitor import Visitor
from tests.doubles.hostile_upstream import CLIENT_ID, SECRET, Hostile, hostile
from tests.harness.ground import Ground

SILENCES = (0.1, 1.0, 5.0, 60.0)
OTHERS, THERE = 2, 4  # people at once
TENANT = "havneby"


def measured(ground: Ground, ours: Candidate, seconds: float) -> dict[str, dict[str, float]]:
    """By seconds of silence: p95 in ms of a login's requests of the others, and its ratio to the run without."""
    with hostile() as upstream:
        client = _connected(ground, upstream)
        _run(ours, client, upstream, 0, 3)
        found = {}
        for silence in SILENCES:
            # Each against a run of its own, just before: the machine is never the same for long.
            without, fault = (_run(ours, client, upstream, each, seconds) for each in (0, silence))
            found[f"{silence} s"] = {"p95_ms": round(fault, 2), "without_ms": round(without, 2), "ratio": round(fault / without, 2)}
        return found


def _connected(ground: Ground, upstream: Hostile) -> Client:
    where = ("--tenant", TENANT, "--environment", "test")
    _managed(ground, "provision_client", *where, "--name", "Netbank", "--redirect-uri", REDIRECT_URI)
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(SECRET)
        secret.flush()
        named = ("--name", "Hub", "--method", "hub", "--issuer", upstream.issuer, "--client-id", CLIENT_ID)
        _managed(ground, "connect_upstream", *where, *named, "--secret-file", str(Path(secret.name)))
    told = _managed(ground, "provision_client", *where, "--name", "Hub", "--redirect-uri", REDIRECT_URI, "--setting", "method=hub")
    return Client(told["issuer"], "/authorize", "/token", "/userinfo", told["client_id"], told["client_secret"])


def _managed(ground: Ground, *arguments: str) -> dict[str, str]:
    done = ground.manage(*arguments, "--json")
    if done.returncode:
        raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stderr}")
    told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return told


def _run(ours: Candidate, client: Client, upstream: Hostile, silence: float, seconds: float) -> float:
    """The others' p95 in milliseconds, while people come back from the upstream as fast as they can."""
    upstream.silent = {"token": silence}
    ends, taken, failures = time.monotonic() + seconds, list[float](), list[BaseException]()
    threads = [threading.Thread(target=_others, args=(ours, ends, taken, failures)) for _ in range(OTHERS)]
    threads += [threading.Thread(target=_there, args=(ours.visitor(), client, upstream, ends), daemon=True) for _ in range(THERE)]
    for thread in threads:
        thread.start()
    for thread in threads[:OTHERS]:
        thread.join()
    for thread in threads[OTHERS:]:
        thread.join(10)
    if failures:
        raise failures[0]
    return statistics.quantiles(taken, n=20, method="inclusive")[-1] * 1000


def _others(ours: Candidate, ends: float, taken: list[float], failures: list[BaseException]) -> None:
    visitor = ours.visitor()
    try:
        while time.monotonic() < ends:
            visitor.cookies.clear()
            before = time.perf_counter()
            for _ in ours.login(ours.client, visitor):
                taken.append(time.perf_counter() - before)
                before = time.perf_counter()
    except Exception as failure:
        failures.append(failure)
    finally:
        visitor.connection.close()


def _there(visitor: Visitor, client: Client, upstream: Hostile, ends: float) -> None:
    """Whoever meets a page that asks again waits as it says; whoever meets an error begins again."""
    with suppress(RuntimeError, OSError):
        while time.monotonic() < ends:
            visitor.cookies.clear()
            shown = visitor.get(client.authorization("v" * 43), status=303)
            sent = visitor.get(shown.location, status=303)
            back = visitor.get(upstream.answer(sent.location), status=303)
            while time.monotonic() < ends and visitor.ask(back.location).status == 200:
                time.sleep(2)
    visitor.connection.close()
