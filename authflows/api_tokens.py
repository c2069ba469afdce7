"""The SQL of tokens for our own API, in the style of `store`: given, found. `tokens` tells of them and ends them, as of others."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from authflows.grants import NOT_LIMITED, USED
from authflows.store import transaction

GIVE = f"""
WITH given AS (
    INSERT INTO authflows_apitoken (tenant_id, id, relying_party_id, issuer_id, hash, scope, expires_at)
    SELECT %(tenant)s, %(token)s, %(relying_party)s, i.id, %(hash)s, %(scope)s, now() + make_interval(secs => %(seconds)s)
    FROM tenants_issuer i WHERE i.id = %(issuer)s AND i.version = %(version)s AND {NOT_LIMITED} RETURNING id),
{USED.format(whose="given")}
SELECT count(*) FROM given"""


def give(tenant_id: uuid.UUID, question: dict[str, Any]) -> bool:
    """False where the client has changed since it was read, or has failed too often."""
    with transaction(tenant_id) as step:
        cursor = step.execute(GIVE, question | {"tenant": tenant_id})
    row = cursor.fetchone()
    return bool(row and row[0])


@dataclass(frozen=True, slots=True)
class Found:
    relying_party_id: uuid.UUID
    scope: str


FIND = """
SELECT a.relying_party_id, a.scope FROM authflows_apitoken a
WHERE a.tenant_id = %(tenant)s AND a.hash = %(hash)s AND a.issuer_id = %(issuer)s AND a.expires_at > now()"""


def find(tenant_id: uuid.UUID, issuer_id: uuid.UUID, token_hash: bytes) -> Found | None:
    with transaction(tenant_id) as step:
        cursor = step.execute(FIND, {"tenant": tenant_id, "issuer": issuer_id, "hash": token_hash})
    row = cursor.fetchone()
    return Found(*row) if row else None
