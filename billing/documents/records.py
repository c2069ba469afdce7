"""Between rows and snapshots: the parties and lines of a stored document, as `snapshot` wants them and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import cast

from billing.documents import snapshot
from billing.documents.parties import Address, BankAccount, Buyer, Seller
from billing.documents.texts import Language
from billing.models import BuyerVersion, Document, DocumentLine
from billing.pricing import Line, LineKind, Unit
from billing.vat import RATES, Totals, Treatment, VatPart
from tenants.models import Operator, Tenant


def seller(operator: Operator) -> Seller:
    """The last line of an operator's address is postcode and city."""
    *street, last = [line.strip() for line in operator.address if line.strip()] or [""]
    postcode, _, city = last.partition(" ")
    account = BankAccount(operator.bank_registration, operator.bank_account, operator.iban)
    return Seller(
        name=operator.name,
        address=Address(tuple(street), postcode, city.strip(), operator.country),
        cvr=operator.cvr,
        vat_number=f"{operator.country}{operator.cvr}" if operator.cvr else "",
        email=operator.email,
        bank=account if operator.bank_account or operator.iban else None,
        fik_creditor=operator.fik_creditor,
    )


def buyer(version: BuyerVersion | None, tenant: Tenant) -> Buyer:
    if version is None:
        return Buyer(name=tenant.name, address=Address((), "", ""), customer_number=tenant.slug)
    return Buyer(
        name=version.name,
        address=Address(tuple(version.street), version.postcode, version.city, version.country),
        cvr=version.cvr,
        vat_number=version.vat_number,
        gln=version.gln,
        attention=version.attention,
        customer_number=tenant.slug,
        reference=version.order_reference,
    )


def row(document: Document, position: int, line: Line) -> DocumentLine:
    return DocumentLine(
        tenant_id=document.tenant_id,
        operator_id=document.operator_id,
        document_id=document.id,
        position=position,
        kind=line.kind.value,
        period_first=line.first_day,
        period_last=line.last_day,
        quantity=line.quantity,
        unit=line.unit.value,
        unit_price=line.unit_price,
        amount=line.amount,
        text=line.text,
        detail=line.detail,
        parameters=dict(line.parameters),
        tier_from=line.tier_from,
        tier_to=line.tier_to,
        price_rows=list(line.price_rows),
    )


def lines(document: Document) -> list[Line]:
    """The document's lines in their order, in the caller's scope."""
    sql = "SELECT * FROM billing_documentline WHERE tenant_id = %s AND document_id = %s ORDER BY position"
    return [signed(row, False, document.currency) for row in DocumentLine.objects.raw(sql, [document.tenant_id, document.id])]


def signed(row: DocumentLine, credited: bool, currency: str) -> Line:
    """The line of a row; turned round where a credit note takes it back."""
    sign = -1 if credited else 1
    return Line(
        kind=LineKind(row.kind),
        currency=currency,
        first_day=row.period_first,
        last_day=row.period_last,
        quantity=sign * row.quantity,
        unit=Unit(row.unit),
        unit_price=row.unit_price,
        amount=sign * row.amount,
        text=row.text,
        detail=row.detail,
        parameters=row.parameters,
        tier_from=row.tier_from,
        tier_to=row.tier_to,
        price_rows=tuple(row.price_rows),
        by_difference=True,
    )


def draft(
    document: Document,
    charged: Sequence[Line],
    totals: Totals,
    operator: Operator,
    tenant: Tenant,
    version: BuyerVersion | None,
    references: Sequence[snapshot.Reference] = (),
) -> snapshot.Document:
    """As it would be issued, still without number and date."""
    return snapshot.Document(
        kind="credit_note" if document.kind == "credit_note" else "invoice",
        language=cast(Language, document.language),
        seller=seller(operator),
        buyer=buyer(version, tenant),
        first_day=document.period_first,
        last_day=document.period_last,
        lines=charged,
        totals=totals,
        payment_days=operator.payment_days,
        illustrative=document.illustrative,
        price_rows=document.price_rows,
        references=references,
    )


def totals(document: Document) -> Totals:
    """As they are stored: of a document that changes others, whose VAT is what is left of theirs."""
    treatment = Treatment(document.vat_treatment)
    part = VatPart(RATES[treatment], document.net, document.vat)
    return Totals(document.currency, treatment, document.net, (part,), document.vat, document.gross)


def numbered(document: snapshot.Document, number: str, issue_date: date) -> snapshot.Document:
    return replace(document, number=number, issue_date=issue_date)
