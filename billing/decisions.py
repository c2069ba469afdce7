"""Entering what MitID decides: contract years, tables, prices and their approval, charges. Append-only; callers note it in an audit.

Rows of the scheme belong to nobody (decision 19), so the operator is only whose staff entered them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from billing import periods
from billing.models import AapApproval, AapCell, AapDecision, AapTable, ContractYear, OutcomeRule, SchemeCharge
from billing.money import unit_price
from billing.periods import Month, day_of
from billing.pricing import LineKind
from billing.pricing import SchemeCharge as ChargePrice
from billing.refusals import Refusal

Kind = AapDecision.Kind


class DecisionError(Refusal, ValueError):
    """What was entered cannot stand; the text says why and what to do, `at` the field."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The price where requests lie in [requests_from, requests_to) and authenticators likewise; None is without end."""

    requests_from: int
    requests_to: int | None
    authenticators_from: int
    authenticators_to: int | None
    price: Decimal

    def holds(self, requests: int, authenticators: int) -> bool:
        return _within(requests, self.requests_from, self.requests_to) and _within(
            authenticators, self.authenticators_from, self.authenticators_to
        )


def _within(value: int, lower: int, upper: int | None) -> bool:
    return lower <= value and (upper is None or value < upper)


def look_up(cells: Sequence[Cell], requests: int, authenticators: int) -> Decimal:
    """By band, never between bands (our assumption: MitID has not said). Raises DecisionError."""
    found = [cell.price for cell in cells if cell.holds(requests, authenticators)]
    if len(found) != 1:
        raise DecisionError(
            "%(found)s cells of the table hold %(requests)s requests and %(authenticators)s authenticators",
            found=len(found),
            requests=requests,
            authenticators=authenticators,
        )
    return found[0]


def wrong_way(cells: Sequence[Cell]) -> list[DecisionError]:
    """Where the price rises with more requests, or falls with more authenticators."""
    found = []
    for one in cells:
        for other in cells:
            facts = {"price": other.price, "below": one.price}
            same_column = one.authenticators_from == other.authenticators_from
            same_row = one.requests_from == other.requests_from
            if same_column and one.requests_to == other.requests_from and other.price > one.price:
                found.append(
                    DecisionError(
                        "the table runs the wrong way: %(price)s from %(requests)s requests on is more than %(below)s below; say why",
                        at="reason",
                        requests=other.requests_from,
                        **facts,
                    )
                )
            if same_row and one.authenticators_to == other.authenticators_from and other.price < one.price:
                found.append(
                    DecisionError(
                        "the table runs the wrong way: %(price)s from %(authenticators)s authenticators on is less than %(below)s; say why",
                        at="reason",
                        authenticators=other.authenticators_from,
                        **facts,
                    )
                )
    return found


def enter_year(number: int, first: date, last: date) -> ContractYear:
    """Again with the same days: the same row. Raises DecisionError."""
    try:
        periods.ContractYear(number, first, last)
    except ValueError:
        raise DecisionError(
            "contract year %(number)s is not made of whole months: %(first)s to %(last)s", number=number, first=first, last=last
        ) from None
    known = ContractYear.objects.filter(number=number).first()
    if known:
        if (known.first, known.last) != (first, last):
            raise DecisionError(
                "contract year %(number)s is %(first)s to %(last)s: it cannot be moved", number=number, first=known.first, last=known.last
            )
        return known
    if other := ContractYear.objects.filter(first__lte=last, last__gte=first).first():
        raise DecisionError(
            "contract year %(number)s overlaps year %(other)s, %(first)s to %(last)s",
            number=number,
            other=other.number,
            first=other.first,
            last=other.last,
        )
    return ContractYear.objects.create(number=number, first=first, last=last)


def enter_table(
    year: ContractYear, cells: Sequence[Cell], *, source: str, by: str, reason: str = "", currency: str = "DKK", illustrative: bool = False
) -> AapTable:
    """Again with the same cells: the table that counts stays. Raises DecisionError; gaps and overlaps are the database's to refuse."""
    if not source.strip():
        raise DecisionError("a table needs its source", at="source")
    for cell in cells:
        _price(cell.price)
    if (wrong := wrong_way(cells)) and not reason.strip():
        raise wrong[0]
    newest = table_of(year.number)
    if newest and set(cells_of(newest)) == set(cells):
        return newest
    try:
        with transaction.atomic():
            table = AapTable.objects.create(
                contract_year=year,
                serial=(AapTable.objects.aggregate(last=Max("serial"))["last"] or 0) + 1,
                currency=currency,
                source=source,
                reason=reason,
                entered_by=by,
                illustrative=illustrative,
            )
            AapCell.objects.bulk_create([_cell(table, cell) for cell in cells])
            _check_now()
    except IntegrityError as error:
        raise _refusal(error) from None
    return table


def _check_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS billing_aaptable_whole IMMEDIATE")
        cursor.execute("SET CONSTRAINTS billing_aaptable_whole DEFERRED")


def _refusal(error: IntegrityError) -> DecisionError:
    text = str(error)
    if "billing_aapcell_apart" in text:
        return DecisionError("two cells of the table overlap")
    if "leaves a gap" in text:
        return DecisionError("the table leaves a gap: its bands begin at 0, join, end without end, and each pair of bands has one cell")
    return DecisionError("a cell of the table ends before it begins, or is negative")


