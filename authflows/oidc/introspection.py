"""What became of a token (RFC 7662): told to the client that has it, and to a resource server that it is for."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from authflows import keys, refresh_tokens, tokens
from authflows.configuration import Client, IssuerConfig, client_of
from authflows.errors import JsonError
from authflows.oidc import caller, client_authentication, issued
from authflows.oidc.parameters import Parameters
from authflows.tokens import Token
from tenants.ids import time_of

INACTIVE = {"active": False}


def answer(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str) -> dict[str, Any]:
    """Everybody else's token is inactive: that it exists is not told. Raises JsonError, and Stale."""
    asking = caller.admit(issuer, parameters, authorization, address, "introspect")
    if asking.client.public:
        raise client_authentication.refusal()
    if "token" not in parameters:
        raise JsonError("invalid_request", "token is missing")
    token_hash = issued.hashed(parameters.get("token"))
    question = {"hash": token_hash, "issuer": issuer.id, "secret": asking.secret_id, "repeat_seconds": settings.REFRESH_REPEAT_SECONDS}
    token = tokens.find(issuer.tenant_id, question)
    owner = client_of(issuer, token.relying_party_id) if token else None
    if token is None or owner is None or not _may_know(asking.client, token, owner):
        return INACTIVE
    if token.confirms is not None:
        refresh_tokens.confirm(issuer.tenant_id, token.confirms, token_hash)
    return _described(issuer, token, owner)


def _may_know(asking: Client, token: Token, owner: Client) -> bool:
    return asking.client_id == owner.client_id or (token.kind == "access" and asking.client_id in owner.audiences)


def _described(issuer: IssuerConfig, token: Token, owner: Client) -> dict[str, Any]:
    return {
        "active": True,
        "iss": issuer.url,
        **({"sub": token.sub} if token.sub else {}),
        "client_id": owner.client_id,
        "scope": token.scope,
        "exp": keys.seconds(token.expires_at),
        "iat": keys.seconds(time_of(token.id)),
        **({"token_type": issued.token_type(token.jkt), "aud": _audience(issuer, token, owner)} if token.kind != "refresh" else {}),
        **({"cnf": {"jkt": token.jkt}} if token.jkt else {}),
        **({"auth_time": keys.seconds(token.auth_time), "acr": token.acr} if token.auth_time else {}),
    }


def _audience(issuer: IssuerConfig, token: Token, owner: Client) -> list[str]:
    return issued.audience(issuer, owner) if token.kind == "access" else [issuer.url]
