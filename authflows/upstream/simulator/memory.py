"""The simulated core's own statements. Its commits are its own: a real core's happen elsewhere."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.types.json import Jsonb

from authflows.pipeline import Step
from tenants.ids import uuid7


@dataclass(frozen=True, slots=True)
class Session:
    id: uuid.UUID
    reference: uuid.UUID
    service: str
    request: dict[str, Any]
    # shown | choosing | a factor's name, but waiting for the app's | rejected | blocked | parallel | level | untold | ended
    state: str
    person: str
    method: str
    tries: int
    channel: str
    qr: bool
    expired: bool
    seconds_left: int

    @property
    def psd2(self) -> bool:
        return bool(self.request["psd2"])


COLUMNS = (
    "id, reference, service, request, state, person, method, tries, channel, qr,"
    " expires_at < now(), greatest(0, extract(epoch FROM expires_at - now()))::int"
)
# Again for a repeated return within a minute: a real core's rule is not known.
FETCHABLE = "(redeemed_at IS NULL OR redeemed_at > now() - interval '1 minute')"


def _row(sql: str, **params: Any) -> tuple[Any, ...] | None:
    django = connections[DEFAULT_DB_ALIAS]
    if django.connection is None:
        django.ensure_connection()
    step = Step(django.connection)
    answer = step.execute(sql, params)
    step.send()
    return answer.fetchone()


def _one(sql: str, **params: Any) -> Session | None:
    row = _row(sql, **params)
    # Django leaves jsonb as text on its connection.
    if row is None:
        return None
    id_, its_reference, service, request, *rest = row
    return Session(id_, its_reference, service, json.loads(request), *rest)


ACCEPT = f"""
WITH accepted AS (
    INSERT INTO authflows_simulatedsession (id, reference, service, request, state, person, method, tries, channel, qr, expires_at)
    VALUES (%(session)s, %(reference)s, %(service)s, %(request)s, 'shown', '', '', 0, '', false, now() + make_interval(secs => %(seconds)s))
    ON CONFLICT (reference) DO NOTHING RETURNING {COLUMNS}),
booked AS (INSERT INTO authflows_simulatorledger (reference, service) SELECT reference, service FROM accepted)
SELECT * FROM accepted"""


def accept(session: uuid.UUID, reference: uuid.UUID, service: str, request: dict[str, Any], seconds: int) -> Session:
    """Accepts a request once: asked again with the same reference, the answer is the first one's session."""
    accepted = _one(ACCEPT, session=session, reference=reference, service=service, request=Jsonb(request), seconds=seconds)
    if accepted is None:
        accepted = by_reference(reference, service)
    assert accepted is not None
    return accepted


def by_reference(reference: uuid.UUID, service: str) -> Session | None:
    sql = f"SELECT {COLUMNS} FROM authflows_simulatedsession WHERE reference = %(reference)s AND service = %(service)s"
    return _one(sql, reference=reference, service=service)


def read(session: uuid.UUID, service: str) -> Session | None:
    sql = f"SELECT {COLUMNS} FROM authflows_simulatedsession WHERE id = %(session)s AND service = %(service)s"
    return _one(sql, session=session, service=service)


def move(session: Session, state: str, *, person: str, method: str = "", channel: str = "") -> Session | None:
    """None where the session has ended meanwhile, or its time is over."""
    sql = (
        f"UPDATE authflows_simulatedsession SET state = %(state)s, person = %(person)s, method = %(method)s, channel = %(channel)s,"
        # With PSD2 wrong answers count over the whole session: each of them begins it anew.
        f" tries = CASE WHEN request->>'psd2' = 'true' THEN tries ELSE 0 END, qr = false"
        f" WHERE id = %(session)s AND service = %(service)s AND state <> 'ended' AND expires_at > now()"
        f" RETURNING {COLUMNS}"
    )
    return _one(sql, session=session.id, service=session.service, state=state, person=person, method=method, channel=channel)


def show_channel(session: Session, *, qr: bool) -> Session | None:
    sql = (
        f"UPDATE authflows_simulatedsession SET qr = %(qr)s"
        f" WHERE id = %(session)s AND service = %(service)s AND state = 'waiting' AND expires_at > now() RETURNING {COLUMNS}"
    )
    return _one(sql, session=session.id, service=session.service, qr=qr)


def wrong(session: Session) -> Session | None:
    """Counts a wrong answer at the step where the session stands."""
    sql = (
        f"UPDATE authflows_simulatedsession SET tries = tries + 1"
        f" WHERE id = %(session)s AND service = %(service)s AND state = %(state)s AND expires_at > now() RETURNING {COLUMNS}"
    )
    return _one(sql, session=session.id, service=session.service, state=session.state)


