"""When a JWT counts: exp, nbf and iat of what comes in from outside. Pure."""

from __future__ import annotations

from typing import Any

# FAPI 2.0 Security Profile section 5.3.2.1: clocks that are up to 10 s ahead must be borne with, more than 60 s must not.
LEEWAY = 10
# ... and section 5.3.2.1 of the Message Signing profile: what lives longer than an hour was not made for this request.
LONGEST = 3600


class NotNow(Exception):
    """The message is public."""


def current(claims: dict[str, Any], now: float, *, needed: tuple[str, ...] = ("exp",)) -> float:
    """When it ends, where it counts now and was made for now. Raises NotNow."""
    instants = {name: _instant(claims, name) for name in ("exp", "nbf", "iat")}
    for name in needed:
        if instants[name] is None:
            raise NotNow(f"{name} is missing")
    exp, nbf, iat = instants["exp"], instants["nbf"], instants["iat"]
    if exp is not None and exp <= now - LEEWAY:
        raise NotNow("expired")
    if exp is not None and exp > now + LONGEST + LEEWAY:
        raise NotNow("exp is more than 60 minutes ahead")
    for name, instant in (("nbf", nbf), ("iat", iat)):
        if instant is not None and instant > now + LEEWAY:
            raise NotNow(f"{name} is in the future")
        if instant is not None and instant < now - LONGEST - LEEWAY:
            raise NotNow(f"{name} is more than 60 minutes ago")
    return now + LONGEST if exp is None else exp


def _instant(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotNow(f"{name} is not a number")
    return value
