"""Cookies on the issuer's host (decision 8): one per Login, named after its handle, and one per session, named after who shares it."""

from __future__ import annotations

import hashlib
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import replace
from http.cookies import Morsel

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from authflows import login, sessions
from authflows.configuration import Client, IssuerConfig
from authflows.login import Browser

# 8 kB of cookies is where proxies stop.
MOST = 20
USER_ID = 48  # characters of a MitID user id, at most
YEAR = 365 * 86_400
# What our cookies' names end with; whatever else begins like them is none of ours.
HANDLE = re.compile(r"[A-Za-z0-9_-]{22}")
METHOD = re.compile(r"[a-z][a-z0-9_-]{1,29}")
METHOD_SECONDS = 365 * 24 * 3600
HOLDER = re.compile(r"[0-9a-f]{16}")


def _name(issuer: IssuerConfig, handle: str) -> str:
    return f"{_prefix(issuer)}{handle}"


def _prefix(issuer: IssuerConfig) -> str:
    """`__Host-` wherever the issuer is https; the issuer's scheme decides, not DEBUG."""
    return "__Host-login-" if issuer.https else "login-"


def begin_cookie(response: HttpResponse, request: HttpRequest, issuer: IssuerConfig, browser: Browser) -> None:
    """Gives the browser its half of a Login, and takes back the oldest beyond twenty."""
    prefix = _prefix(issuer)
    ours = [name for name in request.COOKIES if name.startswith(prefix) and HANDLE.fullmatch(name, len(prefix))]
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
    prefix = _session_prefix(issuer)
    ours = (name for name in request.COOKIES if name.startswith(prefix) and HOLDER.fullmatch(name, len(prefix)))
    return {name: request.COOKIES[name] for name in ours if request.COOKIES[name]}


def drop_sessions(response: HttpResponse, issuer: IssuerConfig, names: Iterable[str]) -> None:
    for name in names:
        _set(response, issuer, name, "", 0)


def chosen_method(request: HttpRequest, issuer: IssuerConfig, client: Client) -> str:
    """By which of several methods the browser logged in at this client or its group the last time; "" where it does not say."""
    said = request.COOKIES.get(_method_name(issuer, client), "")
    return said if METHOD.fullmatch(said) else ""


def keep_method(response: HttpResponse, issuer: IssuerConfig, client: Client, method: str) -> None:
    """For a year, because the person said so; "" forgets it."""
    _set(response, issuer, _method_name(issuer, client), method, METHOD_SECONDS if method else 0)


def _method_name(issuer: IssuerConfig, client: Client) -> str:
    return _session_name(issuer, client).replace("session-", "method-", 1)


def leaving(request: HttpRequest, issuer: IssuerConfig) -> Browser:
    """The browser as the page knows it that asks whether to log out; a fresh one where it was not asked before."""
    secret = request.COOKIES.get(_leaving_name(issuer), "")
    return Browser("logout", secret) if secret else replace(Browser.fresh(), handle="logout")


def begin_leaving(response: HttpResponse, issuer: IssuerConfig, browser: Browser) -> None:
    _set(response, issuer, _leaving_name(issuer), browser.secret, int(settings.LOGIN_SECONDS))


def remembered_user(request: HttpRequest, issuer: IssuerConfig, alias: str) -> str:
    """The user id that this browser's person wanted to be remembered by at the service of this name."""
    try:
        user_id = urlsafe_b64decode(request.COOKIES.get(_user_name(issuer, alias), "") + "==").decode()
    except ValueError:
        return ""
    return user_id if len(user_id) <= USER_ID and user_id.isprintable() else ""


def remember_user(response: HttpResponse, issuer: IssuerConfig, alias: str, user_id: str) -> None:
    """For a year; "" forgets."""
    _set(response, issuer, _user_name(issuer, alias), urlsafe_b64encode(user_id.encode()).decode().rstrip("="), YEAR if user_id else 0)


def _user_name(issuer: IssuerConfig, alias: str) -> str:
    where = hashlib.sha256(issuer.environment_id.bytes + alias.encode()).hexdigest()[:16]
    return f"{'__Host-' if issuer.https else ''}user-{where}"


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
    """`name` and `value` are base64url, digits and dots: nothing in them is quoted. Without `seconds`, until the browser is closed."""
    path = "/" if issuer.https else issuer.prefix or "/"
    lasts = "" if seconds is None else f"; Max-Age={seconds}"
    secure = "; Secure" if issuer.https else ""
    response.cookies[name] = _Written(name, value, f"{name}={value}; HttpOnly{lasts}; Path={path}; SameSite=Lax{secure}")


class _Written(Morsel[str]):
    """A cookie whose header is known: http.cookies would put it together from eight attributes."""

    def __init__(self, name: str, value: str, header: str) -> None:
        super().__init__()
        self.set(name, value, value)
        self._header = header

    def OutputString(self, attrs: object = None) -> str:
        return self._header
