"""A day's counts made right from the facts, because a person said so and why. Nothing else repairs counts (decision 20).

Rows that are posted to a closed month never change: what a document charged can be counted again for ever, so a difference is posted to the
first open month, like usage that came late.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db import connection

from billing import recount, usage
from billing.issuing import Refused
from billing.periods import starts_at
from tenants import audit
from tenants.ids import lower_bound
from tenants.isolation import tenant_scope

_KEY = "operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client, what"
# Every fact of the day by hour; the outcome of a voided request is taken back.
_FACTS = """
SELECT e.operator_id, e.environment_id, e.relying_party_id, e.connection_id, e.action, e.usage_model, e.core_client, f.what,
       date_trunc('hour', e.occurred_at, 'UTC') AS hour, count(*) AS n
FROM usage_event e
LEFT JOIN request_outcome o ON o.tenant_id = e.tenant_id AND o.request_id = e.request_id AND o.occurred_at = e.occurred_at
LEFT JOIN request_void v ON v.tenant_id = e.tenant_id AND v.request_id = e.request_id AND v.occurred_at = e.occurred_at
CROSS JOIN LATERAL (VALUES ('requested', true), (o.outcome, v.request_id IS NULL), ('voided', v.request_id IS NOT NULL)) f(what, counts)
WHERE e.tenant_id = %(tenant)s AND e.occurred_at >= %(starts)s AND e.occurred_at < %(ends)s
  AND e.request_id >= %(first)s AND e.request_id < %(end)s AND f.counts AND f.what IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"""
_DAY = f"""
INSERT INTO usage_day AS d (tenant_id, {_KEY}, day, posted, n)
SELECT %(tenant)s, {_KEY}, %(day)s, greatest(date_trunc('month', %(day)s::timestamp)::date, %(first_open)s::date), sum(n)
FROM (SELECT {_KEY}, n FROM ({_FACTS}) facts
      UNION ALL SELECT {_KEY}, -n FROM usage_day WHERE tenant_id = %(tenant)s AND day = %(day)s) both_of_them
GROUP BY {_KEY} HAVING sum(n) <> 0
ON CONFLICT (tenant_id, day, posted, {_KEY}) DO UPDATE SET n = d.n + excluded.n"""
_HOURS = f"""
INSERT INTO usage_hour AS h (tenant_id, {_KEY}, hour, n)
SELECT %(tenant)s, {_KEY}, hour, sum(n)
FROM (SELECT {_KEY}, hour, n FROM ({_FACTS}) facts
      UNION ALL SELECT {_KEY}, hour, -n FROM usage_hour
      WHERE tenant_id = %(tenant)s AND hour >= %(starts)s AND hour < %(ends)s) both_of_them
GROUP BY {_KEY}, hour HAVING sum(n) <> 0
ON CONFLICT (tenant_id, {_KEY}, hour) DO UPDATE SET n = h.n + excluded.n"""


def rebuild(tenant_id: uuid.UUID, day: date, *, by: str, reason: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """(counts before, counts after), by what was counted; both stand in the audit trail. Raises Refused without a reason."""
    if not reason.strip():
        raise Refused("a reason is needed")
    starts, ends = starts_at(day), starts_at(day + timedelta(days=1))
    with tenant_scope(tenant_id):
        account = usage.lock_account(tenant_id)
        assert account is not None
        while usage.roll_locked(account):
            pass
        before = _counts(tenant_id, day)
        bounds = {"starts": starts, "ends": ends, "first": lower_bound(starts), "end": lower_bound(ends)}
        given: dict[str, Any] = {"tenant": tenant_id, "day": day} | bounds
        with connection.cursor() as cursor:
            cursor.execute(_DAY, given | {"first_open": usage.first_open(account)})
            cursor.execute(_HOURS, given)
        recount.recount(tenant_id, day)
        after = _counts(tenant_id, day)
        audit.record(
            tenant_id, actor=by, action="usage.rebuilt", subject=f"day:{day}", before=dict(before), after=dict(after), reason=reason
        )
    return before, after


def _counts(tenant_id: uuid.UUID, day: date) -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT what, sum(n)::bigint FROM usage_day WHERE tenant_id = %s AND day = %s GROUP BY 1 ORDER BY 1", [tenant_id, day]
        )
        return Counter(dict(cursor.fetchall()))
