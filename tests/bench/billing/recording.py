"""What the metering of a request costs: transactions per second beside the same ones with a plain INSERT, eight connections at a time."""

from __future__ import annotations

import multiprocessing
import statistics
import time
import uuid
from multiprocessing.synchronize import Barrier

import psycopg

from billing import metering
from billing.metering import UsageEvent
from tenants.ids import uuid7
from tenants.models import Tenant
from tests.bench.billing.ground import CONNECTION, Bench
from tests.bench.billing.sizes import Sizes, against

CONNECTIONS = 8
# A process that fails leaves the others waiting no longer than this.
PATIENCE = 300
TWIN = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.event (
    tenant_id uuid NOT NULL, operator_id uuid NOT NULL, request_id uuid NOT NULL, occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(), environment_id uuid NOT NULL, relying_party_id uuid NOT NULL,
    connection_id uuid NOT NULL, action text NOT NULL, usage_model text NOT NULL, core_client boolean NOT NULL,
    PRIMARY KEY (tenant_id, request_id, occurred_at));
GRANT USAGE ON SCHEMA bare TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA bare TO PUBLIC"""
PLAIN = """INSERT INTO bare.event (tenant_id, operator_id, request_id, occurred_at, environment_id, relying_party_id, connection_id, action,
                                 usage_model, core_client)
VALUES (%(usage_tenant)s, %(usage_operator)s, %(usage_request)s, %(usage_occurred_at)s, %(usage_environment)s, %(usage_relying_party)s,
        %(usage_connection)s, %(usage_action)s, %(usage_model)s, %(usage_core_client)s)"""


def figures(bench: Bench, sizes: Sizes) -> dict[str, object]:
    tenant = bench.tenants[-1]
    with bench.owner() as owner:
        owner.execute(TWIN)
        row = owner.execute("SELECT id FROM tenants_environment WHERE tenant_id = %s", [tenant.id]).fetchone()
    assert row
    environment = row[0]
    pairs = []
    for number in range(sizes.rounds):
        order = [metering.RECORD_SQL, PLAIN] if number % 2 else [PLAIN, metering.RECORD_SQL]
        rates = {sql: _rate(bench, tenant, environment, sql, sizes.transactions) for sql in order}
        pairs.append((rates[metering.RECORD_SQL] / rates[PLAIN], rates[metering.RECORD_SQL]))
    return {
        "ratio_to_plain_insert": against(statistics.median(ratio for ratio, _ in pairs), at_least=0.85),
        "transactions_per_second": round(statistics.median(rate for _, rate in pairs)),
    }


def _rate(bench: Bench, tenant: Tenant, environment: uuid.UUID, sql: str, each: int) -> float:
    """Transactions per second."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(CONNECTIONS + 1, timeout=PATIENCE)
    done = context.Barrier(CONNECTIONS + 1, timeout=PATIENCE)
    arguments = (bench.ground.application_url, tenant.id, bench.operator.id, environment, sql, each, ready, done)
    children = [context.Process(target=_transactions, args=arguments) for _ in range(CONNECTIONS)]
    for child in children:
        child.start()
    ready.wait()
    began = time.perf_counter()
    done.wait()
    taken = time.perf_counter() - began
    for child in children:
        child.join()
    return CONNECTIONS * each / taken


def _transactions(
    url: str, tenant: uuid.UUID, operator: uuid.UUID, environment: uuid.UUID, sql: str, each: int, ready: Barrier, done: Barrier
) -> None:
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for number in range(each + 20):
            if number == 20:
                ready.wait()
            event = UsageEvent(tenant, operator, uuid7(), environment, environment, CONNECTION, "log_on", "standard", True)
            parameters = metering.record_params(event)
            with connection.transaction():
                cursor.execute("SELECT set_config('broker.tenant', %s, true)", [str(tenant)], prepare=True)
                cursor.execute(sql, parameters, prepare=True)
        done.wait()
