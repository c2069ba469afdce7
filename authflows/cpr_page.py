"""A page of the tenant's issuer: people see that their CPR number is remembered, and withdraw it. Their sessions tell who they are."""

from __future__ import annotations

from dataclasses import replace

from cryptography.exceptions import InvalidTag
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from authflows import cookies, cpr_store, pages, sealing, sessions, subjects
from authflows.configuration import IssuerConfig
from authflows.errors import PageError
from authflows.identity import Identity
from authflows.loginbox import remembrance


def cpr(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """A form token of its own: one that was given to log out withdraws nothing."""
    browser = replace(cookies.leaving(request, issuer), handle="cpr")
    keys, language = _keys(request, issuer), pages.language_of(request)
    if request.method == "POST":
        if not browser.owns(str(request.POST.get("form_token", ""))):
            raise PageError("form_token", 403)
        cpr_store.forget(issuer.tenant_id, issuer.environment_id, keys)
        return remembrance.withdrawn(issuer, language)
    kept = cpr_store.kept(issuer.tenant_id, issuer.environment_id, keys)
    response = remembrance.kept(issuer, language, kept, known=bool(keys), action=f"{issuer.prefix}/cpr", form_token=browser.form_token)
    cookies.begin_leaving(response, issuer, browser)
    return response


def _keys(request: HttpRequest, issuer: IssuerConfig) -> list[bytes]:
    """Everybody who has a session in this browser: as a rule one person, once or twice."""
    held = {sessions.secret_hash(secret): secret for secret in cookies.session_secrets(request, issuer).values()}
    if not held:
        return []
    found = cpr_store.sealed_sessions(issuer.tenant_id, issuer.environment_id, held, idle=settings.SESSION_IDLE_SECONDS)
    people = [identity for hash_, sealed in found.items() if (identity := _identity(sealed, held[hash_])) is not None]
    return [subjects.key(issuer.subject_secret, each.kind, each.national_id) for each in people]


def _identity(sealed: bytes, secret: str) -> Identity | None:
    try:
        return Identity.from_json(sealing.unseal(sealed, secret, "session")["identity"])
    except InvalidTag:
        return None
