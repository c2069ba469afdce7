"""A contract year settled with the accounts once its AAP is final, up or down. Preview and commit read the same query.

It works on what was settled, not on differences of prices, so it converges: again it makes no document, and a corrected price or usage that
came late make one of the new difference only.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection
from django.utils import timezone

from billing import accounts, issuing, periods, prices, scheme, supplier, usage
from billing.documents import snapshot
from billing.fees import Plus
from billing.issuing import Content, Refused, both_scopes
from billing.models import (
    AapDecision,
    AccountPlan,
    BillingAccount,
    Document,
    DocumentLine,
    Kind,
    PassOn,
    PlanVersion,
    Settlement,
    State,
)
from billing.money import add, amount_of, amount_text, price_text
from billing.periods import Month, day_of
from billing.pricing import Line, LineKind, Unit
from billing.rating import SETTLEMENT
from billing.scheme import PriceMissing
from billing.settlement import Billed, Bridge, Counts, Due, bridge
from billing.supplier import MonthCount
from billing.vat import RATES, Treatment, total
from tenants import audit
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant

MINIMUM = Decimal("1.00")
Row = TypeVar("Row")

# What was billed and credited of the AAP of a year, by the month it was for; settlements of the year have that of its first day.
_BILLED = """
SELECT l.tenant_id, l.period_first, d.vat_treatment, l.text = %(settlement)s, l.unit_price,
       sum(CASE d.kind WHEN 'credit_note' THEN -l.quantity ELSE l.quantity END)::bigint,
       sum(CASE d.kind WHEN 'credit_note' THEN -l.amount ELSE l.amount END), count(*)
FROM billing_documentline l JOIN billing_document d ON d.tenant_id = l.tenant_id AND d.id = l.document_id
WHERE l.tenant_id = ANY(%(tenants)s) AND d.tenant_id = ANY(%(tenants)s) AND l.kind = 'aap' AND d.state <> 'dropped'
  AND l.period_first BETWEEN %(first)s AND %(last)s
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"""


@dataclass(frozen=True, slots=True)
class AccountYear:
    """One account under one VAT treatment: what it is owed or owes. `document`: made in this run; `problem`: why it could not be."""

    tenant: Tenant
    treatment: Treatment
    due: Due
    final_amount: Decimal
    delta: Decimal
    vat: Decimal
    document: Document | None = None
    problem: Refused | None = None

    @property
    def total(self) -> Decimal:
        return add(self.delta, self.vat)

    @property
    def carried(self) -> bool:
        """Too little to send: it is part of the next one."""
        return bool(self.delta) and abs(self.delta) < MINIMUM


@dataclass(frozen=True, slots=True)
class YearOf:
    """A contract year of one operator. `settled_by` is the last day for it."""

    year: periods.ContractYear
    provisional: AapDecision | None
    final: AapDecision
    accounts: tuple[AccountYear, ...]
    paid: Decimal
    expected_settlement: Decimal
    received_settlement: Decimal | None
    bridge: Bridge
    committed: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """What the year's figures are made of, for some tenants of an operator."""

    counts: dict[uuid.UUID, list[MonthCount]]
    billed: dict[uuid.UUID, list[tuple[Any, ...]]]
    plans: dict[uuid.UUID, list[AccountPlan]]
    versions: dict[uuid.UUID, list[PlanVersion]]

    def version(self, tenant_id: uuid.UUID, month: Month) -> PlanVersion | None:
        assigned = next((each for each in self.plans.get(tenant_id, []) if each.starts <= month.first), None)
        return next((v for v in self.versions.get(assigned.plan_id, []) if v.starts <= month.first), None) if assigned else None


def preview(operator: Operator, number: int) -> YearOf:
    """As it stands now; a final price that still waits for its approval is taken for granted. Raises Refused."""
    year, provisional, final = _prices(number, approved=False)
    tenants = list(Tenant.objects.filter(operator=operator).order_by("slug"))
    with operator_scope(operator.id, "preview a reconciliation"):
        read = _read(tenants, year)
        rows = [row for tenant in tenants for row in _account_years(tenant, read, year, final)]
        return _year_of(operator, year, provisional, final, rows, read)


def commit(operator: Operator, number: int, *, by: str) -> YearOf:
    """Settles every account, one transaction each, and issues what it makes; one that cannot be holds nobody back. Raises Refused."""
    year, provisional, final = _prices(number, approved=True)
    rows = []
    for tenant in Tenant.objects.filter(operator=operator).order_by("slug"):
        rows += settle(tenant, year, final, by=by)
    with operator_scope(operator.id, "reconciliation committed"):
        read = _read(list(Tenant.objects.filter(operator=operator)), year)
        found = _year_of(operator, year, provisional, final, rows, read)
        made = [row for row in rows if row.document]
        if made:
            facts = {"contract_year": number, "final": final.price, "documents": len(made)}
            audit.record_for_operator(
                operator.id, actor=by, action="year.reconciled", subject=f"year:{number}", after=audit.changed({}, facts)[1]
            )
    return YearOf(**{name: getattr(found, name) for name in found.__slots__} | {"committed": True})


