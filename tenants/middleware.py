"""What every answer carries, whichever stack made it."""

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def address_of(request: HttpRequest) -> str:
    """The client's address. X-Forwarded-For counts only from a trusted proxy, and then only its last untrusted hop."""
    address = str(request.META.get("REMOTE_ADDR") or "")
    if address not in settings.TRUSTED_PROXIES:
        return address
    for hop in reversed(str(request.META.get("HTTP_X_FORWARDED_FOR") or "").split(",")):
        address = hop.strip() or address
        if address not in settings.TRUSTED_PROXIES:
            break
    return address


class TraceId:
    """Gives each request an id that its answer names in `Trace-Id`; a client's own header is never believed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.trace_id = secrets.token_hex(16)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers["Trace-Id"] = request.trace_id  # type: ignore[attr-defined]
        return response
