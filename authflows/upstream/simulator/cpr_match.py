"""The simulated core's own comparing of CPR numbers: it counts for itself, as MitID's does."""

from __future__ import annotations

import hmac
import uuid
from typing import Any

from authflows import cpr
from authflows.upstream.simulator import lookup, memory


def compare(session_id: str, asked: dict[str, Any]) -> bool | None:
    """None where this session compares nothing any more."""
    user_id = memory.try_cpr(uuid.UUID(session_id), asked["service"], tries=cpr.TRIES, seconds=cpr.WITHIN.seconds)
    if user_id is None:
        return None
    person = lookup.find(asked["service"], user_id)
    return bool(person and person.cpr and hmac.compare_digest(str(asked["cpr"]).encode(), person.cpr.encode()))
