"""The way in for somebody who has no password yet: a link that works once and not for long."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from allauth.account.utils import perform_login
from django.contrib.auth.decorators import login_not_required
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from broker_portal.accounts import too_many
from tenants import limits
from tenants.middleware import address_of
from tenants.models import SignInLink, User

LINK_LIVES = timedelta(hours=24)


def new_link(user: User) -> str:
    """The path of a fresh link; any earlier one of this person's ends."""
    SignInLink.objects.filter(user=user, used_at__isnull=True).update(used_at=Now())
    secret = secrets.token_urlsafe(32)
    SignInLink.objects.create(user=user, secret_hash=_hash(secret), expires_at=timezone.now() + LINK_LIVES)
    return reverse("sign_in_link", args=[secret])


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, secret: str) -> HttpResponse:
    """GET asks, so that a preview of the link uses nothing up; POST signs in, once."""
    if request.method == "POST":
        if not limits.hit("sign_in.address", address_of(request)):
            return too_many(request)
        user = _redeem(secret)
        if user:
            onwards = None if user.has_usable_password() else reverse("account_set_password")
            return perform_login(request, user, redirect_url=onwards)  # type: ignore[no-any-return]
    elif SignInLink.objects.filter(secret_hash=_hash(secret), used_at__isnull=True, expires_at__gt=Now()).exists():
        return render(request, "portal/sign_in/link.html")
    return render(request, "portal/sign_in/ended.html", status=410)


def _redeem(secret: str) -> User | None:
    link = SignInLink.objects.select_related("user").filter(secret_hash=_hash(secret), user__is_active=True).first()
    fresh = SignInLink.objects.filter(pk=link.pk, used_at__isnull=True, expires_at__gt=Now()) if link else None
    # The update decides: of two at once, one changes the row.
    return link.user if link and fresh is not None and fresh.update(used_at=Now()) else None


def purge() -> int:
    """Removes links that have ended."""
    return SignInLink.objects.filter(expires_at__lt=Now()).delete()[0]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
