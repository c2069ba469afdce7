"""What the login side tells billing: the one door. Plain SQL on the caller's cursor, in the caller's transaction and scope (decision 25).

Each call is one statement and idempotent; the fact and its `usage_pending` row are written together, the roller counts later. A request is
known by its UUIDv7 alone: `occurred_at` is always the id's own time. RECORD_CTE and OUTCOME_CTE are the same statements for a caller that
folds them into one of its own; they do not see rows written by the statement that they stand in.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from billing.models import UsageClient
from tenants.ids import time_of
from tenants.isolation import tenant_scope
from tenants.models import Tenant


class Cursor(Protocol):
    """psycopg's, or whatever else sends statements in the caller's transaction."""

    def execute(self, sql: str, params: dict[str, Any], /, *, prepare: bool = ...) -> object: ...


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """The core accepted one authentication request: `request_id` is the CoreSession's UUIDv7. Its environment says if it is charged."""

    tenant_id: uuid.UUID
    operator_id: uuid.UUID
    request_id: uuid.UUID
    environment_id: uuid.UUID
    relying_party_id: uuid.UUID
    connection_id: uuid.UUID
    action: str
    usage_model: str
    core_client: bool

    @property
    def occurred_at(self) -> datetime:
        return time_of(self.request_id)


RECORD_CTE = """
usage_event_recorded AS (
    INSERT INTO usage_event (tenant_id, operator_id, request_id, occurred_at, environment_id, relying_party_id, connection_id, action,
                             usage_model, core_client)
    VALUES (%(usage_tenant)s, %(usage_operator)s, %(usage_request)s, %(usage_occurred_at)s, %(usage_environment)s, %(usage_relying_party)s,
            %(usage_connection)s, %(usage_action)s, %(usage_model)s, %(usage_core_client)s)
    ON CONFLICT (tenant_id, request_id, occurred_at) DO NOTHING
    RETURNING tenant_id, request_id, occurred_at, recorded_at),
usage_event_pending AS (
    INSERT INTO usage_pending (tenant_id, request_id, what, occurred_at, recorded_at)
    SELECT tenant_id, request_id, 'requested', occurred_at, recorded_at FROM usage_event_recorded)"""
RECORD_SQL = f"WITH {RECORD_CTE} SELECT count(*) FROM usage_event_recorded"

# Without looking at usage_event: a statement that reads a partitioned table is planned again each time, which costs more than all the rest.
OUTCOME_CTE = """
request_outcome_recorded AS (
    INSERT INTO request_outcome (tenant_id, operator_id, request_id, occurred_at, outcome, authenticator, level, ended_at)
    SELECT t.id, t.operator_id, %(usage_request)s, %(usage_occurred_at)s, %(usage_outcome)s, %(usage_authenticator)s, %(usage_level)s,
           coalesce(%(usage_ended_at)s::timestamptz, now())
    FROM tenants_tenant t WHERE t.id = %(usage_tenant)s
    ON CONFLICT (tenant_id, request_id, occurred_at) DO NOTHING
    RETURNING tenant_id, request_id, occurred_at, outcome, recorded_at),
request_outcome_pending AS (
    INSERT INTO usage_pending (tenant_id, request_id, what, occurred_at, recorded_at)
    SELECT tenant_id, request_id, outcome, occurred_at, recorded_at FROM request_outcome_recorded)"""
OUTCOME_SQL = f"WITH {OUTCOME_CTE} SELECT count(*) FROM request_outcome_recorded"

VOID_SQL = """
WITH request_void_recorded AS (
    INSERT INTO request_void (tenant_id, operator_id, request_id, occurred_at, reason, voided_by)
    SELECT e.tenant_id, e.operator_id, e.request_id, e.occurred_at, %(usage_reason)s, %(usage_voided_by)s
    FROM usage_event e
    WHERE e.tenant_id = %(usage_tenant)s AND e.request_id = %(usage_request)s AND e.occurred_at = %(usage_occurred_at)s
    ON CONFLICT (tenant_id, request_id, occurred_at) DO NOTHING
    RETURNING tenant_id, request_id, occurred_at, recorded_at)
INSERT INTO usage_pending (tenant_id, request_id, what, occurred_at, recorded_at)
SELECT tenant_id, request_id, 'voided', occurred_at, recorded_at FROM request_void_recorded"""


def record_params(event: UsageEvent) -> dict[str, Any]:
    return _request_params(event.tenant_id, event.request_id) | {
        "usage_operator": event.operator_id,
        "usage_environment": event.environment_id,
        "usage_relying_party": event.relying_party_id,
        "usage_connection": event.connection_id,
        "usage_action": event.action,
        "usage_model": event.usage_model,
        "usage_core_client": event.core_client,
    }


def outcome_params(
    tenant_id: uuid.UUID, request_id: uuid.UUID, outcome: str, *, authenticator: str = "", level: str = "", at: datetime | None = None
) -> dict[str, Any]:
    return _request_params(tenant_id, request_id) | {
        "usage_outcome": outcome,
        "usage_authenticator": authenticator,
        "usage_level": level,
        "usage_ended_at": at,
    }


def _request_params(tenant_id: uuid.UUID, request_id: uuid.UUID) -> dict[str, Any]:
    return {"usage_tenant": tenant_id, "usage_request": request_id, "usage_occurred_at": time_of(request_id)}


def record(cursor: Cursor, event: UsageEvent) -> None:
    """The core accepted `event`; repeated, nothing happens. Raises ValueError for a request id that is no UUIDv7."""
    cursor.execute(RECORD_SQL, record_params(event), prepare=True)


def outcome(
    cursor: Cursor,
    tenant_id: uuid.UUID,
    request_id: uuid.UUID,
    outcome: str,
    *,
    authenticator: str = "",
    level: str = "",
    at: datetime | None = None,
) -> None:
    """How a request ended: completed, cancelled, failed or expired. The first holds; of an unrecorded request it counts nothing."""
    params = outcome_params(tenant_id, request_id, outcome, authenticator=authenticator, level=level, at=at)
    cursor.execute(OUTCOME_SQL, params, prepare=True)


def void(cursor: Cursor, tenant_id: uuid.UUID, request_id: uuid.UUID, *, reason: str, by: str) -> None:
    """The request is not charged after all. Once; a reason is required."""
    cursor.execute(VOID_SQL, _request_params(tenant_id, request_id) | {"usage_reason": reason, "usage_voided_by": by})


def name_client(
    tenant_id: uuid.UUID, relying_party_id: uuid.UUID, *, environment_id: uuid.UUID, environment_kind: str, client_id: str, name: str
) -> None:
    """What a relying party is called from now on; counts of it are shown under this name."""
    operator_id = Tenant.objects.values_list("operator_id", flat=True).get(id=tenant_id)
    named = UsageClient(
        tenant_id=tenant_id,
        operator_id=operator_id,
        relying_party_id=relying_party_id,
        environment_id=environment_id,
        environment_kind=environment_kind,
        client_id=client_id,
        name=name,
    )
    with tenant_scope(tenant_id):
        UsageClient.objects.bulk_create(
            [named],
            update_conflicts=True,
            unique_fields=["tenant_id", "relying_party_id"],
            update_fields=["environment_id", "environment_kind", "client_id", "name"],
        )
