"""The SQL of asking what became of a token, and of ending one before its time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authflows.grants import SUB, USED
from authflows.refresh_tokens import GOOD
from authflows.store import transaction


@dataclass(frozen=True, slots=True)
class Token:
    """An access or refresh token that is good now."""

    kind: str  # access, refresh, or api: that one is of nobody who logged in
    id: uuid.UUID
    expires_at: datetime
    confirms: uuid.UUID | None
    relying_party_id: uuid.UUID
    sub: str
    scope: str
    acr: str
    auth_time: datetime | None
    jkt: str


FIND = f"""
WITH found AS (
    SELECT 'access' AS kind, t.id, t.expires_at, t.confirms, g.relying_party_id, {SUB} AS sub,
           coalesce(nullif(t.scope, ''), g.scope) AS scope, g.acr, g.auth_time, t.jkt
    FROM authflows_accesstoken t JOIN authflows_grant g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
    WHERE t.tenant_id = %(tenant)s AND t.hash = %(hash)s AND t.expires_at > now() AND g.revoked_at IS NULL AND g.issuer_id = %(issuer)s
    UNION ALL
    SELECT 'refresh', r.id, r.idle_expires_at, NULL, g.relying_party_id, {SUB}, g.scope, g.acr, g.auth_time, ''
    FROM authflows_refreshtoken r JOIN authflows_grant g ON g.tenant_id = r.tenant_id AND g.id = r.grant_id
    WHERE r.tenant_id = %(tenant)s AND r.hash = %(hash)s AND {GOOD} AND g.revoked_at IS NULL AND g.issuer_id = %(issuer)s
    UNION ALL
    SELECT 'api', a.id, a.expires_at, NULL, a.relying_party_id, '', a.scope, '', NULL, ''
    FROM authflows_apitoken a
    WHERE a.tenant_id = %(tenant)s AND a.hash = %(hash)s AND a.expires_at > now() AND a.issuer_id = %(issuer)s),
{USED.format(whose="found")}
SELECT * FROM found"""


def find(tenant_id: uuid.UUID, question: dict[str, Any]) -> Token | None:
    with transaction(tenant_id) as step:
        cursor = step.execute(FIND, question | {"tenant": tenant_id})
    row = cursor.fetchone()
    return Token(*row) if row else None


REVOKE = f"""
WITH ended AS (
    DELETE FROM authflows_accesstoken t USING authflows_grant g
    WHERE t.tenant_id = %(tenant)s AND t.hash = %(hash)s AND g.tenant_id = %(tenant)s AND g.id = t.grant_id
      AND g.relying_party_id = %(relying_party)s AND g.issuer_id = %(issuer)s
    RETURNING t.id),
family AS (
    UPDATE authflows_grant g SET revoked_at = coalesce(g.revoked_at, now()), sealed = NULL FROM authflows_refreshtoken r
    WHERE g.tenant_id = %(tenant)s AND r.tenant_id = %(tenant)s AND r.hash = %(hash)s AND g.id = r.grant_id
      AND g.relying_party_id = %(relying_party)s AND g.issuer_id = %(issuer)s
    RETURNING g.id),
own AS (
    DELETE FROM authflows_apitoken a
    WHERE a.tenant_id = %(tenant)s AND a.hash = %(hash)s AND a.relying_party_id = %(relying_party)s AND a.issuer_id = %(issuer)s
    RETURNING a.id),
revoked AS (SELECT id FROM ended UNION ALL SELECT id FROM family UNION ALL SELECT id FROM own),
{USED.format(whose="revoked")}
SELECT count(*) FROM revoked"""


def revoke(tenant_id: uuid.UUID, question: dict[str, Any]) -> bool:
    """Ends an access token, or all that came of a refresh token's login. False where the client has no such token."""
    with transaction(tenant_id) as step:
        cursor = step.execute(REVOKE, question | {"tenant": tenant_id})
    row = cursor.fetchone()
    return bool(row and row[0])
