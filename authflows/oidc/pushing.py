"""Pushed authorization requests (RFC 9126): checked as at the authorization endpoint, kept sealed, answered with a reference."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from authflows.configuration import Client, IssuerConfig
from authflows.errors import JsonError, PageError, RedirectError
from authflows.oidc import authorize, caller, intake
from authflows.oidc.parameters import Parameters
from tenants import limits

# What only the browser's own visit can tell.
LATER = {authorize.passive_needs_a_session}


def push(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str) -> dict[str, Any]:
    """Raises JsonError, and Stale where the client has changed since it was read."""
    client = caller.admit(issuer, parameters, authorization, address, "par").client
    asked_for = _asked_for(client, parameters)
    _check(issuer, client, asked_for)
    buckets = limits.buckets([("par.relying_party", str(client.relying_party_id))])
    request_uri = intake.keep(issuer, client, asked_for, seconds=settings.PUSHED_REQUEST_SECONDS, buckets=buckets)
    if request_uri is None:
        raise JsonError("slow_down", "too many requests", 429, {"Retry-After": "60"})
    return {"request_uri": request_uri, "expires_in": settings.PUSHED_REQUEST_SECONDS}


def _asked_for(client: Client, parameters: Parameters) -> Parameters:
    if "request_uri" in parameters:
        raise JsonError("invalid_request", "request_uri is not a parameter of a pushed request")
    if parameters.get("client_id") not in ("", client.client_id):
        raise JsonError("invalid_request", "client_id differs from the authenticated client")
    values = {name: value for name, value in parameters.values.items() if name not in intake.CREDENTIALS}
    return Parameters(values | {"client_id": client.client_id}, parameters.repeated)


def _check(issuer: IssuerConfig, client: Client, parameters: Parameters) -> None:
    try:
        came = intake.Came("pushed", confidential=True, signed=not client.public)
        asked = authorize.prove(issuer, parameters, came)
        for check in authorize.CHECKS:
            if check not in LATER:
                check(asked)
    except PageError as problem:
        raise JsonError("invalid_request", problem.code) from None
    except RedirectError as problem:
        raise JsonError(problem.error, problem.description) from None
