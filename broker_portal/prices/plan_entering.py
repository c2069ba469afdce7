"""A plan, or a new version of one: looked at with its fee worked out before it counts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from authflows.models import Connection
from billing import fees, plans
from billing.fees import FeeTier, Mode
from billing.models import PlanVersion
from billing.periods import Month
from billing.plans import Terms
from broker_portal.access import StaffAction, staff_access
from broker_portal.prices.plan_forms import BLANK_OWN, BLANK_TIERS, MOST, PlanForm, initial_of
from broker_portal.prices.sheets import Preview, Sheet, answer
from broker_portal.templatetags.portal import amount, month, whole
from tenants.isolation import operator_scope
from tenants.models import Operator


@dataclass(frozen=True, slots=True)
class Example:
    """What a period with so many requests costs in tiers, both ways."""

    requests: int
    graduated: Decimal
    volume: Decimal


@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest, operator: uuid.UUID) -> HttpResponse:
    """GET ?plan=<id> fills in the version before; POST the fields of PlanForm; `more` gives another tier."""
    access = staff_access(request, StaffAction.DECIDE_PRICES, operator)
    form = _form(request, access.operator)
    currency = access.operator.currency

    def enter() -> None:
        given = form.cleaned_data
        terms = form.terms(currency)
        plans.enter_plan(access.operator, given["name"], given["starts"], terms, by=access.actor, reason=given["reason"])

    sheet = Sheet(
        title=_("New version of a plan") if request.GET.get("plan") else _("New plan"),
        lead=_("What is entered is never changed: a later version replaces it from the first of a month."),
        enter=enter,
        preview=lambda: _preview(form, currency),
        done=_("The plan is entered"),
        back=reverse("operator:prices", args=[access.operator.id]),
        template="operator/prices/plan.html",
        page={**form.rows(), "examples": lambda: examples(form.terms(currency).tiers), "currency": currency},
    )
    return answer(request, access, form, sheet, more=bool(request.POST.get("more")))


def _form(request: HttpRequest, operator: Operator) -> PlanForm:
    ways = dict(Connection.objects.filter(operator=operator, owner_tenant=None).order_by("name").values_list("id", "name"))
    if request.method != "POST":
        initial = _before(operator, request.GET["plan"]) if "plan" in request.GET else {"mode": "graduated"}
        initial["starts"] = str(Month.at(timezone.now()).next())
        tiers = max(BLANK_TIERS, sum(name.startswith("price_") for name in initial) + 1)
        own = sum(name.startswith("own_") for name in initial) + BLANK_OWN
        return PlanForm(tiers=tiers, own=own, connections=ways, initial=initial)
    more = request.POST.get("more", "")
    tiers = _size(request.POST.get("tiers"), BLANK_TIERS) + (more == "tier")
    own = _size(request.POST.get("owns"), BLANK_OWN) + (more == "own")
    if more:
        return PlanForm(tiers=tiers, own=own, connections=ways, initial=request.POST.dict())
    return PlanForm(request.POST, tiers=tiers, own=own, connections=ways)


def _before(operator: Operator, plan_id: str) -> dict[str, Any]:
    try:
        named = uuid.UUID(plan_id)
    except ValueError:
        raise Http404 from None
    with operator_scope(operator.id, "a plan's version"):
        versions = PlanVersion.objects.select_related("plan").filter(operator=operator, plan_id=named).order_by("-starts")
        newest = versions.first()
        if newest is None:
            raise Http404
        return initial_of(newest.plan, newest)


def _size(text: str | None, otherwise: int) -> int:
    return min(MOST, int(text)) if text and text.isascii() and text.isdigit() else otherwise


def _preview(form: PlanForm, currency: str) -> Preview:
    given, terms = form.cleaned_data, form.terms(currency)
    facts: list[tuple[Any, Any]] = [(_("Plan"), given["name"]), (_("Holds from"), month(given["starts"].first))]
    if terms.tiers:
        facts.append((_("Fee"), _("Volume") if terms.mode is Mode.VOLUME else _("Graduated")))
    amounts = [(_("Subscription per month"), terms.subscription), (_("Minimum fee per month"), terms.minimum)]
    facts += [(label, amount(value, currency)) for label, value in amounts if value is not None]
    return Preview(facts, cliff_warnings(terms, currency))


def cliff_warnings(terms: Terms, currency: str) -> list[str]:
    """Where one request more makes the period cheaper: how many, and how much."""
    return [
        _("Request %(n)s makes the period %(saved)s cheaper: %(quantity)s requests cost %(amount)s, one more %(next)s")
        % {
            "n": whole(cliff.quantity + 1),
            "saved": amount(cliff.saved, currency),
            "quantity": whole(cliff.quantity),
            "amount": amount(cliff.amount, currency),
            "next": amount(cliff.next_amount, currency),
        }
        for cliff in terms.cliffs()
    ]


def examples(tiers: Sequence[FeeTier]) -> list[Example]:
    """At each bound, one above it, and well into the last tier."""
    bounds = [tier.up_to for tier in tiers if tier.up_to]
    counts = sorted({n for bound in bounds for n in (bound, bound + 1)} | {(bounds[-1] if bounds else 1000) * 5 // 2})
    return [Example(n, fees.amount(tiers, Mode.GRADUATED, n), fees.amount(tiers, Mode.VOLUME, n)) for n in counts if tiers]
