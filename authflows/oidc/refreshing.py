"""A refresh token for a new access token (RFC 6749 section 6, OpenID Connect Core 12): who, how and when stay; claims are not kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from django.conf import settings

from authflows import refresh_tokens, sealing
from authflows.configuration import IssuerConfig
from authflows.errors import JsonError
from authflows.oidc import issued
from authflows.oidc.caller import Caller, refusal
from authflows.oidc.parameters import Parameters
from tenants.ids import uuid7


def token_is_sent(parameters: Parameters) -> None:
    if "refresh_token" not in parameters:
        raise JsonError("invalid_request", "refresh_token is missing")


CHECKS: list[Callable[[Parameters], None]] = [token_is_sent]


def refresh(issuer: IssuerConfig, caller: Caller, parameters: Parameters) -> dict[str, Any]:
    """Answers a proven client. Raises JsonError, and Stale where the client has changed since it was read."""
    token, client = parameters.get("refresh_token"), caller.client
    question = _question(issuer, caller, token)
    terms = refresh_tokens.find(issuer.tenant_id, question)
    if terms is None:
        raise _refusal(issuer, caller, question)
    scope = narrowed(terms.scope, parameters.get("scope"))
    access_token = issued.access_token(issuer, client, terms, scope, caller.jkt)
    salt = os.urandom(32)
    question |= {
        "rotate": client.public,
        "salt": salt,
        "refresh_token": uuid7(),
        "refresh_hash": issued.hashed(successor(token, salt)),
        "token": uuid7(),
        "hash": issued.hashed(access_token),
        "jkt": caller.jkt,
        "scope": "" if scope == terms.scope else scope,
    }
    refreshed = refresh_tokens.refresh(issuer.tenant_id, question)
    if refreshed is None:
        raise _refusal(issuer, caller, question)
    again = successor(token, refreshed.salt) if refreshed.salt else token
    return issued.answer(issuer, client, terms, issued.Tokens(access_token, scope, again, caller.jkt), {})


def narrowed(granted: str, asked: str) -> str:
    """Raises JsonError for a scope that was not granted (RFC 6749 section 6)."""
    if set(asked.split()) - set(granted.split()):
        raise JsonError("invalid_scope", "a refresh can ask for less than was granted, not for more")
    return " ".join(dict.fromkeys(asked.split())) or granted


def successor(token: str, salt: bytes) -> str:
    """The token that replaces `token`: only its holder can make it, and only with the salt that we keep."""
    return sealing.derived_token(token, f"successor:{salt.hex()}")


def _question(issuer: IssuerConfig, caller: Caller, token: str) -> dict[str, Any]:
    return caller.limit() | {
        "issuer": issuer.id,
        "version": issuer.version,
        "relying_party": caller.client.relying_party_id,
        "presented": issued.hashed(token),
        "repeat_seconds": settings.REFRESH_REPEAT_SECONDS,
        "idle_seconds": settings.REFRESH_TOKEN_IDLE_SECONDS,
        "seconds": settings.ACCESS_TOKEN_SECONDS,
    }


def _refusal(issuer: IssuerConfig, caller: Caller, question: dict[str, Any]) -> Exception:
    """A replayed token ends its family, and that stays although the answer is an error."""
    if refresh_tokens.revoke_replayed(issuer.tenant_id, question):
        return JsonError("invalid_grant", "the refresh token was used before; what was issued with it has been revoked")
    return refusal(issuer, caller, "the refresh token is not valid")
