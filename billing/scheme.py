"""What MitID decides, for one month: the AAP of its contract year and the charges beside it. The same for every broker (decision 19)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from billing import periods
from billing.models import AapDecision, ContractYear, SchemeCharge
from billing.money import price_text
from billing.periods import Month
from billing.pricing import AapPrice, LineKind
from billing.pricing import SchemeCharge as ChargePrice

PriceRow = dict[str, Any]


class PriceMissing(LookupError):
    """A month that cannot be priced; the text says what to enter."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A price of the scheme, and the row that it stands in as documents keep it."""

    price: AapPrice | ChargePrice
    row: PriceRow
    usage_model: str | None = None


def contract_year(month: Month) -> periods.ContractYear | None:
    year = ContractYear.objects.filter(first__lte=month.first, last__gte=month.last).first()
    return periods.ContractYear(year.number, year.first, year.last) if year else None


def aap(month: Month) -> Decided:
    """The newest decision of the month's contract year; a final one counts once it is approved. Raises PriceMissing."""
    year = contract_year(month)
    if year is None:
        raise PriceMissing(f"no contract year holds {month}: enter it")
    decisions = AapDecision.objects.filter(contract_year__number=year.number).exclude(kind=AapDecision.Kind.FINAL, approved_by="")
    decision = decisions.order_by("-entered_at", "-id").first()
    if decision is None:
        raise PriceMissing(f"no AAP is decided for contract year {year.number}, which holds {month}: enter it")
    final = decision.kind == AapDecision.Kind.FINAL
    price = AapPrice(str(decision.id), decision.price, year.number, year.last, year.settled_by, final)
    return Decided(price, _aap_row(decision, year.number))


def charges(month: Month) -> list[Decided]:
    """The charges in force in the month: of each kind and usage model the one that started last, unless it has ended."""
    found = SchemeCharge.objects.filter(Q(until__isnull=True) | Q(until__gte=month.first), starts__lte=month.first)
    newest = {(charge.kind, charge.usage_model): charge for charge in found.order_by("starts")}
    return [
        Decided(ChargePrice(str(charge.id), LineKind(charge.kind), charge.price, charge.until), _charge_row(charge), charge.usage_model)
        for _, charge in sorted(newest.items())
    ]


def _aap_row(decision: AapDecision, number: int) -> PriceRow:
    return {
        "id": str(decision.id),
        "kind": LineKind.AAP.value,
        "contract_year": number,
        "decision": decision.kind,
        "unit_price": price_text(decision.price),
        "currency": decision.currency,
        "requests": decision.requests,
        "authenticators": decision.authenticators,
        "source": decision.source,
        "illustrative": decision.illustrative,
    }


def _charge_row(charge: SchemeCharge) -> PriceRow:
    return {
        "id": str(charge.id),
        "kind": charge.kind,
        "usage_model": charge.usage_model,
        "unit_price": price_text(charge.price),
        "currency": charge.currency,
        "starts": charge.starts.isoformat(),
        "until": charge.until.isoformat() if charge.until else None,
        "source": charge.source,
        "illustrative": charge.illustrative,
    }
