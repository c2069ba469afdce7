"""The simulated core's own statements. Its commits are its own: a real core's happen elsewhere."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True)
class Session:
    id: uuid.UUID
    reference: uuid.UUID
    service: str
    request: dict[str, Any]
    state: str  # shown | choosing | waiting | ended
    person: str
    expired: bool
    seconds_left: int


COLUMNS = "id, reference, service, request, state, person, expires_at < now(), greatest(0, extract(epoch FROM expires_at - now()))::int"
# Again for a repeated return within a minute: a real core's rule is not known.
FETCHABLE = "(redeemed_at IS NULL OR redeemed_at > now() - interval '1 minute')"


def _one(sql: str, params: list[Any]) -> Session | None:
    connection.ensure_connection()
    row = connection.connection.execute(sql, params, prepare=True).fetchone()
    # Django leaves jsonb as text on its connection.
    if row is None:
        return None
    id_, its_reference, service, request, *rest = row
    return Session(id_, its_reference, service, json.loads(request), *rest)


def accept(session: uuid.UUID, reference: uuid.UUID, service: str, request: dict[str, Any], seconds: int) -> Session:
    """Accepts a request once: asked again with the same reference, the answer is the first one's session."""
    row = _one(
        f"WITH accepted AS (INSERT INTO authflows_simulatedsession (id, reference, service, request, state, person, expires_at)"
        f" VALUES (%s, %s, %s, %s, 'shown', '', now() + make_interval(secs => %s)) ON CONFLICT (reference) DO NOTHING RETURNING {COLUMNS}),"
        f" booked AS (INSERT INTO authflows_simulatorledger (reference, service) SELECT reference, service FROM accepted)"
        f" SELECT * FROM accepted",
        [session, reference, service, Jsonb(request), seconds],
    )
    if row is None:
        row = by_reference(reference, service)
    assert row is not None
    return row


def by_reference(reference: uuid.UUID, service: str) -> Session | None:
    return _one(f"SELECT {COLUMNS} FROM authflows_simulatedsession WHERE reference = %s AND service = %s", [reference, service])


def read(session: uuid.UUID, service: str) -> Session | None:
    return _one(f"SELECT {COLUMNS} FROM authflows_simulatedsession WHERE id = %s AND service = %s", [session, service])


def move(session: uuid.UUID, service: str, state: str, person: str) -> Session | None:
    return _one(
        f"UPDATE authflows_simulatedsession SET state = %s, person = %s WHERE id = %s AND service = %s AND state <> 'ended'"
        f" AND expires_at > now() RETURNING {COLUMNS}",
        [state, person, session, service],
    )


def end(session: uuid.UUID, service: str, person: str, result: dict[str, Any], code_hash: bytes) -> bool:
    """The first ending holds: a second one changes nothing."""
    return (
        _one(
            f"UPDATE authflows_simulatedsession SET state = 'ended', person = %s, result = %s, code_hash = %s"
            f" WHERE id = %s AND service = %s AND state <> 'ended' RETURNING {COLUMNS}",
            [person, Jsonb(result), code_hash, session, service],
        )
        is not None
    )


def recode(session: uuid.UUID, service: str, code_hash: bytes) -> bool:
    """A new code for a result, as long as it may be fetched: the page was reloaded after its answer was lost."""
    return (
        _one(
            f"UPDATE authflows_simulatedsession SET code_hash = %s WHERE id = %s AND service = %s AND state = 'ended'"
            f" AND {FETCHABLE} RETURNING {COLUMNS}",
            [code_hash, session, service],
        )
        is not None
    )


def redeem(session: uuid.UUID, service: str, code_hash: bytes) -> dict[str, Any] | None:
    """The result for a code, with the user id that it is about."""
    connection.ensure_connection()
    row = connection.connection.execute(
        f"UPDATE authflows_simulatedsession SET redeemed_at = coalesce(redeemed_at, now())"
        f" WHERE id = %s AND service = %s AND code_hash = %s AND {FETCHABLE} RETURNING reference, request, result, person",
        [session, service, code_hash],
        prepare=True,
    ).fetchone()
    return {"reference": str(row[0]), **json.loads(row[1]), **json.loads(row[2]), "user_id": row[3]} if row else None


def waiting_for(person: str, service: str) -> Session | None:
    """The newest request of this service that waits for this person's app."""
    return _one(
        f"SELECT {COLUMNS} FROM authflows_simulatedsession WHERE person = %s AND service = %s AND state = 'waiting'"
        f" AND expires_at > now() ORDER BY created_at DESC LIMIT 1",
        [person, service],
    )
