"""private_key_jwt: a client shows a JWT that it signed for us, now, once (RFC 7523 section 3, FAPI 2.0 Security Profile 5.3.2.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authflows.oidc import instants

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# RFC 7523bis gives assertions a type of their own; most clients send JWT, or none.
TYPES = ("client-authentication+jwt", "jwt", "")
LONGEST_JTI = 256
# A spent jti is remembered past its end by more than the leeway.
KEPT_LONGER = 60


class NotAccepted(Exception):
    """Why an assertion does not authenticate; for our log, the client is told invalid_client."""


@dataclass(frozen=True, slots=True)
class Expected:
    """`audiences`: how this provider may be named; an `exact` client names it by the first of them, as text and not in a list."""

    client_id: str
    audiences: tuple[str, ...]
    exact: bool
    now: float


def is_about_the_client(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.client_id or claims.get("sub") != expected.client_id:
        raise NotAccepted("iss and sub must both be the client_id")


def is_for_us(claims: dict[str, Any], expected: Expected) -> None:
    """An assertion made for one provider's endpoint must not serve another's: FAPI clients name the issuer alone."""
    named = claims.get("aud")
    if expected.exact:
        if named != expected.audiences[0]:
            raise NotAccepted("aud must be the issuer, as a string")
        return
    several = named if isinstance(named, list) else [named]
    if not any(each in expected.audiences for each in several):
        raise NotAccepted("aud must be the issuer or the address of the endpoint")


def is_current(claims: dict[str, Any], expected: Expected) -> None:
    try:
        instants.current(claims, expected.now)
    except instants.NotNow as reason:
        raise NotAccepted(str(reason)) from None


def has_an_id(claims: dict[str, Any], expected: Expected) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise NotAccepted(f"jti must be a string of 1 to {LONGEST_JTI} characters")


CHECKS: list[Callable[[dict[str, Any], Expected], None]] = [is_about_the_client, is_for_us, is_current, has_an_id]


def check(claims: dict[str, Any], expected: Expected) -> tuple[str, float]:
    """The jti of a verified assertion's claims, and when it ends. Raises NotAccepted."""
    for each in CHECKS:
        each(claims, expected)
    return str(claims["jti"]), instants.current(claims, expected.now)
