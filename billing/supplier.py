"""What the operator owes whoever charges it: by its own counts and the scheme's prices, beside what the supplier's statements say."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import connection

from billing import periods, scheme
from billing.models import SchemeCharge, StatementLine
from billing.money import add, amount_of, decimals
from billing.periods import Month
from billing.pricing import LineKind
from billing.refusals import Refusal
from tenants import audit
from tenants.isolation import operator_scope
from tenants.models import Operator

COLUMNS = ("month", "requests", "amount")
COMPONENTS = ("aap", "core_client", "udviklingsbidrag", "settlement")
AAP = LineKind.AAP.value


class LineFault(Refusal, ValueError):
    """What is wrong with one line of a statement."""


class Faulty(Exception):
    """The statement is refused; `faults` are (line, what is wrong)."""

    def __init__(self, faults: list[tuple[int, Refusal]]) -> None:
        super().__init__("\n".join(f"line {line}: {fault}" for line, fault in faults))
        self.faults = faults


# An environment is known to billing by its clients; those of tests are never charged.
COUNTS = """
SELECT d.tenant_id, date_trunc('month', d.day::timestamp)::date AS month, d.usage_model, d.core_client,
       sum(CASE WHEN d.what = 'requested' THEN d.n WHEN r.free THEN -d.n ELSE 0 END)::bigint AS requested,
       sum(CASE WHEN d.what = 'voided' THEN d.n ELSE 0 END)::bigint AS voided
FROM usage_day d CROSS JOIN LATERAL (SELECT d.what NOT IN ('requested', 'voided') AND coalesce((
    SELECT r.left_out ? d.what FROM billing_outcomerule r WHERE r.starts <= d.day ORDER BY r.starts DESC LIMIT 1), false) AS free) r
WHERE d.tenant_id = ANY(%(tenants)s) AND d.day BETWEEN %(first)s AND %(last)s AND EXISTS (
    SELECT FROM usage_client c
    WHERE c.tenant_id = d.tenant_id AND c.environment_id = d.environment_id AND c.environment_kind = 'production')
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""


@dataclass(frozen=True, slots=True)
class MonthCount:
    """Requests that the core accepted and the scheme charges for; those that were voided are among them."""

    tenant_id: uuid.UUID
    month: Month
    usage_model: str
    core_client: bool
    requested: int
    voided: int


def counts(tenants: Iterable[uuid.UUID], year: periods.ContractYear) -> list[MonthCount]:
    """Of these tenants, in the scope of their operator or of the only one."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"tenants": list(tenants), "first": year.first, "last": year.last})
        return [MonthCount(tenant, Month.of(month), *rest) for tenant, month, *rest in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Accrued:
    """What a month costs of one component."""

    month: Month
    component: str
    requests: int
    amount: Decimal


def accrue(found: Iterable[MonthCount], year: periods.ContractYear) -> list[Accrued]:
    """By month and component, each rounded, at the provisional price. Raises PriceMissing."""
    by_month: dict[Month, list[MonthCount]] = {}
    for each in found:
        by_month.setdefault(each.month, []).append(each)
    accrued = []
    for month in months_of(year):
        rows = by_month.get(month, [])
        requests = sum(row.requested for row in rows)
        if requests:
            aap = scheme.aap(month).price.unit_price
            accrued.append(Accrued(month, AAP, requests, amount_of(requests, aap)))
        accrued += _charged(month, rows, year)
    return accrued


def _charged(month: Month, rows: list[MonthCount], year: periods.ContractYear) -> list[Accrued]:
    accrued = []
    for charge in scheme.charges(month):
        core = charge.row["kind"] == SchemeCharge.Kind.CORE_CLIENT
        model = charge.row["usage_model"]
        requests = sum(row.requested for row in rows if not core or (row.core_client and row.usage_model == model))
        if requests:
            accrued.append(Accrued(month, charge.row["kind"], requests, amount_of(requests, charge.price.unit_price)))
    if month.first == year.first:
        accrued += [Accrued(month, kind, 0, amount) for kind, amount in scheme.yearly(year)]
    return accrued


def months_of(year: periods.ContractYear) -> list[Month]:
    found = [Month.of(year.first)]
    while found[-1].last < year.last:
        found.append(found[-1].next())
    return found


def paid(accrued: Iterable[Accrued]) -> Decimal:
    """The AAP of the year's months, as it was charged provisionally."""
    return add(*(each.amount for each in accrued if each.component == AAP))


def expected_settlement(accrued: list[Accrued], final: Decimal) -> Decimal:
    """round(final × requests) − paid: below zero the supplier pays back."""
    requests = sum(each.requests for each in accrued if each.component == AAP)
    return add(amount_of(requests, final), -paid(accrued))


