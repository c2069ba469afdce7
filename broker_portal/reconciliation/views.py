"""A contract year settled: the preview, the commit, and what is left of it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from billing import margin, reconciliation, scheme
from billing.issuing import Refused
from billing.models import Document, State
from billing.money import add
from billing.periods import Month, day_of
from billing.reconciliation import YearOf
from billing.scheme import PriceMissing
from broker_portal import context
from broker_portal.access import StaffAccess, StaffAction, staff_access
from broker_portal.answers import SeeOther
from broker_portal.prices import shown
from broker_portal.refusals import said
from tenants.isolation import operator_scope
from tenants.models import Tenant

PROBLEMS_TOLD = 5


@require_GET
def current(request: HttpRequest, section: str) -> HttpResponse:
    """The contract year to settle, the last one that is over; what is charged and what is left are asked of the one that runs."""
    access = staff_access(request, StaffAction.SEE_PRICES)
    years, today = shown.years(), day_of(timezone.now())
    if not years:
        return redirect("operator:prices", operator=access.operator.id)
    begun = [each.number for each in years if (each.last if section == "reconciliation" else each.first) < today]
    return redirect(f"operator:{section}", operator=access.operator.id, year=begun[-1] if begun else years[0].number)


@require_GET
def preview(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    access = staff_access(request, StaffAction.SEE_PRICES, operator)
    page: dict[str, Any] = {"number": year, "years": shown.years(), "found": None, "refusal": ""}
    try:
        found = reconciliation.preview(access.operator, year)
    except Refused as refusal:
        if year not in {each.number for each in page["years"]}:
            raise Http404 from None
        page["refusal"] = said(refusal)
    else:
        page |= _figures(found, access)
    return render(request, "operator/reconciliation/preview.html", context.of_operator(access, "reconciliation") | page)


def _figures(found: YearOf, access: StaffAccess) -> dict[str, Any]:
    owed = add(*(row.delta for row in found.accounts))
    to_send = [row for row in found.accounts if row.delta and not row.carried]
    waits = bool(scheme.waiting(found.year.number))
    return {
        "found": found,
        "owed": owed,
        "documents": len(to_send),
        "without": len(found.accounts) - len(to_send),
        "days_left": (found.year.settled_by - day_of(timezone.now())).days,
        "waits": waits,
        "issued": _issued(access, found.year.number),
        "may_credit": access.may(StaffAction.CREDIT),
        "may_commit": access.may(StaffAction.RECONCILE) and bool(to_send) and not waits,
        "difference": add(found.expected_settlement, *(-row.delta - row.due.earlier for row in found.accounts)),
    }


def _issued(access: StaffAccess, number: int) -> list[Document]:
    """The documents that settled the year, the newest first."""
    ours = Tenant.objects.filter(operator=access.operator).values("id")
    with operator_scope(access.operator.id, "documents of a settlement"):
        rows = Document.objects.filter(tenant_id__in=ours, state=State.ISSUED, idempotency_key__startswith=f"rec:{number}:")
        return list(rows.select_related("tenant").order_by("-issue_date", "-sequence"))


@require_POST
def commit(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    access = staff_access(request, StaffAction.RECONCILE, operator)
    try:
        found = reconciliation.commit(access.operator, year, by=access.actor)
    except Refused as refusal:
        messages.error(request, said(refusal))
    else:
        made = sum(row.document is not None for row in found.accounts)
        messages.success(request, ngettext("%(n)s document is issued", "%(n)s documents are issued", made) % {"n": made})
        told = [f"{row.tenant.name}: {said(row.problem)}" for row in found.accounts if row.problem]
        for text in told[:PROBLEMS_TOLD]:
            messages.warning(request, text)
    return SeeOther(reverse("operator:reconciliation", args=[access.operator.id, year]))


@require_GET
def left(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    """The margin of a contract year."""
    access = staff_access(request, StaffAction.SEE_PRICES, operator)
    try:
        found = margin.of_year(access.operator, year)
    except PriceMissing:
        raise Http404 from None
    names = {"aap": "AAP", "core_client": _("Core client surcharge"), "udviklingsbidrag": _("Development contribution")}
    names |= {"fee": _("Fee per request"), "action": _("Requests with a price of their own"), "subscription": _("Subscription")}
    names |= {"discount": _("Discount"), "minimum": _("Minimum fee"), "one_off": _("One-off lines"), "settlement": _("Settlement of AAP")}
    months = [(Month.parse(part.name).first, part) for part in found.months]
    page = {"found": found, "months": months, "years": shown.years(), "number": year, "names": names, "currency": access.operator.currency}
    return render(request, "operator/reconciliation/margin.html", context.of_operator(access, "margin") | page)
