"""The SQL of sessions: found, used again, ended. As in `store`, one function a step, each one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from authflows.pipeline import Result
from authflows.sessions import REVOKED_AND_ANNOUNCED, Known
from authflows.store import TOLD_AS, transaction
from tenants import limits, outbox
from tenants.ids import uuid7
from tenants.limits import Bucket

LASTING = """
SELECT s.id, s.subject_id, s.sealed FROM authflows_brokersession s
WHERE s.tenant_id = %(tenant)s AND s.browser_hash = %(hash)s AND s.environment_id = %(environment)s AND s.holder = %(holder)s
  AND s.ended_at IS NULL AND s.expires_at > now() AND s.used_at > now() - make_interval(secs => %(idle)s)"""


def lasting(tenant_id: uuid.UUID, environment_id: uuid.UUID, holder: str, browser_hash: bytes, *, idle: int) -> Known | None:
    params = {"tenant": tenant_id, "environment": environment_id, "holder": holder, "hash": browser_hash, "idle": idle}
    with transaction(tenant_id) as step:
        cursor = step.execute(LASTING, params)
    row = cursor.fetchone()
    return Known(*row) if row else None


# The session was read in a transaction of its own: it must still last, for this secret.
_USED = """
    UPDATE authflows_brokersession s SET used_at = now() FROM {source}
    WHERE s.tenant_id = %(tenant)s AND s.id = %(session)s AND s.browser_hash = %(session_hash)s AND s.ended_at IS NULL
      AND s.expires_at > now() AND {condition} RETURNING s.id, s.subject_id"""
# A member keeps its sid as long as the session lasts.
_GRANTED = """
granted AS (
    INSERT INTO authflows_grant (tenant_id, id, login_id, relying_party_id, issuer_id, subject_id, code_hash, code_expires_at, redirect_uri,
                                 challenge, nonce, scope, acr, amr, auth_time, sid, jkt, session_id, sealed)
    SELECT %(tenant)s, %(grant_id)s, done.id, %(relying_party)s, %(issuer)s, used.subject_id, %(code_hash)s,
           now() + make_interval(secs => %(code_seconds)s), %(redirect_uri)s, %(challenge)s, %(nonce)s, %(scope)s, %(acr)s, %(amr)s,
           %(auth_time)s,
           coalesce((SELECT g.sid FROM authflows_grant g WHERE g.tenant_id = %(tenant)s AND g.session_id = %(session)s
                     AND g.relying_party_id = %(relying_party)s ORDER BY g.id LIMIT 1), %(sid)s),
           %(jkt)s, used.id, %(sealed)s FROM done, used)"""
_CURRENT = "i.id = %(issuer)s AND i.version = %(version)s AND i.state = 'active'"
REUSE = f"""
WITH {limits.COUNT_CTE},
used AS ({_USED.format(source="tenants_issuer i", condition=f"{_CURRENT} AND NOT EXISTS (SELECT FROM exceeded)")}),
done AS (
    INSERT INTO authflows_login (tenant_id, id, environment_id, issuer_id, relying_party_id, handle, browser_hash, state, request, answer,
                                 outcome, error, trace_id, trial, reused, expires_at, ended_at)
    SELECT %(tenant)s, %(login)s, %(environment)s, %(issuer)s, %(relying_party)s, %(handle)s, %(browser_hash)s, 'completed', %(request)s,
           %(answer)s, 'completed', '', %(trace_id)s, false, true, now(), now() FROM used RETURNING id),{_GRANTED}
SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM exceeded)"""
REUSE_STORED = f"""
WITH l AS (
    SELECT l.id FROM authflows_login l
    WHERE l.tenant_id = %(tenant)s AND l.id = %(login)s AND l.state = 'created' AND l.expires_at > now() FOR UPDATE),
