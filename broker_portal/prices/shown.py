"""Plans and prices as the operator's pages show them."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import Http404
from django.utils import timezone

from billing import decisions, scheme
from billing.decisions import Cell
from billing.fees import Cliff, FeeTier, Mode, cliffs
from billing.models import AapDecision, AccountPlan, ContractYear, PlanTier, PlanVersion, SchemeCharge
from billing.periods import Month, day_of
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant


@dataclass(frozen=True, slots=True)
class PlanRow:
    """`state`: holds, comes or over (replaced by a later version)."""

    plan: uuid.UUID
    name: str
    starts: date
    mode: str
    tiers: int
    aap: str
    subscription: Decimal | None
    minimum: Decimal | None
    tenants: int
    state: str
    cliffs: list[Cliff]


def plans(operator: Operator) -> list[PlanRow]:
    """Every version, the newest of a plan first."""
    today = day_of(timezone.now())
    with operator_scope(operator.id, "plans"):
        versions = list(PlanVersion.objects.filter(operator=operator).select_related("plan").order_by("plan__name", "-starts"))
        tiers: dict[uuid.UUID, list[PlanTier]] = {}
        for tier in PlanTier.objects.filter(operator=operator).order_by("up_to"):
            tiers.setdefault(tier.version_id, []).append(tier)
        paying = _paying(operator, today)
    rows, holding = [], set()
    for version in versions:
        state = "comes" if version.starts > today else "over" if version.plan_id in holding else "holds"
        if state == "holds":
            holding.add(version.plan_id)
        rows.append(_row(version, tiers.get(version.id, []), paying[version.plan_id] if state == "holds" else 0, state))
    return rows


def _paying(operator: Operator, today: date) -> Counter[uuid.UUID]:
    ours = Tenant.objects.filter(operator=operator).values("id")
    newest: dict[uuid.UUID, uuid.UUID] = {}
    for assigned in AccountPlan.objects.filter(tenant_id__in=ours, starts__lte=today).order_by("entered_at", "id"):
        newest[assigned.tenant_id] = assigned.plan_id
    return Counter(newest.values())


def _row(version: PlanVersion, tiers: list[PlanTier], tenants: int, state: str) -> PlanRow:
    entered = [FeeTier(tier.up_to, tier.price) for tier in tiers]
    return PlanRow(
        plan=version.plan_id,
        name=version.plan.name,
        starts=version.starts,
        mode=version.mode,
        tiers=len(tiers),
        aap=version.aap,
        subscription=version.subscription,
        minimum=version.minimum,
        tenants=tenants,
        state=state,
        cliffs=cliffs(entered, Mode(version.mode)),
    )


def years() -> list[ContractYear]:
    return list(ContractYear.objects.order_by("number"))


def year_or_404(number: int) -> ContractYear:
    year = ContractYear.objects.filter(number=number).first()
    if year is None:
        raise Http404
    return year


def next_year() -> dict[str, Any]:
    """What fills the form of a new contract year: twelve months after the last one."""
    known = years()
    if not known:
        return {}
    first = Month.of(known[-1].last).next()
    last = first
    for _ in range(11):
        last = last.next()
    return {"number": known[-1].number + 1, "first": str(first), "last": str(last)}


def waiting(number: int) -> list[AapDecision]:
    return scheme.waiting(number)


def year(contract_year: ContractYear, me: str) -> dict[str, Any]:
    """The page of one contract year. `mine`: the waiting price was entered by who looks at it."""
    provisional, final = scheme.provisional(contract_year.number), scheme.final(contract_year.number)
    waits = waiting(contract_year.number)
    table = decisions.table_of(contract_year.number)
    marked = {"was": provisional, "now": waits[0] if waits else final}
    charges = SchemeCharge.objects.filter(starts__lte=contract_year.last).order_by("kind", "usage_model", "-starts", "-entered_at")
    return {
        "year": contract_year,
        "years": years(),
        "provisional": provisional,
        "final": final,
        "waiting": waits[0] if waits else None,
        "mine": bool(waits) and waits[0].entered_by.casefold() == me.casefold(),
        "table": table,
        "grid": _grid(decisions.cells_of(table), marked) if table else None,
        "decisions": [_decision(each) for each in _decisions(contract_year)],
        "charges": list(charges),
    }


def _decisions(year: ContractYear) -> list[AapDecision]:
    return list(AapDecision.objects.filter(contract_year=year).select_related("approval").order_by("-entered_at", "-id"))


def _decision(decision: AapDecision) -> dict[str, Any]:
    approval = getattr(decision, "approval", None)
    approved_by: str = approval.approved_by if approval else ""
    approved_at: datetime | None = approval.approved_at if approval else None
    return {"row": decision, "from_table": decision.table_id is not None, "approved_by": approved_by, "approved_at": approved_at}


def _grid(cells: list[Cell], marked: dict[str, AapDecision | None]) -> dict[str, Any]:
    """Bands of authenticators as columns, of requests as rows; `mark` is was (provisional), now (final) or nothing."""
    columns = sorted({(cell.authenticators_from, cell.authenticators_to) for cell in cells}, key=lambda band: band[0])
    rows = sorted({(cell.requests_from, cell.requests_to) for cell in cells}, key=lambda band: band[0])
    by_band = {(cell.requests_from, cell.authenticators_from): cell for cell in cells}
    return {
        "columns": [_band(low, high) for low, high in columns],
        "rows": [
            {
                "band": _band(low, high),
                "cells": [{"price": by_band[low, c].price, "mark": _mark(by_band[low, c], marked)} for c, _ in columns],
            }
            for low, high in rows
        ],
    }


def _band(low: int, high: int | None) -> dict[str, Decimal | None]:
    million = Decimal(1_000_000)
    return {"low": Decimal(low) / million, "high": None if high is None else Decimal(high) / million}


def _mark(cell: Cell, marked: dict[str, AapDecision | None]) -> str:
    found = [name for name, row in marked.items() if row and cell.holds(row.requests, row.authenticators)]
    return found[-1] if found else ""
