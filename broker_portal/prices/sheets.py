"""A form of the operator that is looked at before it counts: what it would do is done and undone, then shown; then it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise

from billing.refusals import Refusal
from broker_portal import context, refusals
from broker_portal.access import StaffAccess
from broker_portal.answers import SeeOther
from tenants.isolation import operator_scope

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be entered: (label, value) in order, and what a person should think about first."""

    facts: Sequence[tuple[Text, Any]]
    warnings: Sequence[Text] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """`enter` does it, in the operator's scope, and raises a Refusal; `back` is where the person came from and returns to."""

    title: Text
    lead: Text
    enter: Callable[[], object]
    preview: Callable[[], Preview]
    done: Text
    back: str
    section: str = "prices"
    template: str = "operator/prices/sheet.html"
    page: Mapping[str, Any] = field(default_factory=dict)


class _Undone(Exception):
    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


def answer(request: HttpRequest, access: StaffAccess, form: forms.Form, sheet: Sheet, *, more: bool = False) -> HttpResponse:
    """POST with `enter`: it counts. POST without: a preview. `more`: only another row was asked for."""
    if request.method != "POST" or more:
        return _page(request, access, form, sheet)
    if not form.is_valid():
        return _page(request, access, form, sheet, status=422)
    counts = "enter" in request.POST
    try:
        with transaction.atomic(), operator_scope(access.operator.id, str(sheet.title)):
            sheet.enter()
            if not counts:
                raise _Undone(sheet.preview())
    except _Undone as undone:
        return _page(request, access, form, sheet, preview=undone.preview)
    except Refusal as refusal:
        refusals.add_to(form, refusal)
        return _page(request, access, form, sheet, status=422)
    messages.success(request, str(sheet.done))
    return SeeOther(sheet.back)


def _page(
    request: HttpRequest, access: StaffAccess, form: forms.Form, sheet: Sheet, *, preview: Preview | None = None, status: int = 200
) -> HttpResponse:
    ours = {"csrfmiddlewaretoken", "enter"}
    kept = [(name, value) for name, values in request.POST.lists() if name not in ours for value in values]
    page = {"form": form, "sheet": sheet, "preview": preview, "kept": kept if preview else [], **sheet.page}
    return render(request, sheet.template, context.of_operator(access, sheet.section) | page, status=status)
