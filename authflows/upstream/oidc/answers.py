"""Whether an upstream's id_token answers our request, and who it says logged in (OpenID Connect Core 3.1.3.7)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from authflows import jose, levels
from authflows.identity import Identity
from authflows.jose import NotBelieved, UnknownKey
from authflows.levels import Level
from authflows.upstream.base import Ask, Lost
from authflows.upstream.oidc import metadata
from authflows.upstream.oidc.calls import Caller
from authflows.upstream.oidc.metadata import Metadata
from authflows.upstream.oidc.presets import NATIVE, PRESETS, PROTECTED_NAME
from authflows.upstream.oidc.settings import OpenIDSettings
from tenants.ids import time_of

CLOCK_SECONDS = 60
TYPES = ("", "jwt")
LONGEST = 255


def verified(id_token: Any, nonce: str, ask: Ask, settings: OpenIDSettings, known: Metadata, caller: Caller) -> dict[str, Any]:
    """The id_token's claims. Raises Lost: the message names the check that failed, never what stood in the token."""
    try:
        token = jose.take_apart(id_token if isinstance(id_token, str) else "")
        try:
            claims = jose.verify(token, metadata.keys(known, caller), algorithms=jose.ALGORITHMS, types=TYPES)
        except UnknownKey:
            claims = jose.verify(token, metadata.keys_again(known, caller), algorithms=jose.ALGORITHMS, types=TYPES)
    except NotBelieved as problem:
        raise Lost(f"id_token: {problem}") from None
    if wrong := [name for name, holds in _checks(claims, nonce, ask, settings).items() if not holds]:
        raise Lost(f"id_token: {', '.join(wrong)}")
    return claims


def _checks(claims: Mapping[str, Any], nonce: str, ask: Ask, settings: OpenIDSettings) -> dict[str, bool]:
    """By claim, whether what it says answers this request, now."""
    now, audience = time.time(), claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    issued, ends = _number(claims.get("iat")), _number(claims.get("exp"))
    signed_in = _number(claims.get("auth_time", claims.get("iat")))
    return {
        "iss": claims.get("iss") == settings.issuer,
        "aud": settings.client_id in audiences,
        "azp": claims.get("azp", settings.client_id) == settings.client_id and (len(audiences) == 1 or "azp" in claims),
        "nonce": claims.get("nonce") == nonce,
        "iat": issued is not None and abs(now - issued) <= CLOCK_SECONDS,
        "exp": ends is not None and ends > now - CLOCK_SECONDS,
        # We always ask for a new login: an older one answers another request.
        "auth_time": signed_in is not None and signed_in >= time_of(ask.reference).timestamp() - CLOCK_SECONDS,
        "sub": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= LONGEST,
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def identity(claims: Mapping[str, Any], settings: OpenIDSettings) -> Identity:
    """Who logged in, by the connection's mapping. Raises Lost for a value that is not what its name says."""
    said = _mapped(claims, settings)
    name = _text(said, "name")
    protected = _flag(said, "name_protected") or name == PROTECTED_NAME
    ial, aal = _levels(said, claims)
    return Identity(
        # Its own `sub` only where it gives nothing else: then with its name, so that no two upstreams mean the same person by chance.
        national_id=_text(said, "mitid_uuid").lower() or f"{settings.issuer}#{claims['sub']}",
        kind="private",
        ial=ial,
        aal=aal,
        authenticated_at=datetime.fromtimestamp(float(claims.get("auth_time", claims["iat"])), UTC),
        authenticators=_texts(said.get("authenticators")),
        name="" if protected else name,
        given_name="" if protected else _text(said, "given_name"),
        family_name="" if protected else _text(said, "family_name"),
        birthdate=_birthdate(said),
        age=_age(said),
        has_cpr=_flag(said, "has_cpr"),
        name_protected=protected,
    )


def is_expected(found: Identity, claims: Mapping[str, Any], ask: Ask) -> bool:
    return ask.mitid_uuid in ("", found.national_id, str(claims.get("sub", "")).lower())


def _mapped(claims: Mapping[str, Any], settings: OpenIDSettings) -> dict[str, Any]:
    mapping = {**PRESETS[settings.preset].claims, **settings.claims}
    return {ours: claims[theirs] for ours, theirs in mapping.items() if ours in NATIVE and claims.get(theirs) not in (None, "")}


def _levels(said: Mapping[str, Any], claims: Mapping[str, Any]) -> tuple[Level, Level]:
    """(ial, aal), which together never say more than the upstream's `loa` or, without one, its `acr`. What says nothing is low."""
    both = [_level(said.get("ial")), _level(said.get("aal"))]
    loa = _level(said.get("loa")) or _level(claims.get("acr")) or min((each for each in both if each), default=Level.LOW)
    ial, aal = (each or loa for each in both)
    return ial, min(aal, loa) if min(ial, aal) > loa else aal


def _level(value: Any) -> Level | None:
    """A NSIS URI, or its word however it is written (LOW, Substantial)."""
    text = str(value or "")
    return levels.parse(text) or levels.parse(text.lower())


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST or "\x00" in value:
        raise Lost(f"claims: {name} is not a text that can be")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else str(value or "").split()
    return tuple(str(each)[:40] for each in values)[:10]


def _flag(said: Mapping[str, Any], name: str) -> bool:
    return said.get(name) in (True, "true", "True")


def _birthdate(said: Mapping[str, Any]) -> str:
    text = _text(said, "birthdate")
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat() if text else ""
    except ValueError:
        raise Lost("claims: birthdate is not a date") from None


def _age(said: Mapping[str, Any]) -> int | None:
    text = str(said.get("age", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
