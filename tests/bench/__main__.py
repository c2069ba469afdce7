"""`make bench`: what a login costs, as ratios to other providers measured in the same run, and what billing does (docs/performance.md).

One JSON document. `python -m tests.bench.billing` is the second part alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import psycopg

from tests.bench import accounting, rounds, servers, starting, statements, waiting
from tests.bench.servers import NODE, Anchor, Candidate
from tests.harness import node
from tests.harness.ground import Ground
from tests.harness.server import Server

# Durable, as in production.
SETTINGS = {"fsync": "on", "synchronous_commit": "on"}
# Node becomes faster over its first 1,000 to 2,000 logins.
WARM_UP = 500
AFTER_ANALYSIS = 100


def main() -> int:
    if not sys.platform.startswith("linux"):
        print("make bench reads /proc and so runs on Linux only", file=sys.stderr)
        return 2
    arguments = _arguments()
    if problem := node.install(NODE):
        print(problem, file=sys.stderr)
        return 1
    ground = Ground(SETTINGS)
    try:
        ground.start()
        with _candidates(ground) as (ours, memory, postgres):
            figures = _figures(ground, arguments, ours, memory, postgres)
    finally:
        ground.stop()
    figures["second_start"] = starting.seconds()
    figures |= _billing(arguments.quick)
    print(json.dumps(figures, indent=2))
    return 0


def _billing(quick: bool) -> dict[str, Any]:
    """In a process and a database of its own."""
    argv = [sys.executable, "-m", "tests.bench.billing", *(["--quick"] if quick else [])]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--logins", type=int, default=200, help="per candidate and round")
    parser.add_argument("--memory", type=int, default=10_000, help="logins before a worker's memory is read again")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 100 logins, memory after 500")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.logins, arguments.memory = 3, 100, 500
    return arguments


@contextmanager
def _candidates(ground: Ground) -> Iterator[tuple[Candidate, Candidate, Candidate]]:
    """Ours without worker and beat, which no login asks, and the two anchors."""
    with ExitStack() as stack:
        server = Server(ground, ground.port, background=False)
        server.start()
        stack.callback(server.stop)
        found = [servers.ours(ground, server)]
        for storage in ("memory", "postgres"):
            anchor = Anchor(ground, storage)
            anchor.start()
            stack.callback(anchor.stop)
            found.append(anchor.candidate(f"oidc-provider in {storage}"))
        yield found[0], found[1], found[2]


def _figures(ground: Ground, arguments: argparse.Namespace, ours: Candidate, memory: Candidate, postgres: Candidate) -> dict[str, Any]:
    slow = replace(ours, name="ours, waiting for the app", login=waiting.ours)
    candidates = [ours, memory, postgres, slow]
    for candidate in candidates:
        rounds.log_in_many(candidate, WARM_UP)
    _analyse(ground)
    for candidate in candidates:
        rounds.log_in_many(candidate, AFTER_ANALYSIS)
    measured = rounds.interleaved(candidates, ground.postmaster, arguments.rounds, arguments.logins)
    return {
        "versions": servers.versions(ground),
        "rounds": arguments.rounds,
        "logins_per_round": arguments.logins,
        "requests_per_login": {candidate.name: candidate.requests for candidate in candidates},
        "cpu_per_login": {candidate.name: rounds.summary(measured, candidate.name) for candidate in candidates},
        "ratio_to_memory": rounds.ratio(measured, ours.name, memory.name),
        "ratio_to_postgres": rounds.ratio(measured, ours.name, postgres.name),
        "waiting_20_s": {
            "polls": waiting.POLLS,
            "ratio_to_login": rounds.ratio(measured, slow.name, ours.name),
            "ratio_to_memory": rounds.ratio(measured, slow.name, memory.name),
        },
        "statements_per_step": statements.counted(ground, ours.client),
        "worker_memory": _memory(ours, arguments.memory),
    }


def _analyse(ground: Ground) -> None:
    """What autovacuum does in a database's first minute: until then its plans are made for empty tables."""
    for database in ("broker", servers.ANCHOR_DATABASE):
        with psycopg.connect(ground.superuser_url, dbname=database, autocommit=True) as connection:
            connection.execute("ANALYZE")


def _memory(ours: Candidate, logins: int) -> dict[str, float]:
    """PSS of the largest web worker, before and after."""
    before = max(accounting.pss_mb(pid) for pid in servers.workers(ours.pid))
    rounds.log_in_many(ours, logins)
    after = max(accounting.pss_mb(pid) for pid in servers.workers(ours.pid))
    return {"logins": logins, "before_mb": round(before, 1), "after_mb": round(after, 1), "ratio": round(after / before, 3)}


if __name__ == "__main__":
    sys.exit(main())
