"""The operator's prices: its plans, and what MitID decides, with two people for a final AAP."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import decisions
from billing.decisions import DecisionError
from billing.models import AapDecision
from broker_portal import context, refusals
from broker_portal.access import StaffAccess, StaffAction, staff_access
from broker_portal.answers import SeeOther
from broker_portal.prices import shown
from tenants import audit
from tenants.isolation import operator_scope

SECTIONS = {"prices": StaffAction.SEE_PRICES, "accounts": StaffAction.SEE_PRICES, "incidents": StaffAction.SEE_MONTHS}


@require_GET
def current(request: HttpRequest, section: str) -> HttpResponse:
    """The section of the operator that the person works for."""
    access = staff_access(request, SECTIONS[section])
    return redirect(f"operator:{section}", operator=access.operator.id)


@require_GET
def index(request: HttpRequest, operator: uuid.UUID) -> HttpResponse:
    access = staff_access(request, StaffAction.SEE_PRICES, operator)
    page = {"plans": shown.plans(access.operator), "years": shown.years(), "may_decide": access.may(StaffAction.DECIDE_PRICES)}
    return render(request, "operator/prices/plans.html", context.of_operator(access, "prices") | page)


@require_GET
def aap(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    access = staff_access(request, StaffAction.SEE_PRICES, operator)
    page = {
        "may_decide": access.may(StaffAction.DECIDE_PRICES),
        "me": access.user.email,
        **shown.year(shown.year_or_404(year), access.user.email),
    }
    return render(request, "operator/prices/aap.html", context.of_operator(access, "prices") | page)


@require_POST
def approve(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    """POST decision=<id>: somebody else than who entered it says that it is right."""
    access = staff_access(request, StaffAction.DECIDE_PRICES, operator)
    waiting = [each for each in shown.waiting(year) if str(each.id) == request.POST.get("decision")]
    if not waiting:
        raise Http404
    try:
        with operator_scope(access.operator.id, "approve a price"):
            decisions.approve(waiting[0], by=access.user.email)
            _record(access, "aap.approved", waiting[0])
    except DecisionError as error:
        messages.error(request, refusals.said(error))
    else:
        messages.success(request, _("The final price is approved"))
    return _back(access, year)


def _record(access: StaffAccess, action: str, decision: AapDecision) -> None:
    facts = {"kind": decision.kind, "price": decision.price, "requests": decision.requests, "authenticators": decision.authenticators}
    audit.record_for_operator(
        access.operator.id, actor=access.actor, action=action, subject=f"aap:{decision.id}", after=audit.changed({}, facts)[1]
    )


def _back(access: StaffAccess, year: int) -> SeeOther:
    return SeeOther(reverse("operator:aap", args=[access.operator.id, year]))
