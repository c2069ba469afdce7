"""The SQL of what a Login waits for from its person: which method, which identity, whether once more. As in `store`."""

from __future__ import annotations

import uuid
from typing import Any

from psycopg.types.json import Jsonb

from authflows.store import transaction
from billing import metering

CHOOSE = """
UPDATE authflows_login SET request = jsonb_set(request, '{connection}', to_jsonb(%(connection)s::text))
WHERE tenant_id = %(tenant)s AND id = %(login)s AND state = 'created' AND request->>'connection' = ''"""


def choose(tenant_id: uuid.UUID, login_id: uuid.UUID, connection_id: uuid.UUID) -> None:
    """The person has chosen by which connection; of two choices the first counts."""
    with transaction(tenant_id) as step:
        step.execute(CHOOSE, {"tenant": tenant_id, "login": login_id, "connection": str(connection_id)})


def hold(tenant_id: uuid.UUID, login_id: uuid.UUID, sealed: bytes) -> None:
    """Who logged in, until they have said what they are asked; sealed to their browser."""
    sql = "UPDATE authflows_login SET sealed = %(sealed)s WHERE tenant_id = %(tenant)s AND id = %(login)s AND state = 'requested'"
    with transaction(tenant_id) as step:
        step.execute(sql, {"tenant": tenant_id, "login": login_id, "sealed": sealed})


TOO_LOW = """
WITH asked AS (
    UPDATE authflows_login SET state = 'created', answer = %(answer)s, sealed = NULL
    WHERE tenant_id = %(tenant)s AND id = %(login)s AND state = 'requested' RETURNING id)
UPDATE authflows_coresession c SET state = 'finished' FROM asked WHERE c.tenant_id = %(tenant)s AND c.id = %(core_session)s"""


def too_low(tenant_id: uuid.UUID, login_id: uuid.UUID, core_session: uuid.UUID, *, answer: dict[str, Any]) -> None:
    """The core session is over without a login; the Login waits for the person to say whether there is another."""
    params = {"tenant": tenant_id, "login": login_id, "core_session": core_session, "answer": Jsonb(answer)}
    with transaction(tenant_id) as step:
        step.execute(TOO_LOW, params)
        metering.outcome(step, tenant_id, core_session, "failed")


def once_more(tenant_id: uuid.UUID, login_id: uuid.UUID) -> None:
    """The Login may ask the core again, as a new CoreSession."""
    sql = "UPDATE authflows_login SET answer = NULL WHERE tenant_id = %(tenant)s AND id = %(login)s AND state = 'created'"
    with transaction(tenant_id) as step:
        step.execute(sql, {"tenant": tenant_id, "login": login_id})
