"""Single sign-on of one browser, at one relying party or at a group of them: what is kept, when it is too old, and how a completed
login opens or continues it. Pure; the SQL here is a part of the completion's own statement (decision 8).
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authflows.identity import Identity

# How the announcement of an ended session is kept in the outbox.
ENDED = "logout.session"


def holder(relying_party_id: uuid.UUID, sso_group: str) -> str:
    """Who shares a session: a group of the environment's relying parties, or one of them alone."""
    return f"group:{sso_group}" if sso_group else f"client:{relying_party_id}"


def secret_hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class Opening:
    """What a completed login leaves in its browser. `was` is the hash of the secret that the browser came with, where it had one."""

    holder: str
    hash: bytes
    was: bytes | None
    sealed: bytes | None
    seconds: int


@dataclass(frozen=True, slots=True)
class Known:
    """A session that lasts, as its own browser finds it."""

    id: uuid.UUID
    subject_id: uuid.UUID
    sealed: bytes | None


def kept(identity: Identity, connection: uuid.UUID, core_session: uuid.UUID) -> dict[str, Any]:
    """What is sealed to the browser's cookie."""
    return {"identity": identity.kept().as_json(), "connection": str(connection), "core_session": str(core_session)}


def recent_enough(authenticated_at: datetime, max_age: int | None, now: datetime) -> bool:
    """By `auth_time` as the client is told it, in whole seconds (OpenID Connect Core 3.1.2.1)."""
    return max_age is None or now.timestamp() - int(authenticated_at.timestamp()) <= max_age


# Of a session that ends: what was given within it ends too, but what a client may use without the person (OpenID Connect Back-Channel
# Logout 1.0 section 2.7), and its members are told. Reads `ended (id)`.
REVOKED_AND_ANNOUNCED = f"""
revoked AS (
    UPDATE authflows_grant g SET revoked_at = now(), sealed = NULL FROM ended
    WHERE g.tenant_id = %(tenant)s AND g.session_id = ended.id AND g.revoked_at IS NULL
      AND NOT ('offline_access' = ANY(string_to_array(g.scope, ' ')))),
announced AS (
    INSERT INTO tenants_outboxmessage (id, kind, for_tenant, ids, attempts)
    SELECT %(message)s, '{ENDED}', %(tenant)s, jsonb_build_object('session', ended.id), 0 FROM ended)"""
BEGUN = """
    INSERT INTO authflows_brokersession (tenant_id, id, environment_id, holder, browser_hash, subject_id, sealed, expires_at)
    SELECT %(tenant)s, %(session)s, %(environment)s, %(holder)s, %(session_hash)s, person.id, %(session_sealed)s,
           now() + make_interval(secs => %(session_seconds)s) FROM done, person"""
# Both read `done (id)` and `person (id)`, and give `opened (id, sid)`. In a browser without a session:
OPENED = f"""
opened AS ({BEGUN} RETURNING id, %(sid)s::text AS sid)"""
# In a browser that has one: of the same person it goes on, with a new secret; somebody else's ends.
CONTINUED = f"""
renewed AS (
    UPDATE authflows_brokersession s
    SET browser_hash = %(session_hash)s, sealed = %(session_sealed)s, used_at = now(),
        expires_at = now() + make_interval(secs => %(session_seconds)s) FROM person
    WHERE s.tenant_id = %(tenant)s AND s.browser_hash = %(session_was)s AND s.environment_id = %(environment)s AND s.holder = %(holder)s
      AND s.subject_id = person.id AND s.ended_at IS NULL RETURNING s.id),
ended AS (
    UPDATE authflows_brokersession s SET ended_at = now(), sealed = NULL FROM person
    WHERE s.tenant_id = %(tenant)s AND s.browser_hash = %(session_was)s AND s.environment_id = %(environment)s AND s.holder = %(holder)s
      AND s.subject_id <> person.id AND s.ended_at IS NULL RETURNING s.id),
{REVOKED_AND_ANNOUNCED},
begun AS ({BEGUN} WHERE NOT EXISTS (SELECT FROM renewed) RETURNING id),
opened AS (
    SELECT renewed.id, coalesce((SELECT g.sid FROM authflows_grant g WHERE g.tenant_id = %(tenant)s AND g.session_id = renewed.id
                                 AND g.relying_party_id = %(relying_party)s ORDER BY g.id LIMIT 1), %(sid)s) AS sid FROM renewed
    UNION ALL SELECT begun.id, %(sid)s FROM begun)"""
