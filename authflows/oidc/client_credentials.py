"""A client's own token for our API (RFC 6749 section 4.4): it tells of nobody, opens nothing of anybody, and is not refreshed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from authflows import api_tokens
from authflows.configuration import IssuerConfig
from authflows.errors import JsonError
from authflows.oidc import apis, issued
from authflows.oidc.caller import Caller, refusal
from authflows.oidc.parameters import Parameters
from tenants.ids import uuid7

CHECKS: list[Callable[[Parameters], None]] = []


def give(issuer: IssuerConfig, asking: Caller, parameters: Parameters) -> dict[str, Any]:
    """Answers a proven client. Raises JsonError, and Stale where the client has changed since it was read."""
    mine = sorted(apis.SCOPES & asking.client.scopes)
    scopes = list(dict.fromkeys(parameters.get("scope").split())) or mine
    if set(scopes) - set(mine):
        raise JsonError("invalid_scope", f"for itself a client may ask for {' '.join(mine)} only")
    token = issued.opaque()
    question = asking.limit() | {
        "token": uuid7(),
        "relying_party": asking.client.relying_party_id,
        "issuer": issuer.id,
        "version": issuer.version,
        "hash": issued.hashed(token),
        "scope": " ".join(scopes),
        "seconds": settings.ACCESS_TOKEN_SECONDS,
    }
    if not api_tokens.give(issuer.tenant_id, question):
        raise refusal(issuer, asking, "the client has changed meanwhile")
    return {"access_token": token, "token_type": "Bearer", "expires_in": settings.ACCESS_TOKEN_SECONDS, "scope": " ".join(scopes)}