def settle(tenant: Tenant, year: periods.ContractYear, final: AapDecision, *, by: str) -> list[AccountYear]:
    """One account, under its lock: by VAT treatment what it comes to, with the documents made."""
    found: list[AccountYear] = []
    try:
        with both_scopes(tenant, "settle a contract year"):
            account = usage.lock_account(tenant.id)
            assert account is not None
            while usage.roll_locked(account):
                pass
            found = _account_years(tenant, _read([tenant], year), year, final)
            _refuse_open(tenant, account, year)
            return [_settle(tenant, account, row, year, final, by) for row in found]
    except Refused as refusal:
        return [AccountYear(r.tenant, r.treatment, r.due, r.final_amount, r.delta, r.vat, problem=refusal) for r in found]


def _refuse_open(tenant: Tenant, account: BillingAccount, year: periods.ContractYear) -> None:
    counted = supplier.counts([tenant.id], year)
    last = max((each.month for each in counted if each.requested), default=None)
    if last and (account.closed_through is None or account.closed_through < last.first):
        raise Refused("%(last)s is still open: close it before contract year %(number)s is settled", last=last, number=year.number)


def _prices(number: int, *, approved: bool) -> tuple[periods.ContractYear, AapDecision | None, AapDecision]:
    try:
        year = scheme.year_numbered(number)
    except PriceMissing as error:
        raise Refused.of(error) from None
    waiting = scheme.waiting(number)
    if approved and waiting:
        raise Refused(
            "the final AAP of contract year %(number)s waits for approval by somebody else than %(entered_by)s",
            number=number,
            entered_by=waiting[0].entered_by,
        )
    final = waiting[0] if waiting else scheme.final(number)
    if final is None:
        raise Refused("no final AAP is decided for contract year %(number)s: enter it, with the totals of the whole scheme", number=number)
    return year, scheme.provisional(number), final


def _read(tenants: Sequence[Tenant], year: periods.ContractYear) -> _Read:
    ids = [tenant.id for tenant in tenants]
    with connection.cursor() as cursor:
        cursor.execute(_BILLED, {"tenants": ids, "first": year.first, "last": year.last, "settlement": SETTLEMENT})
        billed = _by_tenant(cursor.fetchall(), lambda row: row[0])
    plans: dict[uuid.UUID, list[AccountPlan]] = defaultdict(list)
    for assigned in AccountPlan.objects.filter(tenant_id__in=ids).order_by("-entered_at", "-id"):
        plans[assigned.tenant_id].append(assigned)
    versions: dict[uuid.UUID, list[PlanVersion]] = defaultdict(list)
    for version in PlanVersion.objects.filter(plan_id__in={p.plan_id for rows in plans.values() for p in rows}).order_by("-starts"):
        versions[version.plan_id].append(version)
    return _Read(_by_tenant(supplier.counts(ids, year), lambda each: each.tenant_id), billed, plans, versions)


