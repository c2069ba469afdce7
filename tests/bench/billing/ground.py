"""A database of the bench's own, durable as in production, with many accounts: rows that no statement measured here has written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from django.db import connection as django_connection
from django.db import models
from django.db.models.fields import NOT_PROVIDED

from billing import periods, plans, usage
from billing.models import AccountPlan, BillingAccount, BuyerVersion, Plan
from billing.periods import Month
from tenants.models import Environment, Operator, Tenant
from tests.billing import story
from tests.harness.ground import Ground

CONNECTION = uuid.UUID("01900000-0000-7000-8000-00000000be9c")
CLIENTS = 2


@dataclass(frozen=True)
class Bench:
    """`year` has ended; its months and the one before `month` are closed, `month` and the next are over and open."""

    ground: Ground
    operator: Operator
    tenants: list[Tenant]
    month: Month
    year: periods.ContractYear

    @contextmanager
    def owner(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.ground.owner_url, autocommit=True) as connection:
            yield connection


def copy(cursor: psycopg.Cursor, rows: Sequence[models.Model]) -> None:
    """Columns that the database gives a value are left to it."""
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if field.db_default is NOT_PROVIDED]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with cursor.copy(f'COPY "{meta.db_table}" ({columns}) FROM STDIN') as into:
        for row in rows:
            into.write_row([field.get_db_prep_save(getattr(row, field.attname), django_connection) for field in fields])


def made(ground: Ground, accounts: int, today: date) -> Bench:
    month = Month.of(today).previous().previous()
    operator = story.operator(name="Tidevand Identitet")
    plan = plans.illustrative(operator)
    usage.open_partitions(month, months=3)
    year = next(
        periods.default_contract_year(n)
        for n in range(1, 100)
        if periods.default_contract_year(n + 1).first <= month.first <= periods.default_contract_year(n + 1).last
    )
    tenants = [Tenant(operator=operator, slug=f"kunde-{n:05}", name=f"Kunde {n}") for n in range(accounts)]
    bench = Bench(ground, operator, tenants, month, year)
    with bench.owner() as owner, owner.cursor() as cursor:
        _accounts(cursor, bench, plan)
        _clients(cursor, bench)
    return bench


def _accounts(cursor: psycopg.Cursor, bench: Bench, plan: Plan) -> None:
    def owned(model: Any, **fields: Any) -> list[Any]:
        return [model(tenant_id=tenant.id, operator_id=bench.operator.id, **fields) for tenant in bench.tenants]

    copy(cursor, bench.tenants)
    copy(cursor, [Environment(tenant_id=tenant.id, kind="production") for tenant in bench.tenants])
    accounts = owned(BillingAccount, closed_through=bench.month.previous().first, email="faktura@kunde.example")
    copy(cursor, accounts)
    buyers = owned(BuyerVersion, valid_from=bench.year.first, street=["Kajgade 1"], postcode="9999", city="Havneby", entered_by="bench")
    payers = owned(AccountPlan, plan_id=plan.id, starts=bench.year.first, entered_by="bench")
    for tenant, account, buyer, payer in zip(bench.tenants, accounts, buyers, payers, strict=True):
        buyer.account_id = payer.account_id = account.id
        buyer.name = tenant.name
    copy(cursor, buyers)
    copy(cursor, payers)


def _clients(cursor: psycopg.Cursor, bench: Bench) -> None:
    for number in range(CLIENTS):
        cursor.execute(
            "INSERT INTO usage_client SELECT t.id, t.operator_id, gen_random_uuid(), e.id, 'production', %s, %s"
            " FROM tenants_tenant t JOIN tenants_environment e ON e.tenant_id = t.id WHERE t.operator_id = %s",
            [f"client-{number}", f"Netbank {number}", bench.operator.id],
        )


# The n-th account has an n-th of what the first has. `times` splits each client's day into so many actions, each with as many requests.
_DAYS = """
WITH ranked AS (SELECT id, operator_id, row_number() OVER (ORDER BY slug) AS rank FROM tenants_tenant WHERE operator_id = %(operator)s),
weighed AS (SELECT id, operator_id, 1.0 / rank / sum(1.0 / rank) OVER () AS weight FROM ranked)
INSERT INTO usage_day (tenant_id, day, posted, operator_id, environment_id, relying_party_id, connection_id, action, usage_model,
                       core_client, what, n)
