"""Candidates measured side by side: in rounds, one after the other, four logins at a time; what counts are the ratios within a round."""

from __future__ import annotations

import statistics
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench import accounting
from tests.bench.servers import Candidate

AT_ONCE = 4


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds per login."""

    web: float
    postgresql: float

    @property
    def total(self) -> float:
        return self.web + self.postgresql


def log_in_many(candidate: Candidate, logins: int) -> None:
    """`logins` whole logins, AT_ONCE at a time, over as many new connections."""
    failures: list[BaseException] = []
    shares = [logins // AT_ONCE + (number < logins % AT_ONCE) for number in range(AT_ONCE)]
    threads = [threading.Thread(target=_log_in, args=(candidate, share, failures)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _log_in(candidate: Candidate, logins: int, failures: list[BaseException]) -> None:
    visitor = candidate.visitor()
    try:
        for _ in range(logins):
            candidate.log_in(visitor)
    except Exception as failure:
        failures.append(failure)
    finally:
        visitor.connection.close()


def measure(candidate: Candidate, postmaster: int, logins: int) -> Cost:
    web, postgresql = accounting.cpu_ms(candidate.pid), accounting.cpu_ms(postmaster)
    log_in_many(candidate, logins)
    return Cost((accounting.cpu_ms(candidate.pid) - web) / logins, (accounting.cpu_ms(postmaster) - postgresql) / logins)


def interleaved(candidates: Sequence[Candidate], postmaster: int, rounds: int, logins: int) -> list[dict[str, Cost]]:
    """One dict a round, by candidate's name. Each round begins with another candidate."""
    found = []
    for number in range(rounds):
        start = number % len(candidates)
        order = [*candidates[start:], *candidates[:start]]
        found.append({candidate.name: measure(candidate, postmaster, logins) for candidate in order})
        told = ", ".join(f"{name} {cost.total:.1f}" for name, cost in sorted(found[-1].items()))
        print(f"round {number + 1} of {rounds}, ms per login: {told}", file=sys.stderr, flush=True)
    return found


def ratio(rounds: Sequence[dict[str, Cost]], name: str, to: str) -> float:
    return round(statistics.median(each[name].total / each[to].total for each in rounds), 3)


def summary(rounds: Sequence[dict[str, Cost]], name: str) -> dict[str, object]:
    costs = [each[name] for each in rounds]
    low, _, high = statistics.quantiles([cost.total for cost in costs], n=4, method="inclusive")
    return {
        "web_ms": round(statistics.median(cost.web for cost in costs), 2),
        "postgresql_ms": round(statistics.median(cost.postgresql for cost in costs), 2),
        "total_ms": round(statistics.median(cost.total for cost in costs), 2),
        "quartiles_ms": [round(low, 2), round(high, 2)],
    }
