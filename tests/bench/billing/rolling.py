"""How many requests a second one roller counts, of 200 tenants of very different sizes, each request with its outcome."""

from __future__ import annotations

import time

from billing import usage
from billing.periods import Month
from tests.bench.billing.ground import Bench, record
from tests.bench.billing.sizes import Sizes, against

TENANTS = 200
_OUTCOMES = """
INSERT INTO request_outcome (tenant_id, operator_id, request_id, occurred_at, outcome, authenticator, level, ended_at)
SELECT tenant_id, operator_id, request_id, occurred_at, 'completed', 'app', 'substantial', occurred_at FROM usage_event
WHERE occurred_at >= %(starts)s"""
_PENDING = """
INSERT INTO usage_pending (tenant_id, request_id, what, occurred_at, recorded_at)
SELECT tenant_id, request_id, w.what, occurred_at, recorded_at FROM usage_event CROSS JOIN (VALUES ('requested'), ('completed')) w(what)
WHERE occurred_at >= %(starts)s"""


def figures(bench: Bench, sizes: Sizes) -> dict[str, object]:
    """In a month that no other part of the bench looks at."""
    month = bench.month.next().next().next()
    tenants = bench.tenants[:TENANTS]
    weights = [1 / (rank + 1) for rank in range(len(tenants))]
    events = 0
    for tenant, weight in zip(tenants, weights, strict=True):
        share = max(1, round(sizes.rolled * weight / sum(weights)))
        record(bench, tenant, month, share)
        events += share
    _wait(bench, month)
    began = time.perf_counter()
    counted = usage.roll_all(seconds=600)
    taken = time.perf_counter() - began
    assert counted == 2 * events, f"{counted} facts counted of {2 * events}"
    return {"events_per_second": against(events / taken, at_least=4_000), "facts_per_second": round(counted / taken), "events": events}


def _wait(bench: Bench, month: Month) -> None:
    with bench.owner() as owner:
        owner.execute("DELETE FROM usage_pending")
        owner.execute(_OUTCOMES, {"starts": month.starts_at})
        owner.execute(_PENDING, {"starts": month.starts_at})
        for table in ("usage_event", "request_outcome", "usage_pending"):
            owner.execute(f"VACUUM ANALYZE {table}")
