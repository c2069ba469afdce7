"""Pushed authorization requests (RFC 9126): checked as at the authorization endpoint, kept sealed, answered with a reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings

from authflows.configuration import Client, IssuerConfig
from authflows.errors import JsonError, PageError, RedirectError, UnregisteredRedirect
from authflows.oidc import authorize, caller, dpop, intake
from authflows.oidc.dpop import Shown
from authflows.oidc.intake import Came
from authflows.oidc.parameters import Parameters
from tenants import limits

# It has no id yet.
PUSHED = "now"
MOST_CHARACTERS = 32 * 1024


def push(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str, shown: Shown) -> dict[str, Any]:
    """Raises JsonError, UnregisteredRedirect, and Stale where the client has changed since it was read."""
    client = caller.admit(issuer, parameters, authorization, address, "par").client
    asked_for, came = _asked_for(issuer, client, parameters)
    if sum(len(name) + len(value) for name, value in asked_for.values.items()) > MOST_CHARACTERS:
        raise JsonError("invalid_request", f"a pushed request has at most {MOST_CHARACTERS} characters", 413)
    asked_for = _bound(asked_for, dpop.of_client(issuer, client, shown, needed=False))
    _check(issuer, asked_for, came)
    buckets = limits.buckets([("par.relying_party", str(client.relying_party_id))])
    request_uri = intake.keep(issuer, client, asked_for, came, seconds=settings.PUSHED_REQUEST_SECONDS, buckets=buckets)
    if request_uri is None:
        raise JsonError("slow_down", "too many requests", 429, {"Retry-After": "60"})
    return {"request_uri": request_uri, "expires_in": settings.PUSHED_REQUEST_SECONDS}


def _asked_for(issuer: IssuerConfig, client: Client, parameters: Parameters) -> tuple[Parameters, Came]:
    """Without what proved the client."""
    if "request_uri" in parameters:
        raise JsonError("invalid_request", "request_uri is not a parameter of a pushed request")
    if parameters.get("client_id") not in ("", client.client_id):
        raise JsonError("invalid_request", "client_id differs from the authenticated client")
    if "request" not in parameters:
        values = {name: value for name, value in parameters.values.items() if name not in intake.CREDENTIALS}
        return Parameters(values | {"client_id": client.client_id}, parameters.repeated), Came(PUSHED, True, signed=not client.public)
    try:
        asked_for, came = intake.of_object(issuer, client, parameters)
    except intake.Unusable as problem:
        raise JsonError(problem.error, str(problem)) from None
    return asked_for, replace(came, pushed=PUSHED, confidential=True)


def _bound(asked_for: Parameters, jkt: str) -> Parameters:
    """A proof binds the code to its key, as dpop_jkt does (RFC 9449 section 10.1)."""
    if not jkt:
        return asked_for
    if asked_for.get("dpop_jkt") not in ("", jkt):
        raise JsonError("invalid_dpop_proof", "dpop_jkt is another key's")
    return Parameters({**asked_for.values, "dpop_jkt": jkt}, asked_for.repeated)


def _check(issuer: IssuerConfig, parameters: Parameters, came: Came) -> None:
    try:
        with authorize.as_things_are(issuer):
            authorize.understood(authorize.prove(issuer, parameters, came))
    except UnregisteredRedirect:
        raise
    except PageError as problem:
        raise JsonError("invalid_request", problem.code) from None
    except RedirectError as problem:
        raise JsonError(problem.error, problem.description) from None
