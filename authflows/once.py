"""The SQL of what counts once. As in `store`, one function a step, each one transaction."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime

from authflows.errors import Stale
from authflows.store import transaction
from tenants.ids import uuid7

# Bound to the issuer's version, so that a request that is evaluated anew for a newer one does not find its own jti spent.
SPEND = """
WITH spent AS (
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
