"""The provider's endpoints that answer with JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from authflows import refusals, store
from authflows.configuration import IssuerConfig
from authflows.errors import JsonError, Stale, UnregisteredRedirect
from authflows.oidc import discovery as provider
from authflows.oidc import dpop, introspection, pushing, revocation
from authflows.oidc import token as token_endpoint
from authflows.oidc import userinfo as userinfo_endpoint
from authflows.oidc.dpop import Shown
from authflows.oidc.parameters import Parameters
from tenants.middleware import address_of

NO_FORM = Parameters({}, frozenset())


def discovery(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    return _public(issuer, provider.metadata)


def jwks(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    return _public(issuer, provider.jwks)


def par(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    shown = _shown(request, issuer, "par")
    try:
        return _private(pushing.push(issuer, _form(request), _authorization(request), address_of(request), shown), status=201)
    except UnregisteredRedirect as refused:
        refusals.tell(issuer.tenant_id, refused, str(getattr(request, "trace_id", "")))
        raise


def token(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    shown = _shown(request, issuer, "token")
    return _proven(issuer, shown, token_endpoint.exchange(issuer, _form(request), _authorization(request), address_of(request), shown))


def introspect(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    return _private(introspection.answer(issuer, _form(request), _authorization(request), address_of(request)))


def revoke(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    revocation.revoke(issuer, _form(request), _authorization(request), address_of(request))
    return HttpResponse()


def userinfo(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    shown = _shown(request, issuer, "userinfo")
    form = Parameters.of(request.POST) if request.method == "POST" else NO_FORM
    return _proven(issuer, shown, userinfo_endpoint.answer(issuer, _authorization(request), form, shown))


def _form(request: HttpRequest) -> Parameters:
    if request.content_type != "application/x-www-form-urlencoded":
        raise JsonError("invalid_request", "the body must be application/x-www-form-urlencoded")
    return Parameters.read(request.body)


def _authorization(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_AUTHORIZATION", ""))


def _shown(request: HttpRequest, issuer: IssuerConfig, path: str) -> Shown:
    return Shown(str(request.META.get("HTTP_DPOP", "")), str(request.method), f"{issuer.url}/{path}")


def _public(issuer: IssuerConfig, describe: Callable[[IssuerConfig], dict[str, Any]]) -> HttpResponse:
    """Raises Stale: what one process signs with, every other must publish."""
    if store.version(issuer.id) != issuer.version:
        raise Stale
    response = JsonResponse(describe(issuer))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _private(body: dict[str, Any] | str, *, status: int = 200) -> HttpResponse:
    """JSON, or the one JWT that a text is."""
    text, kind = (body, "application/jwt") if isinstance(body, str) else (json.dumps(body), "application/json")
    response = HttpResponse(text, status=status, content_type=kind)
    response.headers["Pragma"] = "no-cache"
    return response


def _proven(issuer: IssuerConfig, shown: Shown, body: dict[str, Any] | str) -> HttpResponse:
    """With the nonce for the next proof (RFC 9449 section 8.2)."""
    response = _private(body)
    if shown.proof:
        response.headers["DPoP-Nonce"] = dpop.nonce(issuer)
    return response
