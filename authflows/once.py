"""The SQL of what counts once. As in `store`, one function a step, each one transaction."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from authflows.errors import Stale
from authflows.store import transaction
from tenants import limits
from tenants.ids import uuid7
from tenants.limits import Bucket

# Bound to the issuer's version, so that a request that is evaluated anew for a newer one does not find its own jti spent. Each that comes
# takes some with it that are over: a public client's proofs cost nobody anything, so nothing else would bound the table.
SPEND = """
WITH over AS (
    DELETE FROM authflows_spentjti o WHERE o.tenant_id = %(tenant)s AND o.id IN (
        SELECT s.id FROM authflows_spentjti s WHERE s.tenant_id = %(tenant)s AND s.expires_at < now() - interval '1 minute'
        ORDER BY s.expires_at LIMIT 4 FOR UPDATE SKIP LOCKED)),
spent AS (
    INSERT INTO authflows_spentjti (tenant_id, id, hash, expires_at)
    SELECT %(tenant)s, %(id)s, %(hash)s, %(until)s FROM tenants_issuer i WHERE i.id = %(issuer)s AND i.version = %(version)s
    ON CONFLICT (tenant_id, hash) DO NOTHING RETURNING id)
SELECT (SELECT count(*) FROM spent), (SELECT i.version FROM tenants_issuer i WHERE i.id = %(issuer)s)"""


def spend(tenant_id: uuid.UUID, issuer_id: uuid.UUID, version: int, what: tuple[str, ...], until: float) -> bool:
    """Takes note of a jti; False where it had been taken. `what`: its purpose, whose it is, the jti. Raises Stale."""
    params = {
        "tenant": tenant_id,
        "id": uuid7(),
        "hash": digest(what),
        "until": datetime.fromtimestamp(until, UTC),
        "issuer": issuer_id,
        "version": version,
    }
    with transaction(tenant_id) as step:
        cursor = step.execute(SPEND, params)
    spent, current = cursor.fetchone() or (0, None)
    if not spent and current != version:
        raise Stale
    return bool(spent)


def digest(what: tuple[str, ...]) -> bytes:
    """Of parts that cannot run into each other."""
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in what).encode()).digest()


# Rows that no login under way can end with any more go as new ones come: a public client pushes without a secret.
PUSH = f"""
WITH {limits.COUNT_CTE},
over AS (
    DELETE FROM authflows_pushedrequest o WHERE o.tenant_id = %(tenant)s AND o.id IN (
        SELECT p.id FROM authflows_pushedrequest p
        WHERE p.tenant_id = %(tenant)s AND p.expires_at < now() - make_interval(secs => %(longest_login)s)
        ORDER BY p.expires_at LIMIT 4 FOR UPDATE SKIP LOCKED)),
pushed AS (
    INSERT INTO authflows_pushedrequest (tenant_id, id, relying_party_id, issuer_id, reference_hash, sealed, expires_at)
    SELECT %(tenant)s, %(id)s, %(relying_party)s, i.id, %(reference_hash)s, %(sealed)s, now() + make_interval(secs => %(seconds)s)
    FROM tenants_issuer i
    WHERE i.id = %(issuer)s AND i.version = %(version)s AND i.state = 'active' AND NOT EXISTS (SELECT FROM exceeded)
    RETURNING id)
SELECT (SELECT count(*) FROM pushed), (SELECT count(*) FROM exceeded)"""


def push(
    tenant_id: uuid.UUID,
    issuer_id: uuid.UUID,
    version: int,
    relying_party_id: uuid.UUID,
    *,
    reference_hash: bytes,
    sealed: bytes,
    seconds: int,
    buckets: list[Bucket],
) -> bool:
    """Keeps a request for its browser; False where a limit is exceeded. Raises Stale."""
    params = {
        "tenant": tenant_id,
        "id": uuid7(),
        "relying_party": relying_party_id,
        "issuer": issuer_id,
        "version": version,
        "reference_hash": reference_hash,
        "sealed": sealed,
        "seconds": seconds,
        "longest_login": settings.LOGIN_SECONDS + settings.CODE_SECONDS,
    }
    with transaction(tenant_id) as step:
        cursor = step.execute(PUSH, params | limits.parameters(buckets))
    kept, over = cursor.fetchone() or (0, 0)
    if not kept and not over:
        raise Stale
    return bool(kept)


@dataclass(frozen=True, slots=True)
class Waiting:
    id: uuid.UUID
    sealed: bytes


WAITING = """
SELECT p.id, p.sealed FROM authflows_pushedrequest p
WHERE p.tenant_id = %(tenant)s AND p.reference_hash = %(reference_hash)s AND p.issuer_id = %(issuer)s
  AND p.relying_party_id = %(relying_party)s AND p.used_by IS NULL AND p.expires_at > now()"""


def waiting(tenant_id: uuid.UUID, issuer_id: uuid.UUID, relying_party_id: uuid.UUID, reference_hash: bytes) -> Waiting | None:
    """The request behind a reference, for the client that pushed it, until a login has ended with it or its time is over."""
    params = {"tenant": tenant_id, "issuer": issuer_id, "relying_party": relying_party_id, "reference_hash": reference_hash}
    with transaction(tenant_id) as step:
        cursor = step.execute(WAITING, params)
    row = cursor.fetchone()
    return Waiting(row[0], bytes(row[1])) if row else None


USE = """
UPDATE authflows_pushedrequest SET used_by = %(login)s
WHERE tenant_id = %(tenant)s AND id = %(id)s AND (used_by IS NULL OR used_by = %(login)s)"""


def use(tenant_id: uuid.UUID, pushed_id: uuid.UUID, login_id: uuid.UUID) -> bool:
    """A login ends with this request: whichever of several comes first. Repeatable by the same login."""
    with transaction(tenant_id) as step:
        cursor = step.execute(USE, {"tenant": tenant_id, "id": pushed_id, "login": login_id})
    return cursor.rowcount > 0
