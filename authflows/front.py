"""The server's way in: issuer addresses are answered before Django's handler, whose signals and middleware they do not use (decision 26).

Everything else goes on to Django as it came. The answers are the gate's, whichever way a request comes in.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpResponse

from authflows import gate

log = logging.getLogger("authflows")
Environ = dict[str, Any]
Start = Callable[..., Any]


class Front:
    """A WSGI application around Django's."""

    def __init__(self, django: WSGIHandler) -> None:
        self._django = django

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        request = _read(environ)
        trace_id = secrets.token_hex(16)
        request.trace_id = trace_id  # type: ignore[attr-defined]
        try:
            # What Django does at the beginning of a request, too: a connection that has ended is given up.
            connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()
            response = gate.answer(request)
        except Exception:
            # The wall behind the gate's own: the server would answer with an error of its making, without a trace id.
            log.exception("%s: unexpected", trace_id)
            response = HttpResponse("internal error", status=500, content_type="text/plain; charset=utf-8")
        if response is None:
            return self._django(environ, start_response)
        headers = [*response.headers.items(), *gate.missing_headers(response), ("Trace-Id", trace_id)]
        headers += [("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        # Uploaded files that nobody asked for.
        request.close()
        return [response.content]


def _read(environ: Environ) -> WSGIRequest:
    """Of a copy: a request rewrites what it was made from. A Content-Type that cannot be read says nothing about the body."""
    try:
        return WSGIRequest(environ.copy())
    except (ValueError, LookupError, SuspiciousOperation):
        # A charset makes a request read its query at once, in whatever codec it is.
        environ["CONTENT_TYPE"] = ""
        return WSGIRequest(environ.copy())
