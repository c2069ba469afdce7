"""What an upstream says of itself, and its keys: remembered by this process for a while (OpenID Connect Discovery 1.0 sections 3 and 4)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authflows import jose
from authflows.jose import PublicKey, UnusableKeys
from authflows.upstream.base import Lost
from authflows.upstream.oidc.calls import Caller

FRESH_SECONDS = 3600
KEYS_FRESH_SECONDS = 600
# How often an unknown kid may make us ask again.
AGAIN_SECONDS = 10
MOST_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Metadata:
    issuer: str
    authorization: str
    token: str
    userinfo: str  # "" where there is none
    par: str
    jwks: str
    names_itself: bool  # RFC 9207: every answer says who gives it


_metadata: dict[str, tuple[float, Metadata]] = {}
_keys: dict[str, tuple[float, tuple[PublicKey, ...]]] = {}


def of(issuer: str, caller: Callable[[], Caller]) -> Metadata:
    """Raises Lost, and whatever `caller` raises, which is called only where somebody must be asked."""
    known = _metadata.get(issuer)
    if known is not None and time.monotonic() - known[0] < FRESH_SECONDS:
        return known[1]
    told = caller().get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", "discovery")
    if told.status != 200:
        raise Lost(f"discovery: status {told.status}")
    found = _read(issuer, told.body)
    _remember(_metadata, issuer, found)
    return found


def _read(issuer: str, said: dict[str, Any]) -> Metadata:
    if said.get("issuer") != issuer:
        raise Lost("discovery: it is another issuer")
    needed = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    authorization, token, jwks = (name if isinstance(name, str) else "" for name in needed)
    if not (authorization and token and jwks) or not authorization.startswith(("https://", "http://")):
        raise Lost("discovery: an endpoint is missing")
    userinfo, par = (str(said.get(name) or "") for name in ("userinfo_endpoint", "pushed_authorization_request_endpoint"))
    names_itself = said.get("authorization_response_iss_parameter_supported") is True
    return Metadata(issuer, authorization, token, userinfo, par, jwks, names_itself)


def keys(metadata: Metadata, caller: Caller, fresh: float = KEYS_FRESH_SECONDS) -> tuple[PublicKey, ...]:
    """Raises Lost."""
    known = _keys.get(metadata.jwks)
    if known is not None and time.monotonic() - known[0] < fresh:
        return known[1]
    told = caller.get(metadata.jwks, "keys")
    try:
        found = jose.key_set(told.body)
    except UnusableKeys as unusable:
        raise Lost(f"keys: {unusable}") from None
    _remember(_keys, metadata.jwks, found)
    return found


def keys_again(metadata: Metadata, caller: Caller) -> tuple[PublicKey, ...]:
    """After a key that we do not know: they may have changed. Asked again once in ten seconds, whoever asks."""
    return keys(metadata, caller, AGAIN_SECONDS)


def _remember(memory: dict[str, tuple[float, Any]], name: str, found: Any) -> None:
    if len(memory) >= MOST_REMEMBERED:
        memory.clear()
    memory[name] = (time.monotonic(), found)


def forget() -> None:
    _metadata.clear()
    _keys.clear()
