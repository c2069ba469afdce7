"""Cookies of logins: one per Login, named after its handle, on the issuer's host (decision 8)."""

from __future__ import annotations

import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from authflows import login
from authflows.configuration import IssuerConfig
from authflows.login import Browser

# 8 kB of cookies is where proxies stop.
MOST = 20


def _name(issuer: IssuerConfig, handle: str) -> str:
    return f"{_prefix(issuer)}{handle}"


def _prefix(issuer: IssuerConfig) -> str:
    """`__Host-` wherever the issuer is https; the issuer's scheme decides, not DEBUG."""
    return "__Host-login-" if issuer.https else "login-"


def begin_cookie(response: HttpResponse, request: HttpRequest, issuer: IssuerConfig, browser: Browser) -> None:
    """Gives the browser its half of a Login, and takes back the oldest beyond twenty."""
    ours = [name for name in request.COOKIES if name.startswith(_prefix(issuer))]
    for name in sorted(ours, key=lambda name: request.COOKIES[name])[: max(0, len(ours) - MOST + 1)]:
        _set(response, issuer, name, "", 0)
    _set(response, issuer, _name(issuer, browser.handle), f"{int(time.time())}.{browser.secret}", login.cookie_age())


def end_cookie(response: HttpResponse, issuer: IssuerConfig, browser: Browser) -> None:
    """The Login has ended: its cookie lives as long as a code, so that a reload in that time repeats the answer."""
    _set(response, issuer, _name(issuer, browser.handle), f"{int(time.time())}.{browser.secret}", int(settings.CODE_SECONDS))


def browser_of(request: HttpRequest, issuer: IssuerConfig, handle: str) -> Browser | None:
    _, dot, secret = request.COOKIES.get(_name(issuer, handle), "").partition(".")
    return Browser(handle, secret) if dot and secret else None


def _set(response: HttpResponse, issuer: IssuerConfig, name: str, value: str, seconds: int) -> None:
    path = "/" if issuer.https else issuer.prefix or "/"
    response.set_cookie(name, value, max_age=seconds, path=path, secure=issuer.https, httponly=True, samesite="Lax")
