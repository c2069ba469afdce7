"""What every page on an issuer address shares: substitution that escapes in one place, its headers, its language (decisions 17 and 26)."""

from __future__ import annotations

import re
from contextlib import suppress
from html import escape

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse

# No form-action: a form here can end at the relying party, and Chromium applies it to every redirect on the way.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


# What a page can be asked for in. Of Greenlandic we have the official names only; the rest of such a page is Danish, and marked so.
WHOLE_LANGUAGES = ("da", "en")
LANGUAGES = (*WHOLE_LANGUAGES, "kl")
MARKER = re.compile(r"\[\[([A-Z_]+)\]\]")


def fill(skeleton: str, *, slot: str = "", **values: str) -> str:
    """Replaces each [[NAME]] by its value, escaped; `slot` is finished HTML of ours. One pass: no value is read for markers again."""
    known = {name.upper(): escape(value) for name, value in values.items()} | {"SLOT": slot}
    return MARKER.sub(lambda marker: known.get(marker[1], ""), skeleton)


def plain(text: str) -> str:
    """Somebody's text for a skeleton: it cannot bring a marker of its own."""
    return text.replace("[[", "[ [")


def respond(text: str, *, simulated: bool, status: int = 200) -> HttpResponse:
    response = HttpResponse(text.lstrip(), status=status)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    if simulated:
        response.headers["X-Broker-Simulator"] = "1"
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def prefetched(request: HttpRequest) -> bool:
    """A browser that looks ahead: it gets nothing that it could keep, and costs nobody a request to the core."""
    said = " ".join(request.META.get(name, "") for name in ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")).lower()
    return "prefetch" in said or "preview" in said


def queried(request: HttpRequest, name: str) -> str:
    """A parameter of the address. Most addresses have none, and Django makes as much of an empty query as of a cookie."""
    return str(request.GET.get(name, "")) if request.META.get("QUERY_STRING") else ""


def language_of(request: HttpRequest, chosen: str | None = None) -> str:
    """Chosen on the page, else the browser's first of the languages that we speak."""
    # A query that cannot be read chooses nothing: the page that says so needs a language too.
    with suppress(SuspiciousOperation):
        chosen = queried(request, "language") if chosen is None else chosen
        if chosen in LANGUAGES:
            return chosen
    for tag in str(request.META.get("HTTP_ACCEPT_LANGUAGE", "")).replace(" ", "").lower().split(","):
        if (language := re.split("[-;]", tag)[0]) in LANGUAGES:
            return language
    return "da"
