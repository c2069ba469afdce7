"""The product's own cards beside the box: what is asked of a person once the core has vouched for them. Never kept: they name people."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from authflows.configuration import Client, IssuerConfig
from authflows.identity import Identity
from authflows.loginbox import page

TITLES = {"identity": gettext_noop("Choose who you are here"), "cpr": gettext_noop("Confirm your CPR number")}


def choice(issuer: IssuerConfig, client: Client, language: str, choices: dict[str, Identity], **addresses: str) -> HttpResponse:
    """`addresses`: action, cancel_action and form_token."""
    name = next(iter(choices.values())).name
    at_work = [identity.employment for identity in choices.values() if identity.employment is not None]
    told = {"name": name, "private": "private" in choices, "employments": at_work, "service": client.alias}
    return _card(issuer, client, language, "identity", told | addresses)


def number(issuer: IssuerConfig, client: Client, language: str, told: dict[str, Any], **addresses: str) -> HttpResponse:
    """`told`: as loginbox/cpr.html says."""
    title, text = consent(client, language, remember=False)
    words = {"service": client.alias, "consent_title": title, "consent_text": text}
    return _card(issuer, client, language, "cpr", told | words | addresses)


def consent(client: Client, language: str, *, remember: bool) -> tuple[str, str]:
    """The wording as it is shown: the tenant's own where it has one in this language."""
    own = str(client.theme.texts.get(language, {}).get("cpr_consent", "")) if client.theme else ""
    with translation.override(language):
        ours = gettext("I allow %(service)s to compare my CPR number with the one that belongs to my MitID.") % {"service": client.alias}
        more = gettext("Remember it for a year")
        return gettext("Consent"), f"{own or ours}\n{more}" if remember else own or ours


def _card(issuer: IssuerConfig, client: Client, language: str, which: str, told: dict[str, Any]) -> HttpResponse:
    with translation.override(language):
        card = render_to_string(f"loginbox/{which}.html", told)
        title = gettext(TITLES[which])
    return page.respond(issuer, page.page(issuer, client, language, "card", slot=card, title=title))
