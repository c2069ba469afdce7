"""The broker's own page where a person chooses by which method to log in: a list of plain buttons, the last used one first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation

from authflows.configuration import Client, IssuerConfig
from authflows.loginbox import page as pages


@dataclass(frozen=True, slots=True)
class Offered:
    method: str
    name: str


def ordered(offered: Sequence[Offered], last: str) -> list[Offered]:
    return sorted(offered, key=lambda each: each.method != last)


def page(issuer: IssuerConfig, client: Client, language: str, offered: Sequence[Offered], last: str, **values: str) -> str:
    """`values`: action, cancel_action, form_token."""
    with translation.override(language):
        context = {"offered": [(each.method, each.name, each.method == last) for each in offered], "last": last, **values}
        listed = render_to_string("loginbox/choose_list.html", context)
    return pages.page(issuer, client, language, "choose", slot=listed, title=client.alias)
