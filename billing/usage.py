"""From facts to counts: the roller, and the counts as others read them.

Whoever rolls a tenant holds its account row, as closing does, so that a month cannot close under a batch. There is no watermark: a fact is
counted when its pending row is gone, and both happen in one transaction (decision 20).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.utils import timezone

from billing.models import REQUESTED, VOIDED, BillingAccount, Outcome
from billing.periods import Month
from tenants.isolation import tenant_ids, tenant_scope
from tenants.models import Kind, Tenant

BATCH = 2_000

_KEY = "tenant_id, operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client, what"

# The event is looked up row by row (LATERAL … OFFSET 0): a hash join would read the tenant's whole history for a batch.
# A void takes its request's outcome back as soon as both are counted, whichever came first. The outcome of a request that the core never
# accepted has no event, so it counts nothing.
_ROLL = f"""
WITH claimed AS MATERIALIZED (
    SELECT tenant_id, request_id, what, occurred_at FROM usage_pending
    WHERE tenant_id = %(tenant)s ORDER BY request_id, what LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
taken AS (
    DELETE FROM usage_pending p USING claimed c
    WHERE p.tenant_id = %(tenant)s AND p.request_id = c.request_id AND p.what = c.what),
taken_back AS (
    SELECT DISTINCT o.tenant_id, o.request_id, o.outcome, o.occurred_at
    FROM claimed c
    JOIN request_void v ON v.tenant_id = c.tenant_id AND v.request_id = c.request_id AND v.occurred_at = c.occurred_at
    JOIN request_outcome o ON o.tenant_id = c.tenant_id AND o.request_id = c.request_id AND o.occurred_at = c.occurred_at
    WHERE c.what <> 'requested' AND NOT EXISTS (
        SELECT FROM usage_pending p
        WHERE p.tenant_id = c.tenant_id AND p.request_id = c.request_id AND p.what <> 'requested'
          AND NOT EXISTS (SELECT FROM claimed k WHERE k.request_id = p.request_id AND k.what = p.what))),
facts AS (
    SELECT tenant_id, request_id, what, occurred_at, 1 AS n FROM claimed
    UNION ALL SELECT tenant_id, request_id, outcome, occurred_at, -1 FROM taken_back),
counted AS MATERIALIZED (
    SELECT e.tenant_id, e.operator_id, e.environment_id, e.relying_party_id, e.connection_id, e.action, e.usage_model, e.core_client,
           f.what, (f.occurred_at AT TIME ZONE 'Europe/Copenhagen')::date AS day, date_trunc('hour', f.occurred_at, 'UTC') AS hour,
           sum(f.n) AS n
    FROM facts f CROSS JOIN LATERAL (
        SELECT * FROM usage_event e
        WHERE e.tenant_id = f.tenant_id AND e.request_id = f.request_id AND e.occurred_at = f.occurred_at OFFSET 0) e
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 HAVING sum(f.n) <> 0),
by_hour AS (
    INSERT INTO usage_hour AS h ({_KEY}, hour, n)
    SELECT {_KEY}, hour, n FROM counted
    ON CONFLICT ({_KEY}, hour) DO UPDATE SET n = h.n + excluded.n),
by_day AS (
    INSERT INTO usage_day AS d ({_KEY}, day, posted, n)
    SELECT {_KEY}, day, greatest(date_trunc('month', day::timestamp)::date, %(first_open)s::date), sum(n) FROM counted
    GROUP BY {_KEY}, day
    ON CONFLICT ({_KEY}, day, posted) DO UPDATE SET n = d.n + excluded.n),
touched AS (
    INSERT INTO usage_recount AS r (tenant_id, operator_id, day)
    SELECT DISTINCT tenant_id, operator_id, day FROM counted
    ON CONFLICT (tenant_id, day) DO UPDATE SET touches = r.touches + 1, counted_at = NULL)
SELECT count(*) FROM claimed"""


def lock_account(tenant_id: uuid.UUID, *, skip: bool = False) -> BillingAccount | None:
    """The account's row, held until the transaction ends; made where the tenant has none yet. None: `skip`, and somebody else holds it."""
    account = _locked(tenant_id, skip)
    if account is None and not BillingAccount.objects.of(tenant_id).exists():
        tenant = Tenant.objects.select_related("operator").get(id=tenant_id)
        bare = BillingAccount(tenant=tenant, operator=tenant.operator, currency=tenant.operator.currency)
        BillingAccount.objects.bulk_create([bare], ignore_conflicts=True)
        account = _locked(tenant_id, skip)
    return account


def _locked(tenant_id: uuid.UUID, skip: bool) -> BillingAccount | None:
    sql = f"SELECT * FROM billing_billingaccount WHERE tenant_id = %s FOR NO KEY UPDATE {'SKIP LOCKED' if skip else ''}"
    return next(iter(BillingAccount.objects.raw(sql, [tenant_id])), None)


def first_open(account: BillingAccount) -> date | None:
    """First day of the first month that usage can still be posted to; None where no month is closed."""
    return Month.of(account.closed_through).next().first if account.closed_through else None


def roll_locked(account: BillingAccount, limit: int = BATCH) -> int:
    """Counts up to `limit` pending facts, in the caller's scope, with the account's row held. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_ROLL, {"tenant": account.tenant_id, "limit": limit, "first_open": first_open(account)})
        return int(cursor.fetchone()[0])


def roll(tenant_id: uuid.UUID, *, wait: bool = False, limit: int = BATCH) -> int:
    """Counts one batch in a transaction of its own. 0: nothing waits, or (unless `wait`) somebody else is at this tenant."""
    with tenant_scope(tenant_id):
        account = lock_account(tenant_id, skip=not wait)
        return roll_locked(account, limit) if account else 0


def roll_tenant(tenant_id: uuid.UUID) -> int:
    """Counts everything that waits for one tenant."""
    counted = 0
    while batch := roll(tenant_id, wait=True):
        counted += batch
    return counted


def roll_all(seconds: float = 20) -> int:
    """Counts what waits, a batch per tenant in turn, so that a tenant with a backlog holds nobody back; for at most about `seconds`."""
    counted, end = 0, time.monotonic() + seconds
    while time.monotonic() < end and (batch := sum(roll(tenant) for tenant in tenant_ids("broker_tenants_with_pending_usage"))):
        counted += batch
    return counted


def complete_until(tenant_id: uuid.UUID) -> datetime:
    """Everything of this tenant that was recorded before this instant is counted, also by transactions that have not ended yet.

    Nobody can have written a fact and not committed it, except in a transaction that runs now: so the oldest of those bounds it.
    Transactions of other database roles than ours cannot be seen; only the application records.
    """
    running = """
        SELECT least(clock_timestamp(), min(xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"""
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        # The activity has its own snapshot per transaction; and it must be older than that of the next statement.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(running)
        bound: datetime = cursor.fetchone()[0]
        cursor.execute("SELECT least(%s::timestamptz, min(recorded_at)) FROM usage_pending WHERE tenant_id = %s", [bound, tenant_id])
        until: datetime = cursor.fetchone()[0]
    return until


@dataclass(frozen=True, slots=True)
class ClientCount:
    """How many requests of one client and action came to one outcome; "open" has none yet. The counts add up to the requests."""

    environment: str
    relying_party_id: uuid.UUID
    client_id: str
    name: str
    action: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """A client's day. `billable` is what is charged for in production: requests that were not voided."""

    day: date
    relying_party_id: uuid.UUID
    client_id: str
    name: str
    requested: int
    completed: int
    cancelled: int
    failed: int
    expired: int
    voided: int

    @property
    def billable(self) -> int:
        return self.requested - self.voided


_NAMED = """
    JOIN tenants_environment e ON e.tenant_id = d.tenant_id AND e.id = d.environment_id
    LEFT JOIN usage_client c ON c.tenant_id = d.tenant_id AND c.relying_party_id = d.relying_party_id"""
_CLIENT = "d.relying_party_id, coalesce(c.client_id, d.relying_party_id::text), coalesce(c.name, '')"
_TOTALS = f"""
SELECT e.kind, {_CLIENT}, d.action, f.outcome, sum(d.n * f.sign)::bigint
FROM usage_day d {_NAMED}
CROSS JOIN LATERAL (
    SELECT 'open', CASE WHEN d.what = 'requested' THEN 1 ELSE -1 END
    UNION ALL SELECT d.what, 1 WHERE d.what <> 'requested') f(outcome, sign)
WHERE d.tenant_id = %s AND d.day BETWEEN %s AND %s
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(d.n * f.sign) <> 0 ORDER BY 1, 4, 3, 5, 6"""
_EACH = ", ".join(f"coalesce(sum(d.n) FILTER (WHERE d.what = '{what}'), 0)::bigint" for what in (REQUESTED, *Outcome, VOIDED))
_DAILY = f"""
SELECT d.day, {_CLIENT}, {_EACH}
FROM usage_day d {_NAMED}
WHERE d.tenant_id = %s AND e.kind = %s AND d.day BETWEEN %s AND %s
GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 3"""
# What the core does not charge for is a dated rule (decision 10).
_BILLABLE = """CASE d.what WHEN 'requested' THEN d.n WHEN 'voided' THEN -d.n ELSE CASE WHEN (
    SELECT r.left_out FROM billing_outcomerule r WHERE r.starts <= d.day ORDER BY r.starts DESC LIMIT 1) ? d.what
    THEN -d.n ELSE 0 END END"""
_POSTED = f"""
SELECT date_trunc('month', d.day::timestamp)::date, d.usage_model, d.core_client, d.connection_id::text, d.action, sum({_BILLABLE})::bigint
FROM usage_day d JOIN tenants_environment e ON e.tenant_id = d.tenant_id AND e.id = d.environment_id
WHERE d.tenant_id = %s AND d.posted BETWEEN %s AND %s AND d.day BETWEEN %s AND %s AND e.kind = 'production'
GROUP BY 1, 2, 3, 4, 5 HAVING sum({_BILLABLE}) <> 0 ORDER BY 1, 2, 3, 4, 5"""


def totals(tenant_id: uuid.UUID, first: date, last: date) -> list[ClientCount]:
    """Requests that happened on these days, of both environments, by client, action and outcome."""
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_TOTALS, [tenant_id, first, last])
        return [ClientCount(*row) for row in cursor.fetchall()]


def daily(tenant_id: uuid.UUID, first: date, last: date, environment: str = Kind.PRODUCTION) -> list[DayCount]:
    """Requests that happened on these days in one environment, by day and client."""
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_DAILY, [tenant_id, environment, first, last])
        return [DayCount(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Chargeable:
    """Production requests of one month that are charged for: without those that were voided, or ended as costs nothing."""

    month: Month
    usage_model: str
    core_client: bool
    connection: str
    action: str
    requests: int


def chargeable(
    tenant_id: uuid.UUID, first_posted: Month, last_posted: Month, *, happened: tuple[Month, Month] | None = None
) -> list[Chargeable]:
    """What is posted to these months, by the month in which it happened (any, or only these); in the caller's tenant scope."""
    first, last = (happened[0].first, happened[1].last) if happened else (date.min, last_posted.last)
    with connection.cursor() as cursor:
        cursor.execute(_POSTED, [tenant_id, first_posted.first, last_posted.first, first, last])
        return [Chargeable(Month.of(month), *rest) for month, *rest in cursor.fetchall()]


def open_partitions(first: Month | None = None, *, months: int = 1) -> int:
    """Opens `first` (this month) and so many months after it; what lies in the DEFAULT partition moves in. Returns how many were new."""
    opened, month = 0, first or Month.at(timezone.now())
    for _ in range(months + 1):
        with connection.cursor() as cursor:
            cursor.execute("SELECT broker_open_usage_partition(%s::date)", [month.first])
            opened += int(cursor.fetchone()[0])
        month = month.next()
    return opened


def unplaced() -> int:
    """Facts in a DEFAULT partition: a month was not opened in time. They count; opening the month puts them right."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT broker_unplaced_usage()")
        return int(cursor.fetchone()[0])
