"""The rows of a closed month written again as they are, into tables without policies, by two processes in as many transactions."""

from __future__ import annotations

import multiprocessing
import time
import uuid
from collections import defaultdict
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from billing.periods import Month
from tests.bench.billing.ground import Bench

PROCESSES = 2
# A process that fails leaves the others waiting no longer than this.
PATIENCE = 600
# (table, the steps that insert into it, the steps that update it); a row of audit and work is written by each step.
INSERTED = {
    "billing_billingmonth": 0,
    "billing_document": 0,
    "billing_documentline": 0,
    "billing_documentnumber": 2,
    "tenants_outboxmessage": 2,
}
EVERY_STEP = ("tenants_auditentry", "tenants_work")
Rows = dict[str, list[tuple[Any, ...]]]


def seconds(bench: Bench, month: Month) -> float:
    """Three transactions an account (drafted, approved, issued), as the product's."""
    columns, rows = _written(bench, month)
    with bench.owner() as owner:
        owner.execute("DROP SCHEMA IF EXISTS bare CASCADE")
        owner.execute("CREATE SCHEMA bare")
        for table in [*columns, "billing_billingaccount", "tenants_audithead", "billing_series"]:
            owner.execute(f"CREATE TABLE bare.{table} (LIKE public.{table} INCLUDING ALL)")
        for table in ("billing_billingaccount", "tenants_audithead", "billing_series"):
            owner.execute(f"INSERT INTO bare.{table} SELECT * FROM public.{table}")
    context = multiprocessing.get_context("fork")
    ready, done = (context.Barrier(PROCESSES + 1, timeout=PATIENCE) for _ in range(2))
    tenants = [tenant.id for tenant in bench.tenants if tenant.id in rows]
    children = []
    for number in range(PROCESSES):
        ours = {tenant: rows[tenant] for tenant in tenants[number::PROCESSES]}
        arguments = (bench.ground.owner_url, columns, ours, ready, done)
        children.append(context.Process(target=_write, args=arguments))
        children[-1].start()
    ready.wait()
    began = time.perf_counter()
    done.wait()
    taken = time.perf_counter() - began
    for child in children:
        child.join()
    return taken


def _written(bench: Bench, month: Month) -> tuple[dict[str, list[str]], dict[uuid.UUID, Rows]]:
    """What the month's close wrote, by tenant and table."""
    documents = "SELECT id FROM billing_document WHERE idempotency_key LIKE %(key)s"
    chosen = {
        "billing_billingmonth": "month = %(month)s",
        "billing_document": f"id IN ({documents})",
        "billing_documentline": f"document_id IN ({documents})",
        "billing_documentnumber": f"document_id IN ({documents})",
        "tenants_outboxmessage": "kind = 'email.invoice_issued'",
        "tenants_auditentry": f"subject IN (SELECT 'document:' || id FROM ({documents}) d)",
        "tenants_work": "for_tenant IS NOT NULL AND (key LIKE %(work)s OR kind = 'render-document')",
    }
    given = {"key": f"usage:{month}:%", "month": month.first, "work": f"{month}:%"}
    columns: dict[str, list[str]] = {}
    rows: dict[uuid.UUID, Rows] = defaultdict(lambda: defaultdict(list))
    with bench.owner() as owner, owner.cursor() as cursor:
        for table, condition in chosen.items():
            cursor.execute(f"SELECT * FROM {table} WHERE {condition}", given)
            columns[table] = [column.name for column in cursor.description or ()]
            whose = columns[table].index("for_tenant" if "for_tenant" in columns[table] else "tenant_id")
            for row in cursor.fetchall():
                rows[row[whose]][table].append(tuple(Jsonb(v) if isinstance(v, dict | list) else v for v in row))
    return columns, rows


def _write(url: str, columns: dict[str, list[str]], tenants: dict[uuid.UUID, Rows], ready: Barrier, done: Barrier) -> None:
    inserts = {
        table: f"INSERT INTO bare.{table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
        for table, names in columns.items()
    }
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        ready.wait()
        for tenant, rows in tenants.items():
            for step in range(3):
                with connection.transaction():
                    _step(cursor, inserts, tenant, rows, step)
        done.wait()


def _step(cursor: psycopg.Cursor, inserts: dict[str, str], tenant: uuid.UUID, rows: Rows, step: int) -> None:
    for table, at in INSERTED.items():
        if at == step:
            for row in rows.get(table, ()):
                cursor.execute(inserts[table], row, prepare=True)
    for table in EVERY_STEP:
        for row in rows.get(table, [])[step : step + 1 if step < 2 else None]:
            cursor.execute(inserts[table], row, prepare=True)
    if step == 0:
        cursor.execute(
            "UPDATE bare.billing_billingaccount SET closed_through = date_trunc('month', current_date) WHERE tenant_id = %s",
            [tenant],
            prepare=True,
        )
    else:
        cursor.execute("UPDATE bare.billing_document SET state = state WHERE tenant_id = %s", [tenant], prepare=True)
    if step == 2:
        cursor.execute("UPDATE bare.billing_series SET last = last + 1", prepare=True)
    cursor.execute("UPDATE bare.tenants_audithead SET seq = seq + 1 WHERE tenant_id = %s", [tenant], prepare=True)
