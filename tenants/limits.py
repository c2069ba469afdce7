"""How often: requests counted in fixed windows, in PostgreSQL, so that limits hold over processes and restarts.

A limit is named in settings.LIMITS: {"sign_in.address": (10, 60)} allows 10 in each window of 60 seconds. Whose they are is kept as a
hash. Every count fails closed.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction

logger = logging.getLogger(__name__)

# Counts in the caller's own statement and transaction, in the order of the keys, so that two requests never wait for each other. A clock
# that is behind never reopens a window. Reads `bucket (key, ends, allowed)`, which the caller's statement defines before it.
COUNTED_CTE = """
counted AS (
    INSERT INTO tenants_ratelimit AS held (key, "window", n) SELECT key, ends, 1 FROM bucket ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
        n = CASE WHEN held."window" < excluded."window" THEN 1 ELSE held.n + 1 END,
        "window" = greatest(held."window", excluded."window")
    RETURNING key, n
),
exceeded AS (SELECT key FROM counted JOIN bucket USING (key) WHERE n > allowed)
"""
# The same for buckets that are known beforehand. Named parameters: `parameters(buckets)`.
COUNT_CTE = f"""
bucket AS (
    SELECT * FROM unnest(%(limit_keys)s::text[], %(limit_windows)s::bigint[], %(limit_allowed)s::int[]) AS b (key, ends, allowed)
),
{COUNTED_CTE}"""
_HIT = f"WITH {COUNT_CTE} SELECT count(*) FROM exceeded"
_BLOCKED = 'SELECT 1 FROM tenants_ratelimit WHERE key = %s AND "window" >= %s AND n >= %s'


@dataclass(frozen=True)
class Bucket:
    """`key` is the limit's name and a hash of whose it is; `window` is when it ends, in seconds since 1970."""

    key: str
    window: int
    allowed: int


def buckets(names_and_keys: Iterable[tuple[str, str]]) -> list[Bucket]:
    """The current windows of these limits, in the order in which they must be counted. Raises KeyError for an unknown limit."""
    now = time.time()
    found = []
    for name, key in names_and_keys:
        allowed, seconds = settings.LIMITS[name]
        found.append(Bucket(_key(name, key), (int(now) // seconds + 1) * seconds, allowed))
    return sorted(found, key=lambda bucket: bucket.key)


def parameters(found: Sequence[Bucket]) -> dict[str, Any]:
    """For COUNT_CTE."""
    return {
        "limit_keys": [bucket.key for bucket in found],
        "limit_windows": [bucket.window for bucket in found],
        "limit_allowed": [bucket.allowed for bucket in found],
    }


def hit(name: str, key: str) -> bool:
    """Counts one in a transaction of its own, kept whatever happens next; False when it was one too many, or could not be counted."""
    found = buckets([(name, key)])
    try:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute(_HIT, parameters(found))
            return bool(cursor.fetchone()[0] == 0)
    except Error as error:
        logger.error("limit %s could not be counted: %s", name, type(error).__name__)
        return False


def blocked(name: str, key: str) -> bool:
    """Whether the next one would be too many, without counting it; True as well when that cannot be told."""
    (bucket,) = buckets([(name, key)])
    try:
        with connection.cursor() as cursor:
            cursor.execute(_BLOCKED, [bucket.key, bucket.window, bucket.allowed])
            return cursor.fetchone() is not None
    except Error as error:
        logger.error("limit %s could not be read: %s", name, type(error).__name__)
        return True


def purge() -> int:
    """Removes the windows that are over."""
    with connection.cursor() as cursor:
        cursor.execute('DELETE FROM tenants_ratelimit WHERE "window" < %s', [int(time.time()) - 60])
        return int(cursor.rowcount)


@lru_cache(maxsize=4096)
def _key(name: str, key: str) -> str:
    subject = _network(key) if name.endswith(".address") else key
    return f"{name}:{hashlib.sha256(subject.encode()).hexdigest()[:40]}"


def _network(address: str) -> str:
    """IPv6 by /64: whoever has one address of it has them all."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)
