"""Entering what MitID decides: a contract year, its table, a price, a charge. Each is looked at before it counts."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import decisions
from billing.models import ContractYear
from broker_portal.access import StaffAccess, StaffAction, staff_access
from broker_portal.prices import shown
from broker_portal.prices.forms import ChargeForm, DecisionForm, TableForm, YearForm, table_initial
from broker_portal.prices.sheets import Preview, Sheet, answer
from broker_portal.templatetags.portal import day, month, price, whole
from tenants import audit

BLANK_ROWS, BLANK_COLUMNS, MOST = 5, 4, 20


def _record(access: StaffAccess, action: str, subject: str, facts: dict[str, Any]) -> None:
    after = audit.changed({}, {name: value for name, value in facts.items() if value not in (None, "")})[1]
    audit.record_for_operator(access.operator.id, actor=access.actor, action=action, subject=subject, after=after)


@require_http_methods(["GET", "POST"])
def year(request: HttpRequest, operator: uuid.UUID) -> HttpResponse:
    """GET the form; POST number, first, last (months)."""
    access = staff_access(request, StaffAction.DECIDE_PRICES, operator)
    form = YearForm(request.POST) if request.method == "POST" else YearForm(initial=shown.next_year())

    def enter() -> None:
        first, last = form.days()
        made = decisions.enter_year(form.cleaned_data["number"], first, last)
        _record(access, "year.entered", f"year:{made.number}", {"first": first, "last": last})

    def preview() -> Preview:
        first, last = form.days()
        return Preview([(_("Contract year"), form.cleaned_data["number"]), (_("From"), day(first)), (_("Until and including"), day(last))])

    sheet = Sheet(
        title=_("New contract year"),
        lead=_("A year of MitID's prices. Documents of its months are priced and settled by it."),
        enter=enter,
        preview=preview,
        done=_("The contract year is entered"),
        back=reverse("operator:prices", args=[access.operator.id]),
    )
    return answer(request, access, form, sheet)


@require_http_methods(["GET", "POST"])
def table(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    """GET the grid, filled with the table that counts; POST r0…, a0…, c0_0…, source, reason; `more` gives another row or column."""
    access = staff_access(request, StaffAction.DECIDE_PRICES, operator)
    contract_year = shown.year_or_404(year)
    more = request.POST.get("more", "")
    form = _grid_of(request, contract_year, more)

    def enter() -> None:
        made = decisions.enter_table(
            contract_year,
            form.cells(),
            source=form.cleaned_data["source"],
            by=access.user.email,
            reason=form.cleaned_data["reason"],
            currency=access.operator.currency,
        )
        _record(access, "aap.table", f"table:{made.id}", {"year": year, "source": made.source, "reason": made.reason})

    def preview() -> Preview:
        cells = form.cells()
        low, high = min(cell.price for cell in cells), max(cell.price for cell in cells)
        facts = [(_("Contract year"), year), (_("Prices"), whole(len(cells))), (_("Lowest"), price(low)), (_("Highest"), price(high))]
        return Preview([*facts, (_("Source"), form.cleaned_data["source"])])

    sheet = Sheet(
        title=_("AAP table, contract year %(n)s") % {"n": year},
        lead=_("Kroner per request, by the totals of the whole scheme. A new table counts; the earlier ones stay."),
        enter=enter,
        preview=preview,
        done=_("The table is entered"),
        back=reverse("operator:aap", args=[access.operator.id, year]),
        template="operator/prices/table.html",
        page={"grid": form.grid()},
    )
    return answer(request, access, form, sheet, more=bool(more))


def _grid_of(request: HttpRequest, year: ContractYear, more: str) -> TableForm:
    if request.method != "POST":
        newest = decisions.table_of(year.number)
        initial, rows, columns = table_initial(decisions.cells_of(newest)) if newest else ({}, BLANK_ROWS, BLANK_COLUMNS)
        return TableForm(rows=rows, columns=columns, initial=initial)
    rows = _size(request.POST.get("rows"), BLANK_ROWS) + (more == "row")
    columns = _size(request.POST.get("columns"), BLANK_COLUMNS) + (more == "column")
    if more:
        return TableForm(rows=rows, columns=columns, initial=request.POST.dict())
    return TableForm(request.POST, rows=rows, columns=columns)


def _size(text: str | None, otherwise: int) -> int:
    return min(MOST, int(text)) if text and text.isascii() and text.isdigit() and int(text) else otherwise


@require_http_methods(["GET", "POST"])
def decision(request: HttpRequest, operator: uuid.UUID, year: int) -> HttpResponse:
    """POST kind, requests, authenticators, price (optional), source, reason. A final price then waits for somebody else."""
    access = staff_access(request, StaffAction.DECIDE_PRICES, operator)
    contract_year = shown.year_or_404(year)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    made: list[Any] = []

    def enter() -> None:
        decided = decisions.decide(contract_year, by=access.user.email, currency=access.operator.currency, **form.cleaned_data)
        made.append(decided)
        facts = {"kind": decided.kind, "price": decided.price, "requests": decided.requests, "authenticators": decided.authenticators}
        _record(access, "aap.decided", f"aap:{decided.id}", facts)

    def preview() -> Preview:
        decided = made[0]
        announced = _("Announced") if decided.table_id is None else _("Looked up in the table")
        facts = [(_("Price"), price(decided.price)), (_("How"), announced)]
        totals = [
            (_("Requests of the whole scheme"), whole(decided.requests)),
            (_("Physical authenticators"), whole(decided.authenticators)),
        ]
        waits = [_("It counts once somebody else has approved it.")] if decided.kind == "final" else []
        return Preview([*facts, *totals, (_("Source"), decided.source)], waits)

    sheet = Sheet(
        title=_("AAP price, contract year %(n)s") % {"n": year},
        lead=_("A new decision counts; the earlier ones stay."),
        enter=enter,
        preview=preview,
        done=_("The price is entered"),
        back=reverse("operator:aap", args=[access.operator.id, year]),
    )
    return answer(request, access, form, sheet)


@require_http_methods(["GET", "POST"])
def charge(request: HttpRequest, operator: uuid.UUID) -> HttpResponse:
    """POST kind, per, price, usage_model, starts, until (months), source."""
    access = staff_access(request, StaffAction.DECIDE_PRICES, operator)
    form = ChargeForm(request.POST if request.method == "POST" else None)

    def enter() -> None:
        given = form.cleaned_data
        made = decisions.enter_charge(
            given["kind"],
            given["price"],
            given["starts"].first,
            source=given["source"],
            by=access.user.email,
            until=given["until"].last if given["until"] else None,
            usage_model=given["usage_model"] or "standard",
            per=given["per"],
            currency=access.operator.currency,
        )
        facts = {"kind": made.kind, "price": made.price, "starts": made.starts, "until": made.until, "source": made.source}
        _record(access, "charge.entered", f"charge:{made.id}", facts)

    def preview() -> Preview:
        given = form.cleaned_data
        ends = month(given["until"].first) if given["until"] else _("No end")
        kinds, pers = dict(ChargeForm.base_fields["kind"].choices), dict(ChargeForm.base_fields["per"].choices)  # type: ignore[attr-defined]  # fields are typed as their base class
        facts = [(_("Charge"), kinds[given["kind"]]), (_("Price"), price(given["price"])), (_("Charged"), pers[given["per"]])]
        return Preview(
            [*facts, (_("From"), month(given["starts"].first)), (_("Until and including"), ends), (_("Source"), given["source"])]
        )

    sheet = Sheet(
        title=_("New charge beside the AAP"),
        lead=_("Of each kind the one that started last counts. Months that are closed keep what they charged."),
        enter=enter,
        preview=preview,
        done=_("The charge is entered"),
        back=reverse("operator:prices", args=[access.operator.id]),
    )
    return answer(request, access, form, sheet)
