"""What the supplier charges beside what we have counted, month by month, and the settlement of the year."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from billing import scheme, supplier
from billing.money import add
from billing.periods import ContractYear
from billing.refusals import N_
from billing.scheme import PriceMissing
from billing.supplier import Difference, Faulty
from broker_portal import context
from broker_portal.access import StaffAccess, StaffAction, staff_access
from broker_portal.answers import SeeOther
from broker_portal.prices import shown
from broker_portal.refusals import said
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant

LARGEST = 1_000_000
FAULTS_TOLD = 10


@dataclass(frozen=True, slots=True)
class Year:
    """`accrued`: what the year has cost so far by our own counts; the settlement stands where the price is final."""

    rows: list[Difference]
    accrued: Decimal
    stated: Decimal
    paid: Decimal
    final: Decimal | None
    requests: int
    expected: Decimal | None
    received: Decimal | None

    @property
    def differing(self) -> int:
        return sum(row.differs for row in self.rows)

    @property
    def settlement_differs(self) -> Decimal | None:
        return add(self.received, -self.expected) if self.received is not None and self.expected is not None else None


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    """GET the contract year; POST file: a statement (month,requests,amount[,component]), which is entered whole or not at all."""
    access = staff_access(request, StaffAction.DECIDE_PRICES if request.method == "POST" else StaffAction.SEE_PRICES, operator)
    if request.method != "POST":
        return _page(request, access, year)
    try:
        entered = _enter(request, access)
    except Faulty as refused:
        faults = [_("Line %(n)s: %(what)s") % {"n": line, "what": said(fault)} for line, fault in refused.faults[:FAULTS_TOLD]]
        return _page(request, access, year, faults=faults, status=422)
    told = ngettext("%(n)s line is new", "%(n)s lines are new", entered) % {"n": entered}
    messages.success(request, told)
    return SeeOther(reverse("operator:supplier", args=[access.operator.id, year]))


def _enter(request: HttpRequest, access: StaffAccess) -> int:
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > LARGEST:
        raise Faulty([(1, supplier.LineFault(N_("choose a CSV file of at most 1 MB")))])
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Faulty([(1, supplier.LineFault(N_("the file is not UTF-8")))]) from None
    lines = io.StringIO(text, newline="")
    return len(supplier.import_statement(access.operator, lines, source=str(file.name), by=access.actor))


def of_year(operator: Operator, year: ContractYear) -> Year:
    """Raises PriceMissing."""
    tenants = list(Tenant.objects.filter(operator=operator).values_list("id", flat=True))
    with operator_scope(operator.id, "the supplier's page"):
        accrued = supplier.accrue(supplier.counts(tenants, year), year)
        rows = supplier.compare(operator, accrued, year)
        received = supplier.received_settlement(operator, year)
    final = scheme.final(year.number)
    return Year(
        rows=rows,
        accrued=add(*(row.ours_amount for row in rows)),
        stated=add(*(row.theirs_amount for row in rows if row.theirs_amount is not None)),
        paid=supplier.paid(accrued),
        final=final.price if final else None,
        requests=sum(row.ours for row in rows if row.component == supplier.AAP),
        expected=supplier.expected_settlement(accrued, final.price) if final else None,
        received=received,
    )


def _page(request: HttpRequest, access: StaffAccess, number: int, *, faults: list[str] | None = None, status: int = 200) -> HttpResponse:
    years = shown.years()
    if number not in {each.number for each in years}:
        raise Http404
    told: dict[str, Any] = {"found": None, "refusal": ""}
    try:
        told["found"] = of_year(access.operator, scheme.year_numbered(number))
    except PriceMissing as missing:
        told["refusal"] = said(missing)
    page = {
        "number": number,
        "years": years,
        "faults": faults,
        "may_import": access.may(StaffAction.DECIDE_PRICES),
        "currency": access.operator.currency,
    }
    return render(request, "operator/supplier/year.html", context.of_operator(access, "supplier") | page | told, status=status)
