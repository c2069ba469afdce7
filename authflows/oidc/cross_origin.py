"""Pages of public clients call us from a browser: CORS for their registered origins, at the endpoints that a page may call.

Never at authorize, which is navigated to, and never with credentials: nothing here reads a cookie.
"""

from __future__ import annotations

import psycopg
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from authflows import configuration, store
from authflows.configuration import IssuerConfig

# By the name of the address: the methods that a page may use.
ENDPOINTS = {
    "discovery": "GET",
    "server_metadata": "GET",
    "jwks": "GET",
    "par": "POST",
    "token": "POST",
    "userinfo": "GET, POST",
    "revoke": "POST",
}
READABLE = "Trace-Id, WWW-Authenticate, DPoP-Nonce, Retry-After"
SENDABLE = "Authorization, Content-Type, DPoP"


def preflight(name: str) -> HttpResponse:
    """What a browser asks before it lets a page send; `allow` adds for whom."""
    headers = {"Access-Control-Allow-Methods": ENDPOINTS[name], "Access-Control-Allow-Headers": SENDABLE, "Access-Control-Max-Age": "600"}
    return HttpResponse(status=204, headers=headers)


def allow(request: HttpRequest, issuer: IssuerConfig, response: HttpResponse) -> HttpResponse:
    """Lets the page that asked read the answer, whatever it is."""
    response.headers["Vary"] = "Origin"
    origin = str(request.META.get("HTTP_ORIGIN", ""))
    if origin and _registered(request, issuer, origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = READABLE
    return response


def _registered(request: HttpRequest, issuer: IssuerConfig, origin: str) -> bool:
    if origin in issuer.origins:
        return True
    try:
        if store.version(issuer.id) == issuer.version:
            return False
        configuration.forget(issuer)
        fresh = configuration.find(str(request.META.get("HTTP_HOST") or "").lower(), request.path_info)
    except (DatabaseError, psycopg.Error):
        return False
    return fresh is not None and origin in fresh.origins
