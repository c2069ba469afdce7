"""Cookies on the issuer's host (decision 8): one per Login, named after its handle, and one per session, named after who shares it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from authflows import login, sessions
from authflows.configuration import Client, IssuerConfig
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


def session_secret(request: HttpRequest, issuer: IssuerConfig, client: Client) -> str:
    """What the browser holds of a session with this client or its group; "" where it holds none."""
    return request.COOKIES.get(_session_name(issuer, client), "")


def keep_session(response: HttpResponse, issuer: IssuerConfig, client: Client, secret: str) -> None:
    """Until the browser is closed; the row says when it ends before that."""
    _set(response, issuer, _session_name(issuer, client), secret, None)


def session_secrets(request: HttpRequest, issuer: IssuerConfig) -> dict[str, str]:
    """All that the browser holds of sessions in the issuer's environment, by the cookies' names."""
    return {name: value for name, value in request.COOKIES.items() if name.startswith(_session_prefix(issuer)) and value}


def drop_sessions(response: HttpResponse, issuer: IssuerConfig, names: Iterable[str]) -> None:
    for name in names:
        _set(response, issuer, name, "", 0)


def leaving(request: HttpRequest, issuer: IssuerConfig) -> Browser:
    """The browser as the page knows it that asks whether to log out; a fresh one where it was not asked before."""
    secret = request.COOKIES.get(_leaving_name(issuer), "")
    return Browser("logout", secret) if secret else replace(Browser.fresh(), handle="logout")


def begin_leaving(response: HttpResponse, issuer: IssuerConfig, browser: Browser) -> None:
    _set(response, issuer, _leaving_name(issuer), browser.secret, int(settings.LOGIN_SECONDS))


def _leaving_name(issuer: IssuerConfig) -> str:
    return "__Host-logout" if issuer.https else "logout"


def _session_prefix(issuer: IssuerConfig) -> str:
    """Issuers that are paths share a host, and with https all of their cookies."""
    environment = hashlib.sha256(issuer.environment_id.bytes).hexdigest()[:12]
    return f"{'__Host-' if issuer.https else ''}session-{environment}-"


def _session_name(issuer: IssuerConfig, client: Client) -> str:
    holder = sessions.holder(client.relying_party_id, client.sso_group)
    return _session_prefix(issuer) + hashlib.sha256(holder.encode()).hexdigest()[:16]


def _set(response: HttpResponse, issuer: IssuerConfig, name: str, value: str, seconds: int | None) -> None:
    path = "/" if issuer.https else issuer.prefix or "/"
    response.set_cookie(name, value, max_age=seconds, path=path, secure=issuer.https, httponly=True, samesite="Lax")
