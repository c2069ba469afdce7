"""UUIDv7 (RFC 9562 section 5.7): made here, because PostgreSQL 16 and 17 cannot.

A UUIDv7 tells its time of birth, so it is never a secret, a subject, a session id or a token.
"""

import os
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

_lock = threading.Lock()
_last = 0


def _ticks() -> int:
    """Milliseconds x 4096 + a 12-bit fraction, strictly increasing within this process."""
    global _last
    now = time.time_ns()
    ticks = (now // 1_000_000 << 12) | (now % 1_000_000 * 4096 // 1_000_000)
    with _lock:
        _last = ticks if ticks > _last else _last + 1
        return _last


def _assemble(ticks: int) -> uuid.UUID:
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return uuid.UUID(int=(ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | random)


def uuid7() -> uuid.UUID:
    return _assemble(_ticks())


def uuid7_at(instant: datetime) -> uuid.UUID:
    """A UUIDv7 born at `instant` (for imports and demonstrations)."""
    milliseconds = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return _assemble(milliseconds << 12 | int.from_bytes(os.urandom(2)) & 0xFFF)


def time_of(value: uuid.UUID) -> datetime:
    """When a UUIDv7 was born, to the millisecond."""
    if value.version != 7:
        raise ValueError(f"not a UUIDv7: {value}")
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=value.int >> 80)


def lower_bound(instant: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that millisecond: `id >= lower_bound(t)` selects what was born at t or later."""
    milliseconds = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)
