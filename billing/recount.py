"""Counts checked against the facts that they are of. A difference stops a month from closing and is repaired by a person only."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from billing.models import UsageRecount
from billing.periods import starts_at
from tenants.ids import lower_bound
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Tenant

# Both sides in one statement, so in one snapshot: what is recorded, and what is counted or still waits to be.
_RECOUNT = """
WITH facts AS (
    SELECT e.relying_party_id, e.environment_id, e.operator_id, e.connection_id, e.action, e.usage_model, e.core_client, f.what, f.n
    FROM usage_event e
    LEFT JOIN request_outcome o ON o.tenant_id = e.tenant_id AND o.request_id = e.request_id AND o.occurred_at = e.occurred_at
    LEFT JOIN request_void v ON v.tenant_id = e.tenant_id AND v.request_id = e.request_id AND v.occurred_at = e.occurred_at
    CROSS JOIN LATERAL (
        VALUES ('requested', 1), (o.outcome, CASE WHEN v.request_id IS NULL THEN 1 ELSE 0 END), ('voided', (v.request_id IS NOT NULL)::int)
    ) f(what, n)
    WHERE e.tenant_id = %(tenant)s AND e.occurred_at >= %(starts)s AND e.occurred_at < %(ends)s
      AND e.request_id >= %(first)s AND e.request_id < %(end)s AND f.what IS NOT NULL AND f.n <> 0),
waiting AS (
    SELECT e.relying_party_id, e.environment_id, e.operator_id, e.connection_id, e.action, e.usage_model, e.core_client, f.what, f.n
    FROM usage_pending p
    JOIN usage_event e ON e.tenant_id = p.tenant_id AND e.request_id = p.request_id AND e.occurred_at = p.occurred_at
    LEFT JOIN request_outcome o ON o.tenant_id = p.tenant_id AND o.request_id = p.request_id AND o.occurred_at = p.occurred_at
    LEFT JOIN request_void v ON v.tenant_id = p.tenant_id AND v.request_id = p.request_id AND v.occurred_at = p.occurred_at
    -- Both told, one of them waiting: the outcome is taken back with the later one, once.
    CROSS JOIN LATERAL (VALUES (p.what, 1), (o.outcome, CASE
        WHEN v.request_id IS NULL OR p.what = 'requested' THEN 0
        WHEN p.what = 'voided' THEN -1
        WHEN EXISTS (SELECT FROM usage_pending q
                     WHERE q.tenant_id = p.tenant_id AND q.request_id = p.request_id AND q.what = 'voided') THEN 0
        ELSE -1 END)) f(what, n)
    WHERE p.tenant_id = %(tenant)s AND p.request_id >= %(first)s AND p.request_id < %(end)s AND f.what IS NOT NULL AND f.n <> 0),
counted AS (
    SELECT relying_party_id, environment_id, operator_id, connection_id, action, usage_model, core_client, what, n
    FROM usage_day WHERE tenant_id = %(tenant)s AND day = %(day)s)
SELECT coalesce(r.what, c.what), coalesce(r.relying_party_id, c.relying_party_id)::text, coalesce(r.n, 0)::bigint, coalesce(c.n, 0)::bigint
FROM (SELECT relying_party_id, environment_id, operator_id, connection_id, action, usage_model, core_client, what, sum(n) AS n
      FROM facts GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) r
FULL JOIN (SELECT relying_party_id, environment_id, operator_id, connection_id, action, usage_model, core_client, what, sum(n) AS n
           FROM (SELECT * FROM counted UNION ALL SELECT * FROM waiting) both_of_them GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) c
