"""The SQL of what a login gives: codes, and the access tokens issued for them. As in `store`, one function a step, each one transaction."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authflows.store import transaction


@dataclass(frozen=True, slots=True)
class Terms:
    """What was approved, for whom and how: every token of a grant says the same."""

    sub: str  # as the client is told it
    nonce: str
    scope: str
    acr: str
    amr: list[str]
    auth_time: datetime
    sid: str


SUB = "coalesce(nullif(g.sub, ''), g.subject_id::text)"
TERMS = f"{SUB}, g.nonce, g.scope, g.acr, g.amr, g.auth_time, g.sid"


def terms(columns: tuple[Any, ...]) -> Terms:
    """From the columns TERMS."""
    sub, nonce, scope, acr, amr, auth_time, sid = columns
    return Terms(sub, nonce, scope, acr, json.loads(amr), auth_time, sid)


FIND = f"""
SELECT g.sealed, {TERMS} FROM authflows_grant g
WHERE g.tenant_id = %(tenant)s AND g.code_hash = %(code_hash)s AND g.used_at IS NULL AND g.revoked_at IS NULL"""


def find(tenant_id: uuid.UUID, code_hash: bytes) -> tuple[bytes, Terms] | None:
    """What a code opens, for it to be sealed anew to a token, and on which terms. Only the code can open it."""
    with transaction(tenant_id) as step:
        cursor = step.execute(FIND, {"tenant": tenant_id, "code_hash": code_hash})
    row = cursor.fetchone()
    return (row[0], terms(row[1:])) if row and row[0] else None


# What a client calls with counts as used, once a minute at most: it tells the tenant which of two secrets can go.
USED = """
used AS (
    UPDATE authflows_clientsecret s SET last_used_at = now() FROM {whose}
    WHERE s.tenant_id = %(tenant)s AND s.id = %(secret)s AND (s.last_used_at IS NULL OR s.last_used_at < now() - interval '1 minute'))"""
NOT_LIMITED = """
NOT EXISTS (SELECT FROM tenants_ratelimit l WHERE l.key = %(limit_key)s AND l."window" >= %(limit_window)s AND l.n >= %(limit)s)"""

_REDEEM = f"""
WITH redeemed AS (
    UPDATE authflows_grant g SET used_at = now(), sealed = NULL, jkt = CASE WHEN %(binds)s THEN %(jkt)s ELSE g.jkt END
    FROM tenants_issuer i
    WHERE g.tenant_id = %(tenant)s AND g.code_hash = %(code_hash)s AND g.used_at IS NULL AND g.revoked_at IS NULL
      AND g.code_expires_at > now() AND g.issuer_id = %(issuer)s AND g.relying_party_id = %(relying_party)s
      AND g.redirect_uri = %(redirect_uri)s AND g.challenge = %(challenge)s AND i.id = %(issuer)s AND i.version = %(version)s
      AND (g.jkt = '' OR g.jkt = %(jkt)s) AND {NOT_LIMITED}
    RETURNING g.id),
{USED.format(whose="redeemed")},
issued AS (
    INSERT INTO authflows_accesstoken (tenant_id, id, grant_id, hash, expires_at, jkt, sealed)
    SELECT %(tenant)s, %(token)s, redeemed.id, %(hash)s, now() + make_interval(secs => %(seconds)s), %(jkt)s, %(sealed)s FROM redeemed)"""
_REFRESHABLE = """,
refreshable AS (
    INSERT INTO authflows_refreshtoken (tenant_id, id, grant_id, hash, idle_expires_at, expires_at)
    SELECT %(tenant)s, %(refresh_token)s, redeemed.id, %(refresh_hash)s, now() + make_interval(secs => %(idle_seconds)s),
           now() + make_interval(secs => %(refresh_seconds)s) FROM redeemed)"""
_ANSWER = "\nSELECT 1 FROM redeemed"
REDEEM = _REDEEM + _ANSWER
REDEEM_REFRESHABLE = _REDEEM + _REFRESHABLE + _ANSWER


def redeem(tenant_id: uuid.UUID, question: dict[str, Any]) -> bool:
    """Spends a code and issues its tokens, once: whoever comes second gets False. A refresh token where `question` has one."""
    with transaction(tenant_id) as step:
        cursor = step.execute(REDEEM_REFRESHABLE if "refresh_token" in question else REDEEM, question | {"tenant": tenant_id})
    return cursor.fetchone() is not None


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
    sub: str
    relying_party_id: uuid.UUID
    scope: str
    sealed: bytes | None
    confirms: uuid.UUID | None  # the refresh token that the first use of this one ends
    jkt: str


LIVE = f"""
SELECT {SUB}, g.relying_party_id, coalesce(nullif(t.scope, ''), g.scope), t.sealed, t.confirms, t.jkt
FROM authflows_accesstoken t JOIN authflows_grant g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
WHERE t.tenant_id = %(tenant)s AND t.hash = %(hash)s AND t.expires_at > now() AND g.revoked_at IS NULL AND g.issuer_id = %(issuer)s"""


def live_token(tenant_id: uuid.UUID, issuer_id: uuid.UUID, token_hash: bytes) -> LiveToken | None:
    with transaction(tenant_id) as step:
        cursor = step.execute(LIVE, {"tenant": tenant_id, "hash": token_hash, "issuer": issuer_id})
    row = cursor.fetchone()
    return LiveToken(*row) if row else None