SELECT w.id, d::date, date_trunc('month', d)::date, w.operator_id, c.environment_id, c.relying_party_id, %(connection)s,
       CASE a WHEN 1 THEN 'log_on' ELSE 'action-' || a END, 'standard', true, o.what,
       ceil(o.part * w.weight * %(requests)s / %(clients)s / %(days)s)
FROM weighed w JOIN usage_client c ON c.tenant_id = w.id
CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') d CROSS JOIN generate_series(1, %(times)s) a
CROSS JOIN (VALUES ('requested', 1.0), ('completed', 0.96)) o(what, part)"""
# The days of a bench have no events: the recount is a figure of its own.
_RECOUNTED = """
INSERT INTO usage_recount (tenant_id, operator_id, day, touches, counted_at)
SELECT id, operator_id, d::date, 1, now() FROM tenants_tenant
CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') d WHERE operator_id = %(operator)s ON CONFLICT DO NOTHING"""


def use(bench: Bench, first: date, last: date, requests: int, *, times: int = 1) -> None:
    """So many requests of all accounts on these days, counted and recounted."""
    given = {
        "operator": bench.operator.id,
        "connection": CONNECTION,
        "requests": requests,
        "clients": CLIENTS,
        "days": (last - first).days + 1,
        "first": first,
        "last": last,
        "times": times,
    }
    with bench.owner() as owner:
        owner.execute(_DAYS, given)
        owner.execute(_RECOUNTED, given)
        for table in ("usage_day", "usage_recount", "tenants_tenant", "billing_billingaccount", "billing_accountplan"):
            owner.execute(f"VACUUM ANALYZE {table}")


# Ids as an application makes them: the milliseconds of their time, version 7, variant 2.
_EVENTS = """
WITH moments AS (
    SELECT g, date_trunc('milliseconds', %(starts)s::timestamptz
                         + (%(ends)s::timestamptz - %(starts)s::timestamptz) * (g + 0.5) / %(n)s) AS at
    FROM generate_series(0, %(n)s - 1) g),
named AS (
    SELECT at, g, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(g::text), 1, 3) || '8'
                   || substr(md5(g || %(tenant)s::text), 1, 15))::uuid AS id
    FROM moments)
INSERT INTO usage_event (tenant_id, operator_id, request_id, occurred_at, environment_id, relying_party_id, connection_id, action,
                         usage_model, core_client)
SELECT c.tenant_id, c.operator_id, n.id, n.at, c.environment_id, c.relying_party_id, %(connection)s, 'log_on', 'standard', true
FROM named n JOIN (SELECT *, row_number() OVER (ORDER BY client_id) - 1 AS number FROM usage_client WHERE tenant_id = %(tenant)s) c
    ON c.number = n.g %% %(clients)s"""


def record(bench: Bench, tenant: Tenant, month: Month, events: int) -> None:
    """So many events, spread over the month, none of which is counted or waits to be."""
    given = {
        "tenant": tenant.id,
        "n": events,
        "starts": month.starts_at,
        "ends": month.ends_at,
        "connection": CONNECTION,
        "clients": CLIENTS,
    }
    with bench.owner() as owner:
        owner.execute(_EVENTS, given)


def one_more(bench: Bench, slug: str, first_month: Month) -> Tenant:
    """A tenant of another operator, with an account whose months are open from `first_month` on."""
    operator = story.operator()
    tenant = Tenant(operator=operator, slug=slug, name=slug.title())
    single = Bench(bench.ground, operator, [tenant], first_month, bench.year)
    with bench.owner() as owner, owner.cursor() as cursor:
        _accounts(cursor, single, plans.illustrative(operator))
        _clients(cursor, single)
    return tenant
