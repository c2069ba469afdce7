"""The product's own cards beside the box: what is asked of a person once the core has vouched for them. Never kept: they name people."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from authflows.configuration import Client, IssuerConfig
from authflows.identity import Identity
from authflows.loginbox import page


def choice(issuer: IssuerConfig, client: Client, language: str, choices: dict[str, Identity], **addresses: str) -> HttpResponse:
    """`addresses`: action, cancel_action and form_token."""
    name = next(iter(choices.values())).name
    at_work = [identity.employment for identity in choices.values() if identity.employment is not None]
    told = {"name": name, "private": "private" in choices, "employments": at_work, "service": client.alias}
    return _card(issuer, client, language, "identity", told | addresses)


def _card(issuer: IssuerConfig, client: Client, language: str, which: str, told: dict[str, Any], *, status: int = 200) -> HttpResponse:
    with translation.override(language):
        card = render_to_string(f"loginbox/{which}.html", told)
        title = translation.gettext(TITLES[which])
    return page.respond(issuer, page.page(issuer, client, language, "card", slot=card, title=title), status=status)


def _(text: str) -> str:
    return text


TITLES = {"identity": _("Choose who you are here")}
