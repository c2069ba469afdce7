"""Signing in to the portal: allauth's forms, our limits. Nobody makes an account for himself, and no answer tells who has one."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants import limits
from tenants.middleware import address_of

KNOWN_BROWSER_SECONDS = 90 * 24 * 3600
_SALT = "portal.known-browser"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return address_of(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the attempt before the password is looked at. Ends the request with 429 where it is one too many."""
        account = _account(str(credentials.get("email") or ""))
        if not limits.hit("sign_in.address", address_of(request)) or not limits.hit("sign_in.account", _bucket(request, account)):
            raise ImmediateHttpResponse(too_many(request))

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **facts: Any) -> HttpResponse:
        response = super().post_login(request, user, **facts)
        account = _account(str(user.get_username()))
        if _known(request, account) is None:
            _remember(response, account)
        return response  # type: ignore[no-any-return]

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Leaves out, without a word, what would be one mail too many to this address."""
        if limits.hit("sign_in.account", f"mail:{_account(email)}"):
            super().send_mail(template_prefix, email, context)


def too_many(request: HttpRequest) -> HttpResponse:
    response = render(request, "portal/sign_in/too_many.html", status=429)
    response.headers["Retry-After"] = str(max(seconds for name, (_, seconds) in settings.LIMITS.items() if name.startswith("sign_in.")))
    return response


def _account(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


def _bucket(request: HttpRequest, account: str) -> str:
    """A browser that has signed in to this account before counts by itself, so that a stranger's guesses never lock its owner out."""
    known = _known(request, account)
    return f"{account}:{known}" if known else account


def _cookie_name() -> str:
    return "__Host-portal-known" if settings.HTTPS else "portal-known"


def _known(request: HttpRequest, account: str) -> str | None:
    try:
        found = signing.loads(request.COOKIES.get(_cookie_name(), ""), salt=_SALT, max_age=KNOWN_BROWSER_SECONDS)
    except signing.BadSignature:
        return None
    return str(found["browser"]) if found["account"] == account else None


def _remember(response: HttpResponse, account: str) -> None:
    value = signing.dumps({"account": account, "browser": secrets.token_urlsafe(12)}, salt=_SALT)
    response.set_cookie(_cookie_name(), value, max_age=KNOWN_BROWSER_SECONDS, secure=settings.HTTPS, httponly=True, samesite="Lax")
