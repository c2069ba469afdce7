"""Who calls an endpoint for machines: proven by its credentials, its failures counted."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from authflows import api_tokens, store
from authflows.configuration import Client, IssuerConfig, client_of
from authflows.errors import JsonError, Stale
from authflows.oidc import apis, client_authentication
from authflows.oidc.parameters import Parameters
from tenants import limits


@dataclass(frozen=True, slots=True)
class Caller:
    """`secret_id` is the secret that was used, if one was; `guess` is whose failures count together."""

    client: Client
    secret_id: uuid.UUID | None
    guess: str
    jkt: str = ""  # the key that what it is given will be bound to (RFC 9449)

    def limit(self) -> dict[str, Any]:
        """For grants.NOT_LIMITED and grants.USED."""
        (bucket,) = limits.buckets([("token_failure.client", self.guess)])
        return {"limit_key": bucket.key, "limit_window": bucket.window, "limit": bucket.allowed, "secret": self.secret_id}


def no_repeats(parameters: Parameters) -> None:
    if parameters.repeated:
        raise JsonError("invalid_request", f"{min(parameters.repeated)} was sent more than once")


def too_many() -> JsonError:
    return JsonError("slow_down", "too many failed attempts", 429, {"Retry-After": "60"})


def prove(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str, called: str) -> Caller:
    """`called` is the endpoint's path. Raises JsonError, and Stale where the client has changed since it was read.

    At an address of our API a token of the client's own proves it too.
    """
    no_repeats(parameters)
    if called in apis.NEEDED and authorization[:7].lower() == "bearer ":
        return _by_token(issuer, authorization[7:].strip(), address, apis.NEEDED[called])
    credentials = client_authentication.presented(authorization, parameters)
    guess = f"{credentials.client_id}:{address}"
    try:
        client, secret_id = client_authentication.authenticate(issuer, credentials, called)
    except JsonError:
        if store.version(issuer.id) != issuer.version:
            raise Stale from None
        if not limits.hit("token_failure.client", guess):
            raise too_many() from None
        raise
    return Caller(client, secret_id, guess)


def _by_token(issuer: IssuerConfig, token: str, address: str, scope: str) -> Caller:
    found = api_tokens.find(issuer.tenant_id, issuer.id, hashlib.sha256(token.encode()).digest())
    client = client_of(issuer, found.relying_party_id) if found else None
    if found is None or client is None:
        if not limits.hit("token_failure.client", f"api:{address}"):
            raise too_many()
        raise JsonError(
            "invalid_token", "the access token is not valid", 401, {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token"'}
        )
    if scope not in found.scope.split() or scope not in client.scopes:
        told = {"WWW-Authenticate": f'Bearer realm="api", error="insufficient_scope", scope="{scope}"'}
        raise JsonError("insufficient_scope", f"the access token is not for {scope}", 403, told)
    return Caller(client, None, f"{client.client_id}:{address}")


def admit(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str, called: str) -> Caller:
    """`prove`, for a step whose statement looks neither at the limit nor at the issuer's version."""
    if store.version(issuer.id) != issuer.version:
        raise Stale
    asking = prove(issuer, parameters, authorization, address, called)
    if limits.blocked("token_failure.client", asking.guess):
        raise too_many()
    return asking


def refusal(issuer: IssuerConfig, caller: Caller, description: str, error: str = "invalid_grant") -> Exception:
    """Why a step of a proven client did nothing: this process's memory, its failures before, or what it presented."""
    if store.version(issuer.id) != issuer.version:
        return Stale()
    if limits.blocked("token_failure.client", caller.guess):
        return too_many()
    return JsonError(error, description)