USING (relying_party_id, environment_id, operator_id, connection_id, action, usage_model, core_client, what)
WHERE coalesce(r.n, 0) <> coalesce(c.n, 0) ORDER BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A count that is not what the facts say."""

    day: date
    what: str
    relying_party_id: str
    recorded: int
    counted: int

    def __str__(self) -> str:
        return f"{self.day}: {self.recorded} {self.what} recorded, {self.counted} counted"


_NOTE = """
INSERT INTO usage_recount AS r (tenant_id, operator_id, day, touches, counted_at, differences)
SELECT id, operator_id, %(day)s, 0, CASE WHEN %(right)s THEN now() END, %(differences)s FROM tenants_tenant WHERE id = %(tenant)s
ON CONFLICT (tenant_id, day) DO UPDATE SET counted_at = excluded.counted_at, differences = excluded.differences
WHERE r.touches = %(touches)s"""

# A day with facts and no note is one that nothing was ever counted of.
_DUE = """
SELECT d.day FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(first)s::uuid[], %(end)s::uuid[])
    AS d(day, starts, ends, first, "end")
LEFT JOIN usage_recount r ON r.tenant_id = %(tenant)s AND r.day = d.day
WHERE (r.day IS NOT NULL AND r.counted_at IS NULL) OR (r.day IS NULL AND EXISTS (
    SELECT FROM usage_event e
    WHERE e.tenant_id = %(tenant)s AND e.request_id >= d.first AND e.request_id < d."end"
      AND e.occurred_at >= d.starts AND e.occurred_at < d.ends))
ORDER BY d.day"""


def recount(tenant_id: uuid.UUID, day: date) -> list[Difference]:
    """Counts a day again from its facts, in the caller's tenant scope, and notes when. Repairs nothing."""
    starts, ends = starts_at(day), starts_at(day + timedelta(days=1))
    # A batch that is rolled in from here on leaves the day to be recounted.
    touches = UsageRecount.objects.of(tenant_id).filter(day=day).values_list("touches", flat=True).first() or 0
    bounds: dict[str, Any] = {"starts": starts, "ends": ends, "first": lower_bound(starts), "end": lower_bound(ends)}
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, bounds | {"tenant": tenant_id, "day": day})
        found = [Difference(day, *row) for row in cursor.fetchall()]
        stated = Jsonb([{"what": d.what, "relying_party": d.relying_party_id, "recorded": d.recorded, "counted": d.counted} for d in found])
        noted: dict[str, Any] = {"tenant": tenant_id, "day": day, "right": not found, "differences": stated, "touches": touches}
        cursor.execute(_NOTE, noted)
    return found


def days_to_recount(tenant_id: uuid.UUID, days: Iterable[date]) -> list[date]:
    """Those of `days` that changed since they were last found right, in the caller's tenant scope."""
    starts = [(day, starts_at(day), starts_at(day + timedelta(days=1))) for day in days]
    bounds: dict[str, Any] = {
        "days": [day for day, _, _ in starts],
        "starts": [start for _, start, _ in starts],
        "ends": [end for _, _, end in starts],
        "first": [lower_bound(start) for _, start, _ in starts],
        "end": [lower_bound(end) for _, _, end in starts],
    }
    with connection.cursor() as cursor:
        cursor.execute(_DUE, bounds | {"tenant": tenant_id})
        return [row[0] for row in cursor.fetchall()]


def recount_tenant(tenant_id: uuid.UUID, days: Iterable[date]) -> list[Difference]:
    """Those of `days` that are due, and every touched day of whatever age; each in a transaction of its own."""
    with tenant_scope(tenant_id):
        touched = UsageRecount.objects.of(tenant_id).filter(counted_at__isnull=True).values_list("day", flat=True)
        due = sorted({*touched, *days_to_recount(tenant_id, days)})
    found: list[Difference] = []
    for day in due:
        with tenant_scope(tenant_id):
            found += recount(tenant_id, day)
    return found


def differing_days(operator_id: uuid.UUID) -> list[UsageRecount]:
    """Days of the operator's tenants whose counts are not what the facts say: months with them do not close."""
    ours = Tenant.objects.filter(operator_id=operator_id).values("id")
    with operator_scope(operator_id, "days whose counts differ"):
        return list(UsageRecount.objects.filter(tenant_id__in=ours).exclude(differences=[]).order_by("day", "tenant_id"))
