"""The operator's accounts: who buys, by which plan, and one-off lines that two people decide."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import one_offs, prices
from billing.fees import PlanError
from billing.models import Plan
from billing.money import amount_of
from billing.periods import Month
from broker_portal import context, refusals
from broker_portal.access import StaffAccess, StaffAction, staff_access
from broker_portal.answers import SeeOther
from broker_portal.buyers import keeping, payers
from broker_portal.buyers.forms import FIELDS
from broker_portal.buyers.payers import AccountPage
from broker_portal.prices.forms import MonthField
from broker_portal.prices.sheets import Preview, Sheet, answer
from broker_portal.templatetags.portal import amount, month, number
from tenants.isolation import operator_scope
from tenants.models import Tenant


class PlanChoice(forms.Form):
    plan = forms.ChoiceField(label=gettext_lazy("Plan"))
    starts = MonthField(label=gettext_lazy("Holds from"))

    def __init__(self, *given: Any, plans: list[Plan], **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.plans = {str(each.id): each for each in plans}
        self.fields["plan"].choices = [(key, each.name) for key, each in self.plans.items()]  # type: ignore[attr-defined]  # fields are typed as their base class


class OneOffForm(forms.Form):
    text = forms.CharField(label=gettext_lazy("Text on the invoice"), max_length=200)
    quantity = forms.DecimalField(label=gettext_lazy("Quantity"), max_digits=12, decimal_places=2)
    unit_price = forms.DecimalField(label=gettext_lazy("Unit price"), max_digits=14, decimal_places=2)
    month = MonthField(label=gettext_lazy("Charged with"))


@require_GET
def index(request: HttpRequest, operator: uuid.UUID) -> HttpResponse:
    access = staff_access(request, StaffAction.SEE_PRICES, operator)
    rows = [
        {"payer": each, "lacking": [(refusals.lacking(path), FIELDS[path]) for path in each.lacking]}
        for each in payers.payers(access.operator)
    ]
    return render(request, "operator/accounts/list.html", context.of_operator(access, "accounts") | {"rows": rows})


@require_GET
def detail(request: HttpRequest, operator: uuid.UUID, slug: str) -> HttpResponse:
    access = staff_access(request, StaffAction.SEE_PRICES, operator)
    tenant, found = _account(access, slug)
    may = access.may(StaffAction.CHANGE_ACCOUNTS)
    page = {"payer": tenant, "found": found, "may_change": may, "me": access.actor, "currency": found.account.currency}
    return render(request, "operator/accounts/detail.html", context.of_operator(access, "accounts") | page)


@require_http_methods(["GET", "POST"])
def buyer(request: HttpRequest, operator: uuid.UUID, slug: str) -> HttpResponse:
    access = staff_access(request, StaffAction.CHANGE_ACCOUNTS, operator)
    tenant, found = _account(access, slug)
    form = keeping.form_of(found.account, found.buyer, request.POST if request.method == "POST" else None)
    if request.method == "POST" and keeping.save(found.account, form, by=access.actor):
        messages.success(request, _("The account is saved"))
        return _back(access, tenant)
    status = 422 if request.method == "POST" else 200
    page = {"payer": tenant, "form": form}
    return render(request, "operator/accounts/buyer.html", context.of_operator(access, "accounts") | page, status=status)


@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest, operator: uuid.UUID, slug: str) -> HttpResponse:
    """POST plan=<id>, starts=<month>: the account pays it from then on."""
    access = staff_access(request, StaffAction.CHANGE_ACCOUNTS, operator)
    tenant, found = _account(access, slug)
    with operator_scope(access.operator.id, "plans to choose from"):
        plans = list(Plan.objects.filter(operator=access.operator).order_by("name"))
    given = {"data": request.POST} if request.method == "POST" else {"initial": {"starts": str(Month.at(timezone.now()).next())}}
    form = PlanChoice(plans=plans, **given)

    def enter() -> None:
        prices.assign_plan(found.account, form.plans[form.cleaned_data["plan"]], form.cleaned_data["starts"], by=access.actor)

    def preview() -> Preview:
        chosen = form.plans[form.cleaned_data["plan"]].name
        now = found.plans[0].plan.name if found.plans else "–"
        return Preview(
            [
                (_("Account"), tenant.name),
                (_("Pays now"), now),
                (_("Will pay"), chosen),
                (_("Holds from"), month(form.cleaned_data["starts"].first)),
            ]
        )

    sheet = _sheet(
        access, tenant, title=_("Plan of %(name)s") % {"name": tenant.name}, done=_("The plan is chosen"), enter=enter, preview=preview
    )
    return answer(request, access, form, sheet)


@require_http_methods(["GET", "POST"])
def one_off(request: HttpRequest, operator: uuid.UUID, slug: str) -> HttpResponse:
    """POST text, quantity, unit_price, month: charged once somebody else has approved it."""
    access = staff_access(request, StaffAction.CHANGE_ACCOUNTS, operator)
    tenant, found = _account(access, slug)
    given = {"data": request.POST} if request.method == "POST" else {"initial": {"quantity": 1, "month": str(Month.at(timezone.now()))}}
    form = OneOffForm(**given)

    def enter() -> None:
        one_offs.propose(found.account, by=access.actor, **form.cleaned_data)

    def preview() -> Preview:
        data, currency = form.cleaned_data, found.account.currency
        facts = [(_("Account"), tenant.name), (_("Text on the invoice"), data["text"]), (_("Quantity"), number(data["quantity"]))]
        facts += [
            (_("Unit price"), amount(data["unit_price"], currency)),
            (_("Amount"), amount(amount_of(data["quantity"], data["unit_price"]), currency)),
        ]
        return Preview([*facts, (_("Charged with"), month(data["month"].first))], [_("It is charged once somebody else has approved it.")])

    sheet = _sheet(
        access,
        tenant,
        title=_("One-off line for %(name)s") % {"name": tenant.name},
        done=_("The line waits for approval"),
        enter=enter,
        preview=preview,
    )
    return answer(request, access, form, sheet)


@require_POST
def decide_one_off(request: HttpRequest, operator: uuid.UUID, slug: str) -> HttpResponse:
    """POST line=<id>, action=approve | withdraw."""
    access = staff_access(request, StaffAction.CHANGE_ACCOUNTS, operator)
    tenant, found = _account(access, slug)
    line = next((each for each in found.waiting if str(each.id) == request.POST.get("line")), None)
    if line is None or request.POST.get("action") not in ("approve", "withdraw"):
        raise Http404
    if request.POST["action"] == "withdraw":
        one_offs.withdraw(found.account, line, by=access.actor)
        messages.success(request, _("The line is withdrawn"))
        return _back(access, tenant)
    try:
        one_offs.approve(found.account, line, by=access.actor)
    except PlanError as error:
        messages.error(request, refusals.said(error))
    else:
        messages.success(request, _("The line is approved"))
    return _back(access, tenant)


def _sheet(access: StaffAccess, tenant: Tenant, **given: Any) -> Sheet:
    back = reverse("operator:account", args=[access.operator.id, tenant.slug])
    return Sheet(lead=_("Months that are closed stay as they are."), back=back, section="accounts", **given)


def _account(access: StaffAccess, slug: str) -> tuple[Tenant, AccountPage]:
    tenant = Tenant.objects.select_related("operator").filter(operator=access.operator, slug=slug).first()
    found = payers.account_page(tenant) if tenant else None
    if tenant is None or found is None:
        raise Http404
    return tenant, found


def _back(access: StaffAccess, tenant: Tenant) -> SeeOther:
    return SeeOther(reverse("operator:account", args=[access.operator.id, tenant.slug]))
