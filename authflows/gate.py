"""The issuer's side of the house: chosen by host and path before anything else, with a stack of its own (decision 26).

Nothing that is served here reads `request.user` or a Django session. Errors of a login are answered in one place: here. The server comes
in by `front`; whatever starts from Django's own handler finds the same answers behind its first middleware.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from authflows import configuration, leaving, pages, urls
from authflows.configuration import IssuerConfig
from authflows.errors import JsonError, LoginError, PageError, RedirectError, Stale, Unavailable
from authflows.loginbox import explanations
from authflows.oidc import cross_origin, responses

log = logging.getLogger("authflows")
JSON_ENDPOINTS = frozenset(
    ("par", "token", "userinfo", "introspect", "revoke", "discovery", "server_metadata", "jwks", "cpr_match", "identities", "identity")
)
WELL_KNOWN = "/.well-known/oauth-authorization-server"
MALFORMED = (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError)
RETRY_AFTER = {429: "60", 503: "5"}
UTF8 = ("utf-8", "utf8")
_HEADERS = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Permissions-Policy": (
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=()"
    ),
    "Cache-Control": "no-store",
}
HEADERS = [(name, name.lower(), value) for name, value in _HEADERS.items()]


class IssuerGate:
    """Takes requests for issuer addresses out of Django's chain; the portal's middleware never sees them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        if response is None:
            return self.get_response(request)
        for name, value in missing_headers(response):
            response.headers[name] = value
        return response


def answer(request: HttpRequest) -> HttpResponse | None:
    """None where the address is not an issuer's."""
    host = str(request.META.get("HTTP_HOST") or "").lower()
    path = _issuer_first(request.path_info)
    if path.startswith(("/static/", "/healthz", "/readyz")):
        return None
    try:
        issuer = configuration.find(host, path)
    except (DatabaseError, psycopg.Error):
        return _without_database(request, path)
    if issuer is not None:
        response = _serve(request, issuer, host, path)
        if issuer.simulated:
            response.headers["X-Broker-Simulator"] = "1"
            response.headers["X-Robots-Tag"] = "noindex"
        return response
    if configuration.is_path_issuer(path):
        return explanations.respond(request, None, None, PageError("no_such_address", 404))
    return None


def missing_headers(response: HttpResponse) -> list[tuple[str, str]]:
    """What every answer at an issuer address says, unless it says otherwise."""
    said = {name.lower() for name, _ in response.headers.items()}
    missing = [(name, value) for name, lower, value in HEADERS if lower not in said]
    if response.status_code in RETRY_AFTER and "retry-after" not in said:
        missing.append(("Retry-After", RETRY_AFTER[response.status_code]))
    return missing


def _serve(request: HttpRequest, issuer: IssuerConfig, host: str, path: str) -> HttpResponse:
    found = urls.resolve(path.removeprefix(issuer.prefix).removeprefix("/"))
    if found is None:
        return explanations.respond(request, issuer, None, PageError("no_such_address", 404))
    if found[0] not in cross_origin.ENDPOINTS:
        return _respond(request, issuer, host, path, found)
    if request.method == "OPTIONS":
        return cross_origin.allow(request, issuer, cross_origin.preflight(found[0]))
    return cross_origin.allow(request, issuer, _respond(request, issuer, host, path, found))


def _respond(request: HttpRequest, issuer: IssuerConfig, host: str, path: str, found: urls.Found) -> HttpResponse:
    name, view, arguments = found
    if request.method not in urls.METHODS[name]:
        return HttpResponse(status=405, headers={"Allow": ", ".join(urls.METHODS[name])})
    handle = arguments.get("handle")
    try:
        _in_utf8(request)
        return _answer(request, issuer, host, path, view, arguments)
    except MALFORMED:
        _read_to_the_end(request)
        return _explained(request, issuer, handle, name, PageError("malformed_request", 400))
    except LoginError as error:
        return _explained(request, issuer, handle, name, error)
    except (DatabaseError, psycopg.Error):
        log.warning("%s %s: database error", _trace(request), name, exc_info=True)
        # Django must look at its connection again: the login path's own statements do not pass by its wrapper.
        connection.errors_occurred = True
        return _explained(request, issuer, handle, name, Unavailable())
    except Exception:
        # The last wall: whatever it was, the person gets a page with a trace id, and we get the traceback.
        log.exception("%s %s: unexpected", _trace(request), name)
        return _explained(request, issuer, handle, name, PageError("internal", 500))


def _in_utf8(request: HttpRequest) -> None:
    """Queries and forms are UTF-8 (RFC 6749 appendix B); a request that says otherwise would be read by whatever codec it names."""
    said = request.encoding
    if said is not None and said.lower() not in UTF8:
        request.encoding = "utf-8"
        raise BadRequest(f"charset {said}")


def _answer(
    request: HttpRequest, issuer: IssuerConfig, host: str, path: str, view: Callable[..., HttpResponse], arguments: dict[str, Any]
) -> HttpResponse:
    """Evaluates once more, with what is true now, where the process's memory had been overtaken."""
    try:
        return view(request, issuer, **arguments)
    except Stale:
        configuration.forget(issuer)
        fresh = configuration.find(host, path)
        if fresh is None:
            raise PageError("no_such_address", 404) from None
        return view(request, fresh, **arguments)


def _issuer_first(path: str) -> str:
    """RFC 8414 section 3.1 puts the issuer's path behind the well-known one; everything else stands below the issuer."""
    issuer = path.removeprefix(WELL_KNOWN)
    return f"{issuer}{WELL_KNOWN}" if issuer.startswith("/") and issuer != path else path


def _without_database(request: HttpRequest, path: str) -> HttpResponse:
    """Before the issuer is known: JSON where machines ask, a page for people."""
    if path.endswith(("/par", "/token", "/userinfo", "/introspect", "/revoke", "/cpr/match", "/jwks", "/openid-configuration", WELL_KNOWN)):
        return JsonResponse({"error": "server_error", "error_description": "unavailable"}, status=503)
    return explanations.respond(request, None, None, PageError("unavailable", 503))


def _explained(request: HttpRequest, issuer: IssuerConfig, handle: str | None, name: str, error: LoginError) -> HttpResponse:
    if isinstance(error, RedirectError):
        return leaving.send(issuer, responses.refuse(issuer, error, pages.language_of(request)))
    if isinstance(error, (Stale, Unavailable)):
        error = PageError("unavailable", 503)
    if isinstance(error, PageError):
        log.info("%s %s: %s %s", _trace(request), name, error.code, error.detail)
        if name not in JSON_ENDPOINTS:
            return explanations.respond(request, issuer, handle, error)
        error = JsonError("server_error" if error.status >= 500 else "invalid_request", error.code, error.status)
    assert isinstance(error, JsonError)
    return JsonResponse({"error": error.error, "error_description": error.description}, status=error.status, headers=error.headers)


def _read_to_the_end(request: HttpRequest) -> None:
    """Up to 8 MB: a client that is still sending when the connection closes does not hear the answer."""
    with suppress(UnreadablePostError):
        for _ in range(128):
            if not request.read(65_536):
                return


def _trace(request: HttpRequest) -> str:
    return str(getattr(request, "trace_id", ""))
