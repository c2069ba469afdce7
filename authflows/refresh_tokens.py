"""The SQL of refresh tokens, in the style of `store`: used, replaced, recognised as replayed, ended.

A public client's token is replaced at each use. The one before it stays good, and gives the same successor again, until that successor or
the access token beside it is used, and for a minute at most: an answer that was lost can be fetched again, and two refreshes at once agree.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from authflows.grants import NOT_LIMITED, TERMS, USED, Terms, terms
from authflows.store import transaction

GOOD = """
r.idle_expires_at > now() AND (r.replaced_at IS NULL
                               OR (r.spent_at IS NULL AND r.replaced_at > now() - make_interval(secs => %(repeat_seconds)s)))"""

FIND = f"""
SELECT {TERMS}
FROM authflows_refreshtoken r JOIN authflows_grant g ON g.tenant_id = r.tenant_id AND g.id = r.grant_id
WHERE r.tenant_id = %(tenant)s AND r.hash = %(presented)s AND g.issuer_id = %(issuer)s AND g.relying_party_id = %(relying_party)s
  AND g.revoked_at IS NULL AND {GOOD}"""


def find(tenant_id: uuid.UUID, question: dict[str, Any]) -> Terms | None:
    """The terms of a refresh token that is good now, for the client that it was given to."""
    with transaction(tenant_id) as step:
        cursor = step.execute(FIND, question | {"tenant": tenant_id})
    row = cursor.fetchone()
    return terms(row) if row else None


# A token that is presented a second time in its minute keeps the salt of the first: both answers carry the same successor.
REFRESH = f"""
WITH refreshed AS (
    UPDATE authflows_refreshtoken r
    SET used_at = now(),
        idle_expires_at = CASE WHEN %(rotate)s THEN r.idle_expires_at
                               ELSE least(now() + make_interval(secs => %(idle_seconds)s), r.expires_at) END,
        replaced_at = CASE WHEN %(rotate)s THEN coalesce(r.replaced_at, now()) END,
        salt = CASE WHEN %(rotate)s THEN coalesce(r.salt, %(salt)s) END
    FROM authflows_grant g, tenants_issuer i
    WHERE r.tenant_id = %(tenant)s AND r.hash = %(presented)s AND {GOOD}
      AND g.tenant_id = %(tenant)s AND g.id = r.grant_id AND g.issuer_id = %(issuer)s AND g.relying_party_id = %(relying_party)s
      AND g.revoked_at IS NULL AND i.id = %(issuer)s AND i.version = %(version)s AND {NOT_LIMITED}
      AND (NOT %(rotate)s OR g.jkt = '' OR g.jkt = %(jkt)s)
    RETURNING r.id, r.grant_id, r.expires_at, r.predecessor_id, r.salt),
{USED.format(whose="refreshed")},
spent AS (
    UPDATE authflows_refreshtoken p SET spent_at = now() FROM refreshed
    WHERE p.tenant_id = %(tenant)s AND p.id = refreshed.predecessor_id AND p.spent_at IS NULL),
successor AS (
    INSERT INTO authflows_refreshtoken (tenant_id, id, grant_id, hash, idle_expires_at, expires_at, predecessor_id)
    SELECT %(tenant)s, %(refresh_token)s, refreshed.grant_id, %(refresh_hash)s,
           least(now() + make_interval(secs => %(idle_seconds)s), refreshed.expires_at), refreshed.expires_at, refreshed.id
    FROM refreshed WHERE refreshed.salt = %(salt)s),
issued AS (
    INSERT INTO authflows_accesstoken (tenant_id, id, grant_id, hash, expires_at, scope, jkt, confirms)
    SELECT %(tenant)s, %(token)s, refreshed.grant_id, %(hash)s, now() + make_interval(secs => %(seconds)s), %(scope)s, %(jkt)s,
           CASE WHEN %(rotate)s THEN refreshed.id END
    FROM refreshed)
SELECT salt FROM refreshed"""


@dataclass(frozen=True, slots=True)
class Refreshed:
    salt: bytes | None  # of the successor; None where the token was not replaced


def refresh(tenant_id: uuid.UUID, question: dict[str, Any]) -> Refreshed | None:
    """Uses a refresh token for a new access token. None where it is not good, or the client has changed since it was read."""
    with transaction(tenant_id) as step:
        cursor = step.execute(REFRESH, question | {"tenant": tenant_id})
    row = cursor.fetchone()
    return Refreshed(row[0]) if row else None


REVOKE_REPLAYED = f"""
UPDATE authflows_grant g SET revoked_at = coalesce(g.revoked_at, now()), sealed = NULL FROM authflows_refreshtoken r
WHERE g.tenant_id = %(tenant)s AND r.tenant_id = %(tenant)s AND r.hash = %(presented)s AND g.id = r.grant_id
  AND g.issuer_id = %(issuer)s AND g.relying_party_id = %(relying_party)s AND r.replaced_at IS NOT NULL AND NOT ({GOOD})"""


def revoke_replayed(tenant_id: uuid.UUID, question: dict[str, Any]) -> bool:
    """A token that was replaced before: whoever has it, the family ends (RFC 9700 section 4.14.2). True where it was one."""
    with transaction(tenant_id) as step:
        cursor = step.execute(REVOKE_REPLAYED, question | {"tenant": tenant_id})
    return cursor.rowcount > 0


SPEND = """
UPDATE authflows_refreshtoken r SET spent_at = coalesce(r.spent_at, now()) WHERE r.tenant_id = %(tenant)s AND r.id = %(id)s"""
CONFIRMED = "UPDATE authflows_accesstoken t SET confirms = NULL WHERE t.tenant_id = %(tenant)s AND t.hash = %(hash)s"


def confirm(tenant_id: uuid.UUID, replaced: uuid.UUID, access_token_hash: bytes) -> None:
    """An access token of a refresh was used: its answer arrived, so the token that it was asked with is over."""
    with transaction(tenant_id) as step:
        step.execute(SPEND, {"tenant": tenant_id, "id": replaced})
        step.execute(CONFIRMED, {"tenant": tenant_id, "hash": access_token_hash})