def import_statement(operator: Operator, lines: Iterable[str], *, source: str, by: str) -> list[StatementLine]:
    """The supplier's counts and amounts by month (month,requests,amount[,component]). Raises Faulty, and then nothing is entered.

    What is entered already, with the same figures, is not entered again.
    """
    rows = _read(lines)
    with operator_scope(operator.id, "import a statement"):
        known = {
            (line.month, line.component): line for line in StatementLine.objects.filter(operator=operator).order_by("entered_at", "id")
        }
        fresh = []
        for month, component, requests, amount in rows:
            last = known.get((month.first, component))
            if last is None or (last.requests, last.amount) != (requests, amount):
                made = StatementLine(operator=operator, month=month.first, component=component, requests=requests, amount=amount)
                made.source, made.entered_by = source, by
                fresh.append(made)
        StatementLine.objects.bulk_create(fresh)
        if fresh:
            facts = {"lines": len(fresh), "source": source}
            audit.record_for_operator(operator.id, actor=by, action="supplier.statement", subject=f"operator:{operator.id}", after=facts)
    return fresh


def _read(lines: Iterable[str]) -> list[tuple[Month, str, int, Decimal]]:
    reader = csv.reader(lines)
    header = tuple(name.strip().lstrip("\ufeff") for name in next(reader, []))
    if header not in (COLUMNS, (*COLUMNS, "component")):
        raise Faulty(
            [(1, LineFault("the columns are %(columns)s, and component where there is more than the AAP", columns=",".join(COLUMNS)))]
        )
    rows: list[tuple[Month, str, int, Decimal]] = []
    faults: list[tuple[int, Refusal]] = []
    seen: set[tuple[Month, str]] = set()
    for fields in reader:
        if not fields:
            continue
        try:
            rows.append(_line(fields, len(header)))
        except ValueError as error:
            faults.append((reader.line_num, LineFault.of(error)))
            continue
        month, component = rows[-1][:2]
        if (month, component) in seen:
            faults.append((reader.line_num, LineFault("%(component)s of %(month)s is there twice", component=component, month=month)))
        seen.add((month, component))
    if faults:
        raise Faulty(faults)
    return rows


def _line(fields: list[str], width: int) -> tuple[Month, str, int, Decimal]:
    if len(fields) != width:
        raise LineFault("%(n)s fields instead of %(width)s", n=len(fields), width=width)
    month, requests, amount, component = [*(field.strip() for field in fields), AAP][:4]
    if component not in COMPONENTS:
        raise LineFault("component: %(component)s is none of %(known)s", component=component, known=", ".join(COMPONENTS))
    if not requests.isascii() or not requests.isdigit():
        raise LineFault("requests: %(requests)s is not a whole number of at least 0", requests=requests)
    try:
        money = Decimal(amount)
    except InvalidOperation:
        raise LineFault("amount: %(amount)s is not a number", amount=repr(amount)) from None
    if not money.is_finite() or decimals(money) > 2:
        raise LineFault("amount: %(amount)s has more than 2 decimals", amount=amount)
    try:
        return Month.parse(month), component, int(requests), money
    except ValueError:
        raise LineFault("a month is written YYYY-MM, not %(month)s", month=repr(month)) from None


@dataclass(frozen=True, slots=True)
class Difference:
    """A month's component as we count it and as the supplier states it; None where it has stated nothing."""

    month: Month
    component: str
    ours: int
    ours_amount: Decimal
    theirs: int | None
    theirs_amount: Decimal | None

    @property
    def counts_differ(self) -> int | None:
        """Theirs less ours."""
        return None if self.theirs is None else self.theirs - self.ours

    @property
    def amounts_differ(self) -> Decimal | None:
        return None if self.theirs_amount is None else add(self.theirs_amount, -self.ours_amount)

    @property
    def differs(self) -> bool:
        return self.theirs is not None and (self.ours, self.ours_amount) != (self.theirs, self.theirs_amount)


def compare(operator: Operator, accrued: Iterable[Accrued], year: periods.ContractYear) -> list[Difference]:
    """By month and component, in the operator's scope."""
    stated: dict[tuple[Month, str], StatementLine] = {}
    lines = StatementLine.objects.filter(operator=operator, month__gte=year.first, month__lte=year.last).exclude(component="settlement")
    for line in lines.order_by("entered_at", "id"):
        stated[Month.of(line.month), line.component] = line
    ours = {(each.month, each.component): (0, Decimal("0.00")) for each in accrued}
    for each in accrued:
        requests, amount = ours[each.month, each.component]
        ours[each.month, each.component] = (requests + each.requests, add(amount, each.amount))
    found = []
    for month, component in sorted(ours.keys() | stated.keys()):
        requests, amount = ours.get((month, component), (0, Decimal("0.00")))
        theirs = stated.get((month, component))
        told = (theirs.requests, theirs.amount) if theirs else (None, None)
        found.append(Difference(month, component, requests, amount, *told))
    return found


def received_settlement(operator: Operator, year: periods.ContractYear) -> Decimal | None:
    """What the supplier says that the year's settlement is, in the operator's scope. It may be stated up to a year later."""
    until = year.last.replace(year=year.last.year + 1)
    lines = StatementLine.objects.filter(operator=operator, component="settlement", month__gte=year.first, month__lte=until)
    newest = lines.order_by("-entered_at", "-id").first()
    return newest.amount if newest else None
