"""Who has logged in at a lower level than the service needs: they may log in once more, or go back (domain facts 2.6)."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from authflows.configuration import Client, IssuerConfig
from authflows.levels import Level
from authflows.login import Browser
from authflows.loginbox import page
from authflows.requests import LoginRequest
from authflows.store import StoredLogin


def respond(issuer: IssuerConfig, client: Client, found: StoredLogin, browser: Browser, reached: Level, language: str) -> HttpResponse:
    base = f"{issuer.prefix}/login/{browser.handle}"
    with translation.override(language):
        values = {"needed": word(LoginRequest.from_json(found.request).level), "reached": word(reached)}
    text = page.page(
        issuer,
        client,
        language,
        "too_low",
        title=client.alias,
        service=client.alias,
        form_token=browser.form_token,
        again_action=f"{base}/again",
        cancel_action=f"{base}/cancel",
        trace_id=found.trace_id,
        **values,
    )
    return page.respond(issuer, text)


def word(level: Level) -> str:
    return {Level.LOW: _("Low"), Level.SUBSTANTIAL: _("Substantial"), Level.HIGH: _("High")}[level]
