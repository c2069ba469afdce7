"""What a tenant's document of a month charges: all that is known now of the months it touches, less what is billed for them already.

So usage that came late, a void, a new provisional price and a credited month are one rule. Lines are compared by component, tier and price.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from billing import prices, pricing, scheme, usage
from billing.documents import records
from billing.fees import Period
from billing.models import DocumentLine, Kind, OneOff
from billing.money import amount_of
from billing.periods import Month
from billing.prices import MonthPrices
from billing.pricing import ActionCount, Line, LineKind, Unit, Usage
from billing.scheme import PriceRow
from billing.usage import Chargeable


@dataclass(frozen=True, slots=True)
class Rated:
    """`requests`: those posted to the month, late ones of earlier months included."""

    plan: str
    requests: int
    lines: tuple[Line, ...]
    price_rows: tuple[PriceRow, ...]

    @property
    def illustrative(self) -> bool:
        return any(row["illustrative"] for row in self.price_rows)


def rate(tenant_id: uuid.UUID, currency: str, month: Month, through: Month, *, anew: bool = False) -> Rated:
    """In both scopes; `through`: the last month whose posted usage counts; `anew`: as if the month had no document yet.

    Raises PriceMissing, ValueError.
    """
    posted = usage.chargeable(tenant_id, month, month)
    happened = sorted({each.month for each in posted} | {month})
    known = _known(tenant_id, posted, happened, month, through)
    priced = {each: prices.of_month(tenant_id, each, used=each != month or _any(known, month)) for each in happened}
    billed = _billed(tenant_id, happened[0], before=month if anew else None)
    settled = _settled_years(tenant_id)
    lines: list[Line] = []
    for each in [month, *(late for late in happened if late != month)]:
        at = priced[each]
        if at:
            lines += _owed(at, each, known, billed, settled)
            if at.plan.period is Period.YEAR:
                lines += _owed_fee(tenant_id, at, each, month, through, billed, lines)
    lines += _one_offs(tenant_id, currency, month, billed)
    plan = priced[month]
    rows = {row["id"]: row for at in priced.values() if at for row in at.rows}
    return Rated(plan.plan.name if plan else "", sum(each.requests for each in posted), tuple(lines), tuple(rows.values()))


def usage_of(rows: Iterable[Chargeable]) -> Usage:
    """As pricing wants it."""
    models: dict[str, int] = {}
    actions: dict[tuple[str, str], int] = {}
    requests = 0
    for row in rows:
        requests += row.requests
        if row.core_client:
            models[row.usage_model] = models.get(row.usage_model, 0) + row.requests
        actions[row.connection, row.action] = actions.get((row.connection, row.action), 0) + row.requests
    counted = tuple(ActionCount(connection, action, n) for (connection, action), n in sorted(actions.items()) if n)
    return Usage(requests, sum(models.values()), counted, models)


def _known(tenant_id: uuid.UUID, posted: list[Chargeable], happened: Sequence[Month], month: Month, through: Month) -> list[Chargeable]:
    if list(happened) == [month] and through <= month:
        return posted
    return usage.chargeable(tenant_id, happened[0], max(month, through), happened=(happened[0], month))


def _any(rows: Iterable[Chargeable], month: Month) -> bool:
    return any(row.month == month for row in rows)


def _owed(
    at: MonthPrices, month: Month, known: Iterable[Chargeable], billed: Iterable[Line], settled: Iterable[tuple[date, date]]
) -> list[Line]:
    """One month's lines, without what is settled otherwise: a fee of the contract year, and the AAP of a reconciled one."""
    now = pricing.price(at.plan, at.scheme, usage_of(row for row in known if row.month == month), month)
    before = [line for line in billed if (line.first_day, line.last_day) == (month.first, month.last)]
    left_out = {LineKind.FEE} if at.plan.period is Period.YEAR else set()
    if any(first <= month.first <= last for first, last in settled):
        left_out.add(LineKind.AAP)
    return pricing.difference((x for x in now if x.kind not in left_out), (x for x in before if x.kind not in left_out))


def _owed_fee(
    tenant_id: uuid.UUID, at: MonthPrices, happened: Month, month: Month, through: Month, billed: Iterable[Line], made: Sequence[Line]
) -> list[Line]:
    """The fee in the tiers that the contract year's requests have reached."""
    year = scheme.contract_year(happened)
    if year is None:
        raise scheme.PriceMissing(f"no contract year holds {happened}: enter it")
    first, last = prices.same_prices(tenant_id, happened, year)
    if any(line.kind is LineKind.FEE and line.first_day == first.first and at.plan.row in line.price_rows for line in made):
        return []
    known = usage.chargeable(tenant_id, first, max(month, through), happened=(first, last))
    end = min(last, month).last
    now = pricing.year_fee(at.plan, at.plan.in_tiers(usage_of(known)), first.first, end)
    before = [x for x in billed if x.kind is LineKind.FEE and x.first_day == first.first and at.plan.row in x.price_rows]
    return pricing.difference(now, before)


def _billed(tenant_id: uuid.UUID, since: Month, *, before: Month | None) -> list[Line]:
    """Lines of months' documents, drafts too, and of credit notes on them (negative), for usage from that contract year on."""
    year = scheme.contract_year(since)
    first = min(since.first, year.first) if year else since.first
    rows: Any = DocumentLine.objects.raw(_BILLED, {"tenant": tenant_id, "first": first, "before": before.first if before else date.max})
    return [records.signed(row, row.document_kind == Kind.CREDIT_NOTE, row.document_currency) for row in rows]


SETTLEMENT = "settlement"
_BILLED = f"""
SELECT l.*, d.kind AS document_kind, d.currency AS document_currency
FROM billing_documentline l JOIN billing_document d ON d.tenant_id = l.tenant_id AND d.id = l.document_id
WHERE l.tenant_id = %(tenant)s AND d.tenant_id = %(tenant)s AND l.period_first >= %(first)s AND d.period_first < %(before)s
  AND (d.idempotency_key LIKE 'usage:%%' OR d.idempotency_key LIKE 'credit:%%') AND d.state <> 'dropped' AND l.text <> '{SETTLEMENT}'
ORDER BY l.id"""


def _settled_years(tenant_id: uuid.UUID) -> list[tuple[date, date]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT contract_year FROM billing_settlement WHERE tenant_id = %s", [tenant_id])
        numbers = [row[0] for row in cursor.fetchall()]
    years = [scheme.year_numbered(number) for number in numbers]
    return [(year.first, year.last) for year in years]


def _one_offs(tenant_id: uuid.UUID, currency: str, month: Month, billed: Sequence[Line]) -> list[Line]:
    charged: dict[str, Decimal] = {}
    for line in billed:
        if line.kind is LineKind.ONE_OFF:
            charged[line.price_rows[0]] = charged.get(line.price_rows[0], Decimal(0)) + line.quantity
    rows = OneOff.objects.raw("SELECT * FROM billing_oneoff WHERE tenant_id = %s AND month = %s ORDER BY id", [tenant_id, month.first])
    return [_one_off(row, currency, month) for row in rows if not charged.get(str(row.id))]


def _one_off(row: OneOff, currency: str, month: Month) -> Line:
    return Line(
        kind=LineKind.ONE_OFF,
        currency=currency,
        first_day=month.first,
        last_day=month.last,
        quantity=row.quantity,
        unit=Unit.PIECE,
        unit_price=row.unit_price,
        amount=amount_of(row.quantity, row.unit_price),
        text=LineKind.ONE_OFF.value,
        parameters={"text": row.text},
        price_rows=(str(row.id),),
    )
