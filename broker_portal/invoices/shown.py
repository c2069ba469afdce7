"""Issued documents as pages show them. The amounts and texts are the snapshot's; a line is said again in the page's language."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from billing import closing, usage
from billing.documents import texts
from billing.models import BillingAccount, ContractYear, Document, State
from billing.periods import Month
from broker_portal.usage.costs import CostLine, VatLine, document_language, said, so_far
from tenants.isolation import tenant_scope
from tenants.models import Kind


@dataclass(frozen=True, slots=True)
class YearSoFar:
    number: int
    first: date
    requests: int


def issued(tenant_id: uuid.UUID) -> list[Document]:
    """The newest first."""
    with tenant_scope(tenant_id):
        return list(Document.objects.of(tenant_id).filter(state=State.ISSUED).order_by("-issue_date", "-sequence"))


def issued_one(tenant_id: uuid.UUID, number: str) -> Document | None:
    with tenant_scope(tenant_id):
        return Document.objects.of(tenant_id).filter(state=State.ISSUED, number=number).first()


@dataclass(frozen=True, slots=True)
class Awaited:
    """A month that is over and whose document is still to come: the draft's amounts, else those that it would have now."""

    month: Month
    requests: int
    net: Decimal
    total: Decimal


def awaited(tenant_id: uuid.UUID, current: Month) -> list[Awaited]:
    """The newest first, without months that cost nothing or cannot be priced yet."""
    with tenant_scope(tenant_id):
        account = BillingAccount.objects.of(tenant_id).first()
        month = closing.first_month(account) if account else None
        drafts = list(of_usage(Document.objects.of(tenant_id).filter(state__in=[State.DRAFT, State.APPROVED])))
    found = [Awaited(Month.of(each.period_first), each.requests or 0, each.net, each.gross) for each in drafts]
    while month and month < current:
        if costs := so_far(tenant_id, month):
            found.append(Awaited(month, costs.requests, costs.net, costs.total))
        month = month.next()
    return sorted((each for each in found if each.net), key=lambda each: each.month, reverse=True)


def of_usage(documents: QuerySet[Document]) -> QuerySet[Document]:
    return documents.filter(idempotency_key__startswith="usage:")


def row(document: Document) -> dict[str, Any]:
    """A credit note's amounts are negative here; on itself they are not."""
    sign = -1 if document.kind == "credit_note" else 1
    return {
        "number": document.number,
        "kind": document.kind,
        "month": document.period_first,
        "issued_on": document.issue_date,
        "due_on": document.due_date,
        "requests": document.requests,
        "net": sign * document.net,
        "total": sign * document.gross,
        "currency": document.currency,
        "state": document.state,
    }


def details(document: Document) -> dict[str, Any]:
    snapshot = json.loads(document.snapshot)
    totals = snapshot["totals"]
    return {
        "number": document.number,
        "kind": document.kind,
        "state": document.state,
        "month": document.period_first,
        "issued_on": document.issue_date,
        "due_on": document.due_date,
        "currency": document.currency,
        "net": Decimal(totals["net"]),
        "total": Decimal(totals["gross"]),
        "lines": [_line(line) for line in snapshot["lines"]],
        "vat": [_vat(part, snapshot["vat_treatment"]) for part in totals["vat_by_rate"]],
        "notes": [_note(snapshot, note) for note in snapshot["notes"]],
        "illustrative": document.illustrative,
    }


def _line(line: dict[str, Any]) -> CostLine:
    text, note = said(line["text_key"], line["detail_key"], line["parameters"])
    return CostLine(text, note, Decimal(line["quantity"]), Decimal(line["unit_price"]), Decimal(line["amount"]))


def _vat(part: dict[str, str], treatment: str) -> VatLine:
    return VatLine(Decimal(part["rate"]).scaleb(-2), Decimal(part["net"]), Decimal(part["vat"]), treatment == "reverse_charge")


def _note(snapshot: dict[str, Any], note: dict[str, str]) -> str:
    """What fills a note in stands with the line that it is about."""
    provisional: dict[str, str] = next((line["parameters"] for line in snapshot["lines"] if line["detail_key"] == "aap.provisional"), {})
    return texts.line_text(document_language(), f"note.{note['key']}", provisional)


def payment(document: Document) -> dict[str, Any] | None:
    snapshot = json.loads(document.snapshot)
    how = snapshot["payment"]
    if how is None:
        return None
    fik, bank = how["fik"], how["bank"]
    return {
        "fik": f"+{fik['card']}<{fik['payment_id']}+{fik['creditor']}<" if fik else "",
        "account": f"{bank['registration']} {bank['account']}".strip() if bank else "",
        "text": how["reference"],
        "terms_days": snapshot["payment_days"],
    }


def history(document: Document) -> list[dict[str, Any]]:
    """The newest first; who did it is the operator's own business."""
    events = [("issued", document.issued_at), ("approved", document.approved_at), ("drafted", document.created_at)]
    return [{"what": what, "at": at, "by": ""} for what, at in events if at]


def contract_year(tenant_id: uuid.UUID, month: Month) -> YearSoFar | None:
    """Production requests since the contract year of `month` began; None where no year holds it."""
    year = ContractYear.objects.filter(first__lte=month.first, last__gte=month.last).first()
    if year is None:
        return None
    counted = usage.totals(tenant_id, year.first, month.last)
    return YearSoFar(year.number, year.first, sum(count.count for count in counted if count.environment == Kind.PRODUCTION))
