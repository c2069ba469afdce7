"""The pages of logging out: rare, so rendered as they are asked for."""

from __future__ import annotations

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from authflows.configuration import Client, IssuerConfig
from authflows.loginbox import page


def question(issuer: IssuerConfig, client: Client | None, language: str, *, action: str, form_token: str) -> HttpResponse:
    """Whether to log out: a plain form, back to `action` in the page's own language."""
    return _page("logout", issuer, client, language, action=f"{action}?language={language}", form_token=form_token)


def done(issuer: IssuerConfig, client: Client | None, language: str) -> HttpResponse:
    return _page("loggedout", issuer, client, language)


def _page(template: str, issuer: IssuerConfig, client: Client | None, language: str, **values: str) -> HttpResponse:
    with translation.override(language):
        text = render_to_string(f"loginbox/{template}.html", page.context(issuer, client, language) | values)
    return page.respond(issuer, text)