BLOCK = """
INSERT INTO authflows_simulatedblock (id, service, person, factor, until)
VALUES (%(id)s, %(service)s, %(person)s, %(factor)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (service, person, factor) DO UPDATE SET until = excluded.until"""


def block(service: str, person: str, factor: str, seconds: int) -> None:
    _row(BLOCK, id=uuid7(), service=service, person=person, factor=factor, seconds=seconds)


def unblock(service: str, person: str) -> None:
    _row("DELETE FROM authflows_simulatedblock WHERE service = %(service)s AND person = %(person)s", service=service, person=person)


def blocked(service: str, person: str) -> dict[str, int]:
    """Factors that are blocked, and for how many seconds more."""
    sql = (
        "SELECT coalesce(json_object_agg(factor, ceil(extract(epoch FROM until - now()))), '{}')::text FROM authflows_simulatedblock"
        " WHERE service = %(service)s AND person = %(person)s AND until > now()"
    )
    row = _row(sql, service=service, person=person)
    return {factor: int(seconds) for factor, seconds in json.loads(row[0]).items()} if row else {}


END = (
    "UPDATE authflows_simulatedsession SET state = 'ended', person = %(person)s, result = %(result)s, code_hash = %(code_hash)s"
    " WHERE id = %(session)s AND service = %(service)s AND "
)


def end(session: uuid.UUID, service: str, person: str, result: dict[str, Any], code_hash: bytes) -> bool:
    """The first ending holds: a second one changes nothing."""
    sql = END + "state <> 'ended' RETURNING id"
    return _row(sql, session=session, service=service, person=person, result=Jsonb(result), code_hash=code_hash) is not None


def end_at_once(session: uuid.UUID, service: str, person: str, result: dict[str, Any], code_hash: bytes) -> bool:
    """The same for a session in its first step, without reading it: an automatic person needs no other."""
    sql = END + "state = 'shown' AND expires_at > now() RETURNING id"
    return _row(sql, session=session, service=service, person=person, result=Jsonb(result), code_hash=code_hash) is not None


def recode(session: uuid.UUID, service: str, code_hash: bytes) -> bool:
    """A new code for a result, as long as it may be fetched: the page was reloaded after its answer was lost."""
    sql = (
        f"UPDATE authflows_simulatedsession SET code_hash = %(code_hash)s"
        f" WHERE id = %(session)s AND service = %(service)s AND state = 'ended' AND {FETCHABLE} RETURNING id"
    )
    return _row(sql, session=session, service=service, code_hash=code_hash) is not None


def redeem(session: uuid.UUID, service: str, code_hash: bytes) -> dict[str, Any] | None:
    """The result for a code, with the user id that it is about and the method that was used."""
    sql = (
        f"UPDATE authflows_simulatedsession SET redeemed_at = coalesce(redeemed_at, now()) WHERE id = %(session)s AND service = %(service)s"
        f" AND code_hash = %(code_hash)s AND {FETCHABLE} RETURNING reference, request, result, person, method"
    )
    row = _row(sql, session=session, service=service, code_hash=code_hash)
    return {"reference": str(row[0]), **json.loads(row[1]), **json.loads(row[2]), "user_id": row[3], "method": row[4]} if row else None


TRY_CPR = """
UPDATE authflows_simulatedsession s
SET result = s.result || jsonb_build_object('cpr_tries', coalesce((s.result->>'cpr_tries')::int, 0) + 1)
WHERE s.id = %(session)s AND s.service = %(service)s AND s.result->>'status' = 'approved'
  AND coalesce((s.result->>'cpr_tries')::int, 0) < %(tries)s
  AND to_timestamp((s.result->>'authenticated_at')::float) > now() - make_interval(secs => %(seconds)s)
RETURNING s.person"""


def try_cpr(session: uuid.UUID, service: str, *, tries: int, seconds: int) -> str | None:
    """Counts a CPR number that is tried; the user id of whom it is compared with, or None where no more are."""
    row = _row(TRY_CPR, session=session, service=service, tries=tries, seconds=seconds)
    return str(row[0]) if row else None


def waiting_for(person: str, service: str, *, but: uuid.UUID | None = None) -> Session | None:
    """The newest request of this service that waits for this person's app; another one than `but`."""
    sql = (
        f"SELECT {COLUMNS} FROM authflows_simulatedsession WHERE person = %(person)s AND service = %(service)s"
        f" AND state = 'waiting' AND expires_at > now() AND id IS DISTINCT FROM %(but)s ORDER BY created_at DESC LIMIT 1"
    )
    return _one(sql, person=person, service=service, but=but)


def by_channel(channel: str, service: str) -> Session | None:
    sql = (
        f"SELECT {COLUMNS} FROM authflows_simulatedsession WHERE channel = %(channel)s AND service = %(service)s"
        f" AND state = 'waiting' AND expires_at > now() LIMIT 1"
    )
    return _one(sql, channel=channel, service=service)
