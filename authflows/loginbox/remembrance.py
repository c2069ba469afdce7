"""The pages on which people see and withdraw what is remembered of them: rare, so rendered as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from authflows.configuration import IssuerConfig
from authflows.loginbox import page
from authflows.models import RememberedCpr


def kept(issuer: IssuerConfig, language: str, rows: Sequence[RememberedCpr], *, known: bool, action: str, form_token: str) -> HttpResponse:
    told = {"kept": rows, "known": known, "action": f"{action}?language={language}", "form_token": form_token}
    return _page(issuer, language, told)


def withdrawn(issuer: IssuerConfig, language: str) -> HttpResponse:
    return _page(issuer, language, {"withdrawn": True})


def _page(issuer: IssuerConfig, language: str, told: dict[str, Any]) -> HttpResponse:
    with translation.override(language):
        text = render_to_string("loginbox/cpr_kept.html", page.context(issuer, None, language) | told)
    return page.respond(issuer, text)
