"""The SQL of what a login gives: codes and tokens. As in `store`, one function a step, each one transaction."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authflows.store import transaction


@dataclass(frozen=True, slots=True)
class Redeemed:
    subject_id: uuid.UUID
    nonce: str
    scope: str
    acr: str
    amr: list[str]
    auth_time: datetime
    sid: str
    sub: str  # as the client is told it


SEALED = """
SELECT sealed FROM authflows_grant
WHERE tenant_id = %(tenant)s AND code_hash = %(code_hash)s AND used_at IS NULL AND revoked_at IS NULL"""


def sealed_to(tenant_id: uuid.UUID, code_hash: bytes) -> bytes | None:
    """What a code opens, for it to be sealed anew to a token. Only the code can open it."""
    with transaction(tenant_id) as step:
        cursor = step.execute(SEALED, {"tenant": tenant_id, "code_hash": code_hash})
    row = cursor.fetchone()
    return row[0] if row else None


REDEEM = """
WITH redeemed AS (
    UPDATE authflows_grant g SET used_at = now(), sealed = NULL FROM tenants_issuer i
    WHERE g.tenant_id = %(tenant)s AND g.code_hash = %(code_hash)s AND g.used_at IS NULL AND g.revoked_at IS NULL
      AND g.code_expires_at > now() AND g.issuer_id = %(issuer)s AND g.relying_party_id = %(relying_party)s
      AND g.redirect_uri = %(redirect_uri)s AND g.challenge = %(challenge)s AND i.id = %(issuer)s AND i.version = %(version)s
      AND NOT EXISTS (SELECT FROM tenants_ratelimit r WHERE r.key = %(limit_key)s AND r."window" >= %(limit_window)s AND r.n >= %(limit)s)
    RETURNING g.id, g.subject_id, g.nonce, g.scope, g.acr, g.amr, g.auth_time, g.sid,
              coalesce(nullif(g.sub, ''), g.subject_id::text) AS sub),
used AS (
    UPDATE authflows_clientsecret s SET last_used_at = now() FROM redeemed
    WHERE s.tenant_id = %(tenant)s AND s.id = %(secret)s AND (s.last_used_at IS NULL OR s.last_used_at < now() - interval '1 minute')),
issued AS (
    INSERT INTO authflows_accesstoken (tenant_id, id, grant_id, hash, expires_at, sealed)
    SELECT %(tenant)s, %(token)s, redeemed.id, %(hash)s, now() + make_interval(secs => %(seconds)s), %(sealed)s FROM redeemed)
SELECT subject_id, nonce, scope, acr, amr, auth_time, sid, sub FROM redeemed"""


def redeem(tenant_id: uuid.UUID, question: dict[str, Any]) -> Redeemed | None:
    """Spends a code and issues its access token, once: whoever comes second gets None."""
    with transaction(tenant_id) as step:
        cursor = step.execute(REDEEM, question | {"tenant": tenant_id})
    row = cursor.fetchone()
    return _redeemed(row) if row else None


def _redeemed(row: tuple[Any, ...]) -> Redeemed:
    subject, nonce, scope, acr, amr, auth_time, sid, sub = row
    return Redeemed(subject, nonce, scope, acr, json.loads(amr), auth_time, sid, sub)


REVOKE_REPLAYED = """
UPDATE authflows_grant SET revoked_at = coalesce(revoked_at, now()), sealed = NULL
WHERE tenant_id = %(tenant)s AND code_hash = %(code_hash)s AND relying_party_id = %(relying_party)s AND used_at IS NOT NULL"""


def revoke_replayed(tenant_id: uuid.UUID, code_hash: bytes, relying_party_id: uuid.UUID) -> bool:
    """A code that was spent before: what was issued for it ends (RFC 6749 section 4.1.2). True where it was one."""
    with transaction(tenant_id) as step:
        cursor = step.execute(REVOKE_REPLAYED, {"tenant": tenant_id, "code_hash": code_hash, "relying_party": relying_party_id})
    return cursor.rowcount > 0


@dataclass(frozen=True, slots=True)
class LiveToken:
    subject_id: uuid.UUID
    relying_party_id: uuid.UUID
    scope: str
    sealed: bytes | None
    sub: str


LIVE = """
SELECT g.subject_id, g.relying_party_id, g.scope, t.sealed, coalesce(nullif(g.sub, ''), g.subject_id::text)
FROM authflows_accesstoken t JOIN authflows_grant g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
WHERE t.tenant_id = %(tenant)s AND t.hash = %(hash)s AND t.expires_at > now() AND g.revoked_at IS NULL AND g.issuer_id = %(issuer)s"""


def live_token(tenant_id: uuid.UUID, issuer_id: uuid.UUID, token_hash: bytes) -> LiveToken | None:
    with transaction(tenant_id) as step:
        cursor = step.execute(LIVE, {"tenant": tenant_id, "hash": token_hash, "issuer": issuer_id})
    row = cursor.fetchone()
    return LiveToken(*row) if row else None
