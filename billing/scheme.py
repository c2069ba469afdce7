"""What MitID decides, for one month: the AAP of its contract year and the charges beside it. The same for every broker (decision 19)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection

from billing import periods
from billing.models import AapDecision, ContractYear, SchemeCharge
from billing.money import price_text, round_amount
from billing.periods import Month
from billing.pricing import AapPrice, LineKind
from billing.pricing import SchemeCharge as ChargePrice
from billing.refusals import Refusal

PriceRow = dict[str, Any]
Row = TypeVar("Row")
NEWEST = ("-entered_at", "-id")


class PriceMissing(Refusal, LookupError):
    """A month that cannot be priced; the text says what to enter."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A price of the scheme, and the row that it stands in as documents keep it."""

    price: AapPrice | ChargePrice
    row: PriceRow


@dataclass
class _Book:
    """Prices that were read, and by operator how many there were to read: rows of prices are only ever added."""

    rows: dict[Hashable, Any] = field(default_factory=dict)
    entered: dict[uuid.UUID, tuple[Any, ...]] = field(default_factory=dict)


_open: ContextVar[_Book | None] = ContextVar("price_book", default=None)
_ENTERED = """
SELECT (SELECT count(*) FROM billing_contractyear), (SELECT count(*) FROM billing_aapdecision), (SELECT count(*) FROM billing_aapapproval),
       (SELECT count(*) FROM billing_schemecharge), (SELECT count(*) FROM billing_planversion), (SELECT count(*) FROM billing_plantier),
       (SELECT count(*) FROM billing_planprice), (SELECT array_agg(name ORDER BY id) FROM billing_plan)"""


@contextmanager
def price_book() -> Iterator[None]:
    """For many accounts in turn: prices are read once, and again for the first account that finds any entered since (`turn_to`)."""
    token = _open.set(_Book())
    try:
        yield
    finally:
        _open.reset(token)


def turn_to(operator_id: uuid.UUID) -> None:
    """In the operator's scope, before an account is priced: what the book holds counts only while nothing was entered."""
    book = _open.get()
    if book is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_ENTERED)
        entered = tuple(cursor.fetchone())
    if book.entered.get(operator_id) != entered:
        book.rows.clear()
        book.entered = {operator_id: entered}


def kept(key: Hashable, read: Callable[[], Row]) -> Row:
    """From the open book, where there is one."""
    book = _open.get()
    if book is None:
        return read()
    if key not in book.rows:
        book.rows[key] = read()
    found: Row = book.rows[key]
    return found


def contract_year(month: Month) -> periods.ContractYear | None:
    return kept(("year of", month), lambda: _contract_year(month))


def _contract_year(month: Month) -> periods.ContractYear | None:
    year = ContractYear.objects.filter(first__lte=month.first, last__gte=month.last).first()
    return periods.ContractYear(year.number, year.first, year.last) if year else None


def year_numbered(number: int) -> periods.ContractYear:
    """Raises PriceMissing."""
    return kept(("year", number), lambda: _year_numbered(number))


def _year_numbered(number: int) -> periods.ContractYear:
    year = ContractYear.objects.filter(number=number).first()
    if year is None:
        raise PriceMissing("there is no contract year %(number)s: enter it", number=number)
    return periods.ContractYear(year.number, year.first, year.last)


def provisional(number: int) -> AapDecision | None:
    return AapDecision.objects.filter(contract_year__number=number, kind=AapDecision.Kind.PROVISIONAL).order_by(*NEWEST).first()


def final(number: int) -> AapDecision | None:
    """The newest that somebody else has approved."""
    decisions = AapDecision.objects.filter(contract_year__number=number, kind=AapDecision.Kind.FINAL, approval__isnull=False)
    return decisions.order_by(*NEWEST).first()


def waiting(number: int) -> list[AapDecision]:
    """Final decisions that nobody has approved and no newer one has replaced."""
    decisions = AapDecision.objects.filter(contract_year__number=number, kind=AapDecision.Kind.FINAL).order_by(*NEWEST)
    newest = decisions.select_related("approval").first()
    return [newest] if newest and not hasattr(newest, "approval") else []


def aap(month: Month) -> Decided:
    """What documents of the month charge: the newest provisional price, also once a final one is decided, since the whole difference comes
    with reconciliation; the final one where there is no other. Raises PriceMissing."""
    year = contract_year(month)
    if year is None:
        raise PriceMissing("no contract year holds %(month)s: enter it", month=month)
    decision = provisional(year.number) or final(year.number)
    if decision is None:
        raise PriceMissing(
            "no AAP is decided for contract year %(number)s, which holds %(month)s: enter it", number=year.number, month=month
        )
    return decided(decision, year)


def decided(decision: AapDecision, year: periods.ContractYear) -> Decided:
    is_final = decision.kind == AapDecision.Kind.FINAL
    price = AapPrice(str(decision.id), decision.price, year.number, year.last, year.settled_by, is_final)
    return Decided(price, _aap_row(decision, year.number))


def charges(month: Month) -> list[Decided]:
    """The charges per request in force in the month: of each kind and usage model the one that started last, unless it has ended."""
    found = SchemeCharge.objects.filter(starts__lte=month.first).order_by("starts", "entered_at", "id")
    newest = {(charge.kind, charge.usage_model): charge for charge in found}
    return [
        Decided(_charge(charge), _charge_row(charge))
        for _, charge in sorted(newest.items())
        if charge.per == SchemeCharge.Per.REQUEST and (charge.until is None or charge.until >= month.first)
    ]


def yearly(year: periods.ContractYear) -> list[tuple[str, Decimal]]:
    """(kind, amount) of the costs that the scheme charges the operator once a year."""
    rows = SchemeCharge.objects.filter(per=SchemeCharge.Per.YEAR, starts__lte=year.first).order_by("starts", "entered_at", "id")
    newest = {(row.kind, row.usage_model): row for row in rows}
    return [(row.kind, round_amount(row.price)) for row in newest.values() if row.until is None or row.until >= year.first]


def _charge(charge: SchemeCharge) -> ChargePrice:
    return ChargePrice(str(charge.id), LineKind(charge.kind), charge.price, charge.until, charge.usage_model)


def _aap_row(decision: AapDecision, number: int) -> PriceRow:
    return {
        "id": str(decision.id),
        "kind": LineKind.AAP.value,
        "contract_year": number,
        "decision": decision.kind,
        "basis": "table" if decision.table_id else "announced",
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
