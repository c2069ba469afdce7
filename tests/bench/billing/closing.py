"""A month of many accounts drafted, approved and issued by two worker processes behind the real queue."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from billing import tasks
from billing.models import Document
from billing.months import APPROVE, CLOSE, ISSUE
from billing.periods import Month
from broker_portal.embedded import programs
from broker_portal.embedded.processes import Child
from tenants.isolation import operator_scope
from tenants.models import Work, WorkState
from tests.bench import accounting
from tests.bench.billing import bare
from tests.bench.billing.ground import Bench, use
from tests.bench.billing.sizes import Sizes, against

PATIENCE = 1_800
MORE = 10


def figures(bench: Bench, sizes: Sizes) -> dict[str, object]:
    month, scale = bench.month, sizes.accounts / 5_000
    use(bench, month.first, month.last, sizes.requests)
    with _workers(bench) as memory:
        idle = memory.peak()
        seconds = {name: _timed(bench, month, kind, ask) for name, kind, ask in _steps(bench, month)}
        taken = sum(seconds.values())
        peak = memory.peak()
        documents = _documents(bench, month)
        again = sum(_timed(bench, month, kind, ask) for _, kind, ask in _steps(bench, month))
        made_again = _documents(bench, month) - documents
    plain = bare.seconds(bench, month)
    return {
        "accounts": sizes.accounts,
        "requests": sizes.requests,
        "documents": documents,
        "seconds": against(taken, at_most=60 * scale),
        "seconds_per_step": {name: round(value, 2) for name, value in seconds.items()},
        "ms_per_account": round(taken * 1000 / sizes.accounts, 2),
        "ratio_to_bare_loop": against(taken / plain, at_most=3),
        "bare_loop_seconds": round(plain, 2),
        "second_run_seconds": against(again, at_most=15 * scale),
        "second_run_documents": against(made_again, at_most=0),
        "memory_above_idle_mb": {"1x": against(peak - idle, at_most=80), "10x": against(_ten_times(bench, sizes), at_most=80)},
        "idle_worker_mb": round(idle, 1),
    }


def _ten_times(bench: Bench, sizes: Sizes) -> float:
    """MB above the idle worker while a month with ten times the requests, in ten times the rows, is drafted."""
    month = bench.month.next()
    use(bench, month.first, month.last, MORE * sizes.requests, times=MORE)
    with _workers(bench) as memory:
        idle = memory.peak()
        _timed(bench, month, CLOSE, lambda: tasks.draft_month(bench.tenants, month))
        return memory.peak() - idle


def _steps(bench: Bench, month: Month) -> list[tuple[str, str, Callable[[], None]]]:
    return [
        ("draft", CLOSE, lambda: tasks.draft_month(bench.tenants, month)),
        ("approve", APPROVE, lambda: tasks.approve_month(bench.operator.id, month, by="staff:bench")),
        ("issue", ISSUE, lambda: tasks.issue_month(bench.operator.id, month)),
    ]


def _timed(bench: Bench, month: Month, kind: str, ask: Callable[[], None]) -> float:
    """Until none of the work is left."""
    began = time.perf_counter()
    ask()
    rows = Work.objects.filter(kind=kind, key__startswith=f"{month}:")
    while rows.exclude(state=WorkState.DONE).exists():
        if rows.filter(state=WorkState.FAILED).exists() or time.perf_counter() - began > PATIENCE:
            raise RuntimeError(f"{kind}: {list(rows.exclude(state=WorkState.DONE).values_list('state', 'error')[:5])}")
        time.sleep(0.1)
    taken = time.perf_counter() - began
    print(f"{kind} of {len(bench.tenants)} accounts: {taken:.1f} s", file=sys.stderr, flush=True)
    return taken


def _documents(bench: Bench, month: Month) -> int:
    with operator_scope(bench.operator.id, "bench"):
        ours = [tenant.id for tenant in bench.tenants]
        return Document.objects.filter(tenant_id__in=ours, idempotency_key__startswith=f"usage:{month}:").count()


class Memory:
    """The largest process of a worker, looked at every 200 ms."""

    def __init__(self, worker: Child) -> None:
        self._worker, self._peak, self._ended = worker, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _now(self) -> float:
        found = [0.0]
        for pid in accounting.descendants(self._worker.pid):
            try:
                found.append(accounting.pss_mb(pid))
            except (OSError, LookupError):
                continue
        return max(found)

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self._peak = max(self._peak, self._now())

    def peak(self) -> float:
        """Since the last time that it was asked for."""
        found, self._peak = max(self._peak, self._now()), 0.0
        return found

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@contextmanager
def _workers(bench: Bench) -> Iterator[Memory]:
    """Two worker processes that have served a task."""
    worker = programs.worker(bench.ground.data_dir, bench.ground.environment(), "redis")
    worker.argv = [part.replace("broker_portal", "tests.bench.billing.queue") if part == "broker_portal" else part for part in worker.argv]
    worker.start()
    until = time.monotonic() + 60
    while len(accounting.descendants(worker.pid)) < 2 and time.monotonic() < until:
        time.sleep(0.2)
    _served()
    memory: Any = Memory(worker)
    try:
        yield memory
    finally:
        memory.end()
        worker.stop()


def _served() -> None:
    """Enough that each of the two has had one."""
    for _ in range(8):
        tasks.sweep.delay()
    time.sleep(5)