used AS ({_USED.format(source="l, tenants_issuer i", condition=_CURRENT)}),
done AS (
    UPDATE authflows_login u SET state = 'completed', answer = %(answer)s, outcome = 'completed', reused = true, ended_at = now() FROM used
    WHERE u.tenant_id = %(tenant)s AND u.id = %(login)s AND u.state = 'created' RETURNING u.id),{_GRANTED}
SELECT (SELECT count(*) FROM done), 0"""


@dataclass(frozen=True, slots=True)
class Reused:
    done: bool
    over_limit: bool


def reuse(tenant_id: uuid.UUID, login: dict[str, Any], grant: dict[str, Any], buckets: list[Bucket]) -> Reused:
    """A Login that its session completes as it begins. Neither done nor over a limit: session or issuer have changed since."""
    return _reuse(tenant_id, REUSE, login | {"request": Jsonb(login["request"])} | limits.parameters(buckets), grant)


def reuse_stored(tenant_id: uuid.UUID, login: dict[str, Any], grant: dict[str, Any]) -> bool:
    """The same for a Login that waits for its browser."""
    return _reuse(tenant_id, REUSE_STORED, login, grant).done


def _reuse(tenant_id: uuid.UUID, sql: str, login: dict[str, Any], grant: dict[str, Any]) -> Reused:
    more = {"tenant": tenant_id, "grant_id": uuid7(), "answer": Jsonb({"completed": True}), "amr": Jsonb(grant["amr"])}
    with transaction(tenant_id) as step:
        cursor = step.execute(sql, grant | login | more)
        if "scheme" in grant:
            step.execute(TOLD_AS, grant | login | more)
    done, over = cursor.fetchone() or (0, 0)
    return Reused(bool(done), bool(over))


_END = f"""
WITH ended AS (
    UPDATE authflows_brokersession s SET ended_at = now(), sealed = NULL
    WHERE s.tenant_id = %(tenant)s AND s.ended_at IS NULL AND {{condition}} RETURNING s.id),
{REVOKED_AND_ANNOUNCED}
SELECT count(*) FROM ended"""
_MEMBER = "FROM authflows_grant g WHERE g.tenant_id = %(tenant)s AND g.sid = %(sid)s AND g.relying_party_id = %(relying_party)s LIMIT 1"
END_OF_MEMBER = _END.format(condition=f"s.id = (SELECT g.session_id {_MEMBER})")
_BROWSER = "s.environment_id = %(environment)s AND s.browser_hash = %(hash)s"
END_OF_BROWSER = _END.format(condition=_BROWSER)
END_OF_BROWSER_OF_MEMBER = _END.format(condition=f"{_BROWSER} AND s.subject_id = (SELECT g.subject_id {_MEMBER})")


def end_of_member(
    tenant_id: uuid.UUID, environment_id: uuid.UUID, relying_party_id: uuid.UUID, sid: str, browser_hash: bytes | None
) -> None:
    """Ends the session that a member knows by `sid`, and the browser's own where it is the same person's."""
    params = {"tenant": tenant_id, "environment": environment_id, "sid": sid, "relying_party": relying_party_id}
    with transaction(tenant_id) as step:
        ended = [step.execute(END_OF_MEMBER, params | {"message": uuid7()})]
        if browser_hash is not None:
            ended.append(step.execute(END_OF_BROWSER_OF_MEMBER, params | {"hash": browser_hash, "message": uuid7()}))
    _tell(ended)


def end_of_browser(tenant_id: uuid.UUID, environment_id: uuid.UUID, browser_hashes: Iterable[bytes]) -> None:
    """Ends the sessions of one browser."""
    shared = {"tenant": tenant_id, "environment": environment_id}
    with transaction(tenant_id) as step:
        ended = [step.execute(END_OF_BROWSER, shared | {"hash": each, "message": uuid7()}) for each in browser_hashes]
    _tell(ended)


def _tell(ended: list[Result]) -> None:
    """Their members, at once: what is announced waits in the outbox."""
    if any((cursor.fetchone() or (0,))[0] for cursor in ended):
        outbox.nudge()