def _by_tenant(rows: Iterable[Row], tenant_of: Callable[[Row], uuid.UUID]) -> dict[uuid.UUID, list[Row]]:
    found: dict[uuid.UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(tenant_of(row), []).append(row)
    return found


def _account_years(tenant: Tenant, read: _Read, year: periods.ContractYear, final: AapDecision) -> list[AccountYear]:
    rows = []
    for treatment, due in sorted(_dues(tenant, read, year).items()):
        delta = due.delta(final.price)
        vat = amount_of(delta, RATES[treatment] / 100)
        rows.append(AccountYear(tenant, treatment, due, due.final_amount(final.price), delta, vat))
    return rows


def _dues(tenant: Tenant, read: _Read, year: periods.ContractYear) -> dict[Treatment, Due]:
    """By the VAT treatment of what was billed. Usage that nobody has billed yet goes with its month's, else with the last one."""
    used: dict[Month, int] = defaultdict(int)
    for each in read.counts.get(tenant.id, []):
        used[each.month] += each.requested - each.voided
    by_month: dict[Month, dict[Treatment, int]] = defaultdict(lambda: defaultdict(int))
    settled: dict[Treatment, Decimal] = defaultdict(Decimal)
    earlier: dict[Treatment, Decimal] = defaultdict(Decimal)
    parts: dict[Treatment, list[Billed]] = defaultdict(list)
    for _, first, named, is_settlement, unit_price, quantity, amount, _ in read.billed.get(tenant.id, []):
        treatment = Treatment(named)
        settled[treatment] += amount
        if is_settlement:
            earlier[treatment] += amount
        else:
            by_month[Month.of(first)][treatment] += quantity
            parts[treatment].append(Billed(unit_price, quantity))
    requests: dict[Treatment, dict[Plus, int]] = defaultdict(lambda: defaultdict(int))
    last = next(iter(settled), None)
    for month in supplier.months_of(year) if used or settled else ():
        plus, passed_on = _passed_on(read.version(tenant.id, month))
        for treatment, quantity in by_month[month].items():
            requests[treatment][plus] += quantity
            last = treatment
        missing = used[month] - sum(by_month[month].values())
        if missing and passed_on:
            requests[last or _treatment_now(tenant)][plus] += missing
    return {t: Due(dict(requests[t]), add(settled[t]), tuple(parts[t]), add(earlier[t])) for t in settled.keys() | requests.keys()}


def _passed_on(version: PlanVersion | None) -> tuple[Plus, bool]:
    if version is None or version.aap == PassOn.INCLUDED:
        return Plus(), False
    return prices.plus_of(version, LineKind.AAP.value), True


def _treatment_now(tenant: Tenant) -> Treatment:
    version = accounts.buyer_on(tenant.id, day_of(timezone.now()))
    return Treatment(version.vat_treatment) if version else Treatment.STANDARD


def _settle(
    tenant: Tenant, account: BillingAccount, row: AccountYear, year: periods.ContractYear, final: AapDecision, by: str
) -> AccountYear:
    earlier = Settlement.objects.of(tenant.id).filter(contract_year=year.number, vat_treatment=row.treatment.value).order_by("n")
    last = earlier.last()
    if last and (not row.delta or (row.carried and last.delta == row.delta and last.document_id is None)):
        return row
    document = None
    if row.delta and not row.carried:
        made = issuing.draft(account, tenant, _content(tenant, row, year, final, earlier.count() + 1), by=by)
        issuing.approve(tenant.id, made.id, by=by)
        document = issuing.issue(tenant.id, made.id, by=by)
    Settlement.objects.create(
        tenant_id=tenant.id,
        operator_id=tenant.operator_id,
        account_id=account.id,
        contract_year=year.number,
        vat_treatment=row.treatment.value,
        n=earlier.count() + 1,
        decision=final,
        requests=row.due.quantity,
        settled=row.due.settled,
        final_amount=row.final_amount,
        delta=row.delta,
        document_id=document.id if document else None,
        made_by=by,
    )
    return AccountYear(row.tenant, row.treatment, row.due, row.final_amount, row.delta, row.vat, document)


def _content(tenant: Tenant, row: AccountYear, year: periods.ContractYear, final: AapDecision, n: int) -> Content:
    owed = abs(row.delta)
    parameters = {
        "contract_year": str(year.number),
        "requests": str(row.due.quantity),
        "final": price_text(final.price),
        "settled": amount_text(row.due.settled),
    }
    line = Line(
        kind=LineKind.AAP,
        currency=final.currency,
        first_day=year.first,
        last_day=year.last,
        quantity=Decimal(1),
        unit=Unit.PIECE,
        unit_price=owed,
        amount=owed,
        text=SETTLEMENT,
        detail=SETTLEMENT,
        parameters=parameters,
        price_rows=(str(final.id),),
    )
    decided = scheme.decided(final, year)
    return Content(
        key=f"rec:{year.number}:{row.treatment.value}:{n}",
        kind=Kind.INVOICE if row.delta > 0 else Kind.CREDIT_NOTE,
        first_day=year.first,
        last_day=year.last,
        lines=[line],
        totals=total([line], row.treatment, currency=final.currency),
        requests=row.due.quantity,
        price_rows=[decided.row],
        illustrative=final.illustrative,
        corrects=_year_documents(tenant, row.treatment, year.first, year.last),
    )


def _year_documents(tenant: Tenant, treatment: Treatment, first: date, last: date) -> list[snapshot.Reference]:
    """The invoices that billed the year's AAP, in the caller's scope."""
    lines = DocumentLine.objects.of(tenant.id).filter(kind=LineKind.AAP, period_first__gte=first, period_first__lte=last)
    ids = set(lines.values_list("document_id", flat=True))
    rows = Document.objects.of(tenant.id).filter(id__in=ids, state=State.ISSUED, kind=Kind.INVOICE, vat_treatment=treatment.value)
    return [snapshot.Reference(row.number or "", row.issue_date) for row in rows.order_by("issue_date", "number") if row.issue_date]


def _year_of(
    operator: Operator,
    year: periods.ContractYear,
    provisional: AapDecision | None,
    final: AapDecision,
    rows: list[AccountYear],
    read: _Read,
) -> YearOf:
    try:
        accrued = supplier.accrue((each for rows_of in read.counts.values() for each in rows_of), year)
    except PriceMissing as error:
        raise Refused.of(error) from None
    expected = supplier.expected_settlement(accrued, final.price)
    price = provisional.price if provisional else final.price
    explained = bridge(
        expected,
        [row.due for row in rows],
        _counts(read),
        provisional=price,
        final=final.price,
        roundings=len(accrued) + len(rows) + sum(int(line[-1]) for lines in read.billed.values() for line in lines),
    )
    received = supplier.received_settlement(operator, year)
    return YearOf(year, provisional, final, tuple(rows), supplier.paid(accrued), expected, received, explained)


def _counts(read: _Read) -> Counts:
    voided = included = without = requested = 0
    for each in (each for rows in read.counts.values() for each in rows):
        requested += each.requested
        voided += each.voided
        version = read.version(each.tenant_id, each.month)
        if version is None:
            without += each.requested - each.voided
        elif version.aap == PassOn.INCLUDED:
            included += each.requested - each.voided
    return Counts(requested, voided, included, without)
