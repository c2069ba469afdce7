"""A contract year of one account as a person can follow it: month by month what was used and billed, the final price, the difference."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from decimal import Decimal

from billing import periods, scheme
from billing.issuing import Refused
from billing.models import AapDecision, Document, DocumentLine, Kind, Settlement, State
from billing.money import add, amount_text, price_text
from billing.periods import Month
from billing.rating import SETTLEMENT
from billing.scheme import PriceMissing
from tenants.isolation import tenant_scope
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Billed:
    """AAP of one month on one document; below zero on a credit note."""

    month: Month
    number: str
    requests: int
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Settled:
    """One settlement. `number` is empty where it was too little to send; `net`, VAT and total are below zero in the account's favour."""

    number: str
    kind: str
    requests: int
    final_amount: Decimal
    delta: Decimal
    vat: Decimal

    @property
    def total(self) -> Decimal:
        return add(self.delta, self.vat)


@dataclass(frozen=True, slots=True)
class Statement:
    year: periods.ContractYear
    provisional: AapDecision | None
    final: AapDecision | None
    rows: tuple[Billed, ...]
    settlements: tuple[Settled, ...]
    currency: str

    @property
    def requests(self) -> int:
        """As they were when it was last settled, else as billed."""
        return sum(each.requests for each in self.settlements[-1:]) or self.billed_requests

    @property
    def billed_requests(self) -> int:
        return sum(row.requests for row in self.rows)

    @property
    def billed(self) -> Decimal:
        return add(*(row.amount for row in self.rows))

    @property
    def delta(self) -> Decimal:
        return add(*(each.delta for each in self.settlements if each.number))

    @property
    def vat(self) -> Decimal:
        return add(*(each.vat for each in self.settlements if each.number))

    @property
    def total(self) -> Decimal:
        return add(self.delta, self.vat)


def statement(tenant: Tenant, number: int) -> Statement:
    """Of what is issued. Raises Refused where there is no such year."""
    try:
        year = scheme.year_numbered(number)
    except PriceMissing as error:
        raise Refused.of(error) from None
    with tenant_scope(tenant.id):
        lines = (
            DocumentLine.objects.of(tenant.id)
            .filter(document__tenant_id=tenant.id, document__state=State.ISSUED, kind="aap")
            .filter(period_first__gte=year.first, period_first__lte=year.last)
            .exclude(text=SETTLEMENT)
            .select_related("document")
            .order_by("period_first", "id")
        )
        rows = tuple(_billed(line) for line in lines)
        settlements = tuple(_settled(tenant, row) for row in Settlement.objects.of(tenant.id).filter(contract_year=number).order_by("id"))
    return Statement(year, scheme.provisional(number), scheme.final(number), rows, settlements, tenant.operator.currency)


def _billed(line: DocumentLine) -> Billed:
    sign = -1 if line.document.kind == Kind.CREDIT_NOTE else 1
    number = line.document.number or ""
    return Billed(Month.of(line.period_first), number, sign * int(line.quantity), line.unit_price, sign * line.amount)


def _settled(tenant: Tenant, row: Settlement) -> Settled:
    document = Document.objects.of(tenant.id).filter(id=row.document_id).first() if row.document_id else None
    sign = -1 if document and document.kind == Kind.CREDIT_NOTE else 1
    vat = sign * document.vat if document else Decimal("0.00")
    told = (document.number or "", document.kind) if document else ("", "")
    return Settled(*told, requests=row.requests, final_amount=row.final_amount, delta=row.delta, vat=vat)


def as_csv(found: Statement) -> bytes:
    """One row per month and document, then the sums: comma, decimal point, UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["what", "month", "document", "requests", "unit_price", "amount", "vat", "total", "currency"])
    for row in found.rows:
        amounts = [price_text(row.unit_price), amount_text(row.amount), "", "", found.currency]
        writer.writerow(["billed", str(row.month), row.number, row.requests, *amounts])
    writer.writerow(["billed in all", "", "", found.billed_requests, "", amount_text(found.billed), "", "", found.currency])
    final = price_text(found.final.price) if found.final else ""
    for each in found.settlements:
        writer.writerow(["final price", "", "", each.requests, final, amount_text(each.final_amount), "", "", found.currency])
        amounts = [amount_text(each.delta), amount_text(each.vat), amount_text(each.total), found.currency]
        writer.writerow(["settled" if each.number else "carried", "", each.number, "", "", *amounts])
    return out.getvalue().encode()
