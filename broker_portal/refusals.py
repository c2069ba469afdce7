"""Why something was refused, in the language of the page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.issuing import Incomplete
from billing.periods import Month
from billing.refusals import Refusal, Value, read
from broker_portal.templatetags.portal import day, month, number

# By path in a document's snapshot (documents.snapshot.missing).
LACKING: dict[str, Promise] = {
    "buyer.name": _("The buyer's name is missing"),
    "buyer.address": _("The buyer's address is missing"),
    "buyer.vat_number": _("The buyer's VAT number is missing"),
    "buyer.reference": _("The buyer's order reference is missing, which a public buyer needs"),
    "seller.address": _("The operator's own address is missing"),
    "seller.vat_number": _("The operator's own VAT number is missing"),
}
# What is counted, and how a price is passed on, as refusals name it.
WORDS: dict[str, Promise] = {
    "requested": _("requested"),
    "completed": _("completed"),
    "cancelled": _("cancelled"),
    "failed": _("failed"),
    "expired": _("expired"),
    "voided": _("voided"),
}


def said(refusal: Refusal) -> str:
    """A sentence, without the field that it is about."""
    if isinstance(refusal, Incomplete):
        return ". ".join(lacking(path) for path in refusal.missing)
    text = (
        gettext(refusal.text) % {name: _in_words(value) for name, value in refusal.values.items()}
        if refusal.values
        else gettext(refusal.text)
    )
    return text[:1].upper() + text[1:]


def said_again(told: dict[str, Any] | None, otherwise: str) -> str:
    """A refusal that was kept; `otherwise` what stands beside it in English."""
    return said(read(told)) if told else otherwise


def lacking(path: str) -> str:
    return str(LACKING.get(path, path))


def _in_words(value: Value) -> str:
    match value:
        case Month():
            return month(value.first)
        case date():
            return day(value)
        case Decimal() | int():
            return number(value)
        case str():
            return str(WORDS.get(value, value))


def add_to(form: forms.Form, refusal: Refusal) -> None:
    """Beside the field that it is about, where the form has it."""
    form.add_error(refusal.at if refusal.at in form.fields else None, said(refusal))