def _cell(table: AapTable, cell: Cell) -> AapCell:
    return AapCell(
        table=table,
        serial=table.serial,
        requests_from=cell.requests_from,
        requests_to=cell.requests_to,
        authenticators_from=cell.authenticators_from,
        authenticators_to=cell.authenticators_to,
        price=cell.price,
    )


def table_of(number: int) -> AapTable | None:
    return AapTable.objects.filter(contract_year__number=number).order_by("-serial").first()


def cells_of(table: AapTable) -> list[Cell]:
    rows = AapCell.objects.filter(table=table).order_by("requests_from", "authenticators_from")
    return [Cell(row.requests_from, row.requests_to, row.authenticators_from, row.authenticators_to, row.price) for row in rows]


def decide(
    year: ContractYear,
    kind: str,
    *,
    requests: int,
    authenticators: int,
    source: str,
    by: str,
    price: Decimal | None = None,
    reason: str = "",
    approved_by: str = "",
    currency: str = "DKK",
    illustrative: bool = False,
) -> AapDecision:
    """Without `price` it is looked up in the year's newest table. Again the same: the same row. Raises DecisionError."""
    if requests < 0 or authenticators < 0:
        raise DecisionError("the scheme's totals are not negative")
    if not source.strip() or not by.strip():
        raise DecisionError("a decision needs its source and who entered it", at="source")
    if kind == Kind.FINAL and day_of(timezone.now()) <= year.last:
        raise DecisionError(
            "contract year %(number)s ends on %(last)s: its AAP is not final before that", at="kind", number=year.number, last=year.last
        )
    table = table_of(year.number)
    announced = price is not None
    if price is None:
        if table is None:
            raise DecisionError("contract year %(number)s has no table: enter it, or the announced price", at="price", number=year.number)
        price, currency = look_up(cells_of(table), requests, authenticators), table.currency
    elif table and price != look_up(cells_of(table), requests, authenticators) and not reason.strip():
        raise DecisionError("%(price)s is announced and the table says otherwise: give the reason", at="reason", price=price)
    facts = {"kind": kind, "requests": requests, "authenticators": authenticators, "price": _price(price), "source": source}
    decision = _newest(year, kind)
    if decision is None or any(getattr(decision, name) != value for name, value in facts.items()):
        decision = AapDecision.objects.create(
            contract_year=year,
            table=None if announced else table,
            currency=currency,
            reason=reason,
            entered_by=by,
            illustrative=illustrative,
            **facts,
        )
    if approved_by:
        approve(decision, by=approved_by)
    return decision


def _newest(year: ContractYear, kind: str) -> AapDecision | None:
    return AapDecision.objects.filter(contract_year=year, kind=kind).order_by("-entered_at", "-id").first()


def approve(decision: AapDecision, *, by: str) -> AapApproval:
    """Two different people decide a final price, unless the installation says that one may. Again: nothing changes."""
    if known := AapApproval.objects.filter(decision=decision).first():
        return known
    if by.strip().casefold() == decision.entered_by.strip().casefold() and settings.FOUR_EYES:
        raise DecisionError("%(by)s entered this price: somebody else has to approve it", by=by)
    return AapApproval.objects.create(decision=decision, approved_by=by)


def enter_charge(
    kind: str,
    price: Decimal,
    starts: date,
    *,
    source: str,
    by: str,
    until: date | None = None,
    usage_model: str = "standard",
    per: str = SchemeCharge.Per.REQUEST,
    currency: str = "DKK",
    illustrative: bool = False,
) -> SchemeCharge:
    """Again the same: the same row; with another price for the same start it counts instead. Raises DecisionError."""
    try:
        ChargePrice("", LineKind(kind), price, until)
    except ValueError as error:
        raise DecisionError.of(error) from None
    if not source.strip():
        raise DecisionError("a charge needs its source", at="source")
    if starts.day != 1:
        raise DecisionError("a charge starts on the first of a month, not on %(starts)s", at="starts", starts=starts)
    if until and until < starts:
        raise DecisionError("a charge ends after it starts: %(until)s is before %(starts)s", at="until", starts=starts, until=until)
    same = SchemeCharge.objects.filter(kind=kind, usage_model=usage_model, starts=starts).order_by("-entered_at", "-id").first()
    if same and (same.price, same.until, same.per) == (price, until, per):
        return same
    return SchemeCharge.objects.create(
        kind=kind,
        usage_model=usage_model,
        per=per,
        price=_price(price),
        currency=currency,
        starts=starts,
        until=until,
        source=source,
        entered_by=by,
        illustrative=illustrative,
    )


def enter_outcome_rule(starts: Month, left_out: Sequence[str], *, source: str, by: str) -> OutcomeRule:
    """From that month on these outcomes cost nothing. Raises DecisionError."""
    if unknown := set(left_out) - {"completed", "cancelled", "failed", "expired"}:
        raise DecisionError("no such outcome: %(unknown)s", unknown=", ".join(sorted(unknown)))
    rule, made = OutcomeRule.objects.get_or_create(
        starts=starts.first, defaults={"left_out": sorted(set(left_out)), "source": source, "entered_by": by}
    )
    if not made and rule.left_out != sorted(set(left_out)):
        raise DecisionError("a rule from %(starts)s on is entered already", starts=starts)
    return rule


def _price(price: Decimal) -> Decimal:
    try:
        return unit_price(price)
    except (ValueError, TypeError) as error:
        raise DecisionError.of(error) from None
