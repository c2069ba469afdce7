"""An id_token that a client shows us again (OpenID Connect Core 3.1.2.1, RP-Initiated Logout 1.0 section 2)."""

from __future__ import annotations

from typing import Any

from authflows.configuration import IssuerConfig
from authflows.oidc import jose
from authflows.oidc.jose import NotBelieved

# Any other type makes it another token (RFC 8725 section 3.11).
TYPES = ("jwt", "")


def shown(issuer: IssuerConfig, token: str) -> dict[str, Any] | None:
    """The claims of an id_token that we signed at this issuer, however long ago; None for any other text.

    Userinfo that we signed has no end, and an authorization response no `sub`: neither is one.
    """
    try:
        claims = jose.verify(jose.take_apart(token), jose.ours(issuer.keys), algorithms=jose.ALGORITHMS, types=TYPES)
    except NotBelieved:
        return None
    return claims if {"sub", "exp"} <= claims.keys() and claims.get("iss") == issuer.url else None
