"""DPoP (RFC 9449): whoever uses a token shows, request by request, that it holds the key that the token was given to."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from authflows import jose, once
from authflows.configuration import Client, IssuerConfig
from authflows.errors import JsonError
from authflows.jose import NotBelieved
from authflows.oidc import instants

TYPES = ("dpop+jwt",)
ALGORITHMS = jose.FAPI_ALGORITHMS
LONGEST_JTI = 256
# How long ago a proof may have been made: its jti is remembered until then.
SECONDS = 120
NONCE_SECONDS = 300
_STAMP_BYTES, _MAC_BYTES = 6, 16


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as a proof must describe it; `proof` is "" where none came. `access_token` where one is used with it."""

    proof: str
    method: str
    url: str
    access_token: str = ""


class NotProven(Exception):
    """`error` is invalid_dpop_proof or use_dpop_nonce; the message is public."""

    def __init__(self, description: str, error: str = "invalid_dpop_proof") -> None:
        super().__init__(description)
        self.error = error


def is_for_this_request(claims: dict[str, Any], shown: Shown) -> None:
    if claims.get("htm") != shown.method:
        raise NotProven("htm is not the method of this request")
    if _address(claims.get("htu")) != _address(shown.url):
        raise NotProven("htu is not the address of this request")


def is_for_this_token(claims: dict[str, Any], shown: Shown) -> None:
    digest = urlsafe_b64encode(hashlib.sha256(shown.access_token.encode()).digest()).rstrip(b"=").decode()
    if shown.access_token and claims.get("ath") != digest:
        raise NotProven("ath is not the hash of the access token")


def is_fresh(claims: dict[str, Any], shown: Shown) -> None:
    now = time.time()
    try:
        instants.current(claims, now, needed=("iat",))
    except instants.NotNow as reason:
        raise NotProven(str(reason)) from None
    if claims["iat"] < now - SECONDS:
        raise NotProven(f"iat is more than {SECONDS} seconds ago")


def has_an_id(claims: dict[str, Any], shown: Shown) -> None:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise NotProven(f"jti must be a string of 1 to {LONGEST_JTI} characters")


CHECKS: list[Callable[[dict[str, Any], Shown], None]] = [is_for_this_request, is_for_this_token, is_fresh, has_an_id]


def prove(issuer: IssuerConfig, shown: Shown, *, needs_nonce: bool) -> str:
    """The thumbprint of the key that made the proof of this request, which counts once. Raises NotProven, and Stale."""
    claims, jkt = _signed(shown.proof)
    for check in CHECKS:
        check(claims, shown)
    if (needs_nonce or "nonce" in claims) and not _given_by_us(issuer, claims.get("nonce")):
        raise NotProven("the proof needs the nonce that comes with this answer", "use_dpop_nonce")
    what = ("dpop", str(issuer.id), jkt, str(claims["jti"]))
    if not once.spend(issuer.tenant_id, issuer.id, issuer.version, what, time.time() + 2 * SECONDS):
        raise NotProven("the proof was used before")
    return jkt


def of_client(issuer: IssuerConfig, client: Client, shown: Shown, *, needed: bool) -> str:
    """For an authenticated client's request: the key to bind to, or "". Raises JsonError, and Stale."""
    if not shown.proof:
        if needed:
            raise JsonError("invalid_dpop_proof", "this client needs a DPoP proof", 400, {"DPoP-Nonce": nonce(issuer)})
        return ""
    try:
        return prove(issuer, shown, needs_nonce=client.fapi)
    except NotProven as problem:
        raise JsonError(problem.error, str(problem), 400, {"DPoP-Nonce": nonce(issuer)}) from None


def nonce(issuer: IssuerConfig) -> str:
    """A fresh one, which every process of the installation recognises for five minutes."""
    stamp = int(time.time()).to_bytes(_STAMP_BYTES)
    return urlsafe_b64encode(stamp + _mac(issuer, stamp)).rstrip(b"=").decode()


def _given_by_us(issuer: IssuerConfig, value: Any) -> bool:
    try:
        raw = urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (TypeError, ValueError):
        return False
    stamp, mac = raw[:_STAMP_BYTES], raw[_STAMP_BYTES:]
    age = time.time() - int.from_bytes(stamp)
    return hmac.compare_digest(mac, _mac(issuer, stamp)) and -instants.LEEWAY <= age <= NONCE_SECONDS


def _mac(issuer: IssuerConfig, stamp: bytes) -> bytes:
    key = hashlib.sha256(f"dpop nonce:{issuer.id}:{settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, stamp, hashlib.sha256).digest()[:_MAC_BYTES]


def _signed(proof: str) -> tuple[dict[str, Any], str]:
    """Its claims, and the thumbprint of the key in its header, which signed it."""
    try:
        token = jose.take_apart(proof)
        key = jose.public_key(token.header.get("jwk"))
        if key is None:
            raise NotProven("jwk must be a public key for one of the algorithms")
        carried = replace(key, kid=str(token.header.get("kid", "")))
        return jose.verify(token, [carried], algorithms=ALGORITHMS, types=TYPES), key.key.thumbprint()
    except NotBelieved as reason:
        raise NotProven(str(reason)) from None


def _address(url: Any) -> tuple[str, str, int, str] | None:
    """Without query and fragment (RFC 9449 section 4.3, 9); None for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    except (AttributeError, TypeError, ValueError, KeyError):
        return None
    return parts.scheme, str(parts.hostname), port, parts.path
