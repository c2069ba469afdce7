"""How long it takes to count a million events again from the facts, day by day."""

from __future__ import annotations

import time
from datetime import date

from django.db import connection

from billing import recount
from billing.periods import Month
from tenants.isolation import tenant_scope
from tenants.models import Tenant
from tests.bench.billing.ground import Bench
from tests.bench.billing.sizes import Sizes

# The day rows that the events come to; what is measured finds them right.
_COUNTED = """
INSERT INTO usage_day (tenant_id, day, posted, operator_id, environment_id, relying_party_id, connection_id, action, usage_model,
                       core_client, what, n)
SELECT tenant_id, (occurred_at AT TIME ZONE 'Europe/Copenhagen')::date, %(month)s, operator_id, environment_id, relying_party_id,
       connection_id, action, usage_model, core_client, 'requested', count(*)
FROM usage_event WHERE tenant_id = %(tenant)s GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"""
_TOUCHED = """
INSERT INTO usage_recount (tenant_id, operator_id, day)
SELECT DISTINCT tenant_id, operator_id, day FROM usage_day WHERE tenant_id = %(tenant)s"""


def count(bench: Bench, tenant: Tenant, month: Month) -> None:
    with bench.owner() as owner:
        for statement in (_COUNTED, _TOUCHED):
            owner.execute(statement, {"tenant": tenant.id, "month": month.first})
        for table in ("usage_event", "usage_day", "usage_recount"):
            owner.execute(f"VACUUM ANALYZE {table}")


def figures(tenant: Tenant, month: Month, sizes: Sizes) -> dict[str, object]:
    """From the month's first day on until the recounted events are found."""
    found, began = 0, time.perf_counter()
    for day in month.days():
        if found >= sizes.recounted:
            break
        with tenant_scope(tenant.id):
            assert recount.recount(tenant.id, day) == []
        found += _events(tenant, day)
    taken = time.perf_counter() - began
    return {"events": found, "seconds_per_million": round(taken / found * 1_000_000, 2)}


def _events(tenant: Tenant, day: date) -> int:
    with tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT sum(n)::bigint FROM usage_day WHERE tenant_id = %s AND day = %s", [tenant.id, day])
        return int(cursor.fetchone()[0])
