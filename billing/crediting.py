"""Credit notes: a whole invoice, or lines of it; never more than is left of it.

What is credited is not billed any more: its usage can be invoiced again, as a new revision of its month (`closing.invoice_again`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Sum

from billing import issuing, usage
from billing.documents import records, snapshot
from billing.issuing import Content, Refused, both_scopes
from billing.models import Document, DocumentLine, Kind, State
from billing.money import add, amount_of
from billing.pricing import Line
from billing.vat import RATES, Totals, Treatment, VatPart
from tenants.models import Tenant


def credit(document: Document, *, by: str, reason: str, lines: Sequence[int] = ()) -> Document:
    """An issued credit note on an issued invoice: on these of its lines (by position), or on all that is left. Raises Refused."""
    if not reason.strip():
        raise Refused("a reason is needed")
    tenant = Tenant.objects.select_related("operator").get(id=document.tenant_id)
    with both_scopes(tenant, "credit a document"):
        account = usage.lock_account(tenant.id)
        assert account is not None
        content = _content(document, lines)
        made = issuing.draft(account, tenant, content, by=by, reason=reason)
        issuing.approve(tenant.id, made.id, by=by)
        return issuing.issue(tenant.id, made.id, by=by)


def left_of(document: Document) -> list[DocumentLine]:
    """The lines of an invoice that no credit note has taken back, in the caller's scope."""
    rows = DocumentLine.objects.of(document.tenant_id).filter(document_id=document.id).order_by("position")
    return [row for row in rows if row.position not in _credited(document)]


def _credited(document: Document) -> set[int | None]:
    rows = DocumentLine.objects.of(document.tenant_id).filter(document__tenant_id=document.tenant_id, document__credited_id=document.id)
    return set(rows.exclude(document__state=State.DROPPED).values_list("credited_position", flat=True))


def _content(document: Document, positions: Sequence[int]) -> Content:
    if document.state != State.ISSUED or document.kind != Kind.INVOICE or not document.number or not document.issue_date:
        raise Refused("only an issued invoice can be credited")
    left = {row.position: row for row in left_of(document)}
    if not left:
        raise Refused("nothing is left of %(number)s: all of it is credited", number=document.number)
    if lacking := [str(position) for position in positions if position not in left]:
        raise Refused(
            "line %(lacking)s of %(number)s is not there, or is credited already", lacking=", ".join(lacking), number=document.number
        )
    chosen = [left[position] for position in sorted(set(positions))] if positions else list(left.values())
    lines = [records.signed(row, False, document.currency) for row in chosen]
    earlier = Document.objects.of(document.tenant_id).filter(credited_id=document.id)
    return Content(
        key=f"credit:{document.id}:{earlier.count() + 1}",
        kind=Kind.CREDIT_NOTE,
        first_day=document.period_first,
        last_day=document.period_last,
        lines=lines,
        totals=_totals(document, lines),
        requests=document.requests if len(chosen) == len(left) and not earlier.exists() else 0,
        price_rows=document.price_rows,
        illustrative=document.illustrative,
        credited=document,
        positions=[row.position for row in chosen],
        corrects=[snapshot.Reference(document.number, document.issue_date)],
    )


def _totals(document: Document, lines: Sequence[Line]) -> Totals:
    """The VAT is that of all that is credited so far, less what earlier notes had: so notes never add up to more than the invoice."""
    net = add(*(line.amount for line in lines))
    if net < 0:
        raise Refused("these lines come to less than nothing: credit them with the rest of the document")
    treatment = Treatment(document.vat_treatment)
    earlier = Document.objects.of(document.tenant_id).filter(credited_id=document.id).exclude(state=State.DROPPED)
    before = earlier.aggregate(net=Sum("net"), vat=Sum("vat"))
    rate = RATES[treatment]
    vat = add(amount_of(add(net, before["net"] or Decimal(0)), rate / 100), -(before["vat"] or Decimal(0)))
    return Totals(document.currency, treatment, net, (VatPart(rate, net, vat),), vat, add(net, vat))
