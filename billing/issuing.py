"""Documents from draft to issue: the one door to a number.

Each step locks the account first; issuing then the series, the number, the work row and the audit head, in this order (decision 22).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from billing import accounts, usage
from billing.documents import records, snapshot
from billing.models import BillingAccount, BuyerVersion, Document, DocumentLine, DocumentNumber, Kind, Series, State
from billing.money import add
from billing.periods import day_of
from billing.pricing import Line
from billing.refusals import N_, Refusal
from billing.scheme import PriceRow
from billing.vat import Totals, Treatment, total
from tenants import audit, outbox, work
from tenants.ids import uuid7
from tenants.isolation import tenant_and_operator_scope, tenant_scope
from tenants.models import Operator, Tenant, Work

RENDER = "render-document"
GIVEN_AT_ISSUE = snapshot.GIVEN_AT_ISSUE


class Refused(Refusal):
    """What was asked for cannot be done now; the text says why and what to do."""


class Incomplete(Refused):
    """The document lacks what the law or its format asks for; `missing` are paths in its snapshot."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(N_("the document lacks %(missing)s: fill it in"), missing=", ".join(missing))
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True)
class Content:
    """What a document is to charge. `buyer`: of today, where it is known already."""

    key: str
    first_day: date
    last_day: date
    lines: Sequence[Line]
    totals: Totals
    requests: int
    price_rows: Sequence[PriceRow]
    illustrative: bool
    kind: Kind = Kind.INVOICE
    counted_through: date | None = None
    buyer: BuyerVersion | None = None
    credited: Document | None = None
    positions: Sequence[int] = ()
    corrects: Sequence[snapshot.Reference] = ()


@contextmanager
def both_scopes(tenant: Tenant, reason: str) -> Iterator[None]:
    """One transaction that writes this tenant's rows and its operator's."""
    with tenant_and_operator_scope(tenant.id, tenant.operator_id, reason):
        yield


def draft(account: BillingAccount, tenant: Tenant, content: Content, *, by: str, reason: str = "") -> Document:
    """A draft with its lines, in both scopes and with the account's row held."""
    document = Document(
        tenant_id=account.tenant_id,
        operator_id=account.operator_id,
        account_id=account.id,
        kind=content.kind,
        idempotency_key=content.key,
        counted_through=content.counted_through,
        credited_id=content.credited.id if content.credited else None,
        corrects=[{"number": each.number, "issue_date": each.issue_date.isoformat()} for each in content.corrects],
        period_first=content.first_day,
        period_last=content.last_day,
        currency=content.totals.currency,
        language=account.language,
        vat_treatment=content.totals.treatment.value,
        requests=content.requests,
        net=content.totals.net,
        vat=content.totals.vat,
        gross=content.totals.gross,
        illustrative=content.illustrative,
        price_rows=list(content.price_rows),
    )
    version = content.buyer or accounts.buyer_on(account.tenant_id, day_of(timezone.now()))
    shot = records.draft(document, content.lines, content.totals, tenant.operator, tenant, version, _corrects(document, content.lines))
    document.snapshot = snapshot.canonical(snapshot.build(shot)).decode()
    document.save(force_insert=True)
    rows = [records.row(document, position, line) for position, line in enumerate(content.lines, 1)]
    for row, position in zip(rows, content.positions, strict=False):
        row.credited_position = position
    DocumentLine.objects.bulk_create(rows)
    facts = {"key": content.key, "net": content.totals.net, "currency": document.currency}
    _record(document, "document.drafted", by, after=facts, reason=reason)
    return document


def missing(document: Document) -> list[str]:
    """What a draft still lacks before it can be approved, as paths in its snapshot ("buyer.address")."""
    return [path for path in snapshot.missing(json.loads(document.snapshot)) if path not in GIVEN_AT_ISSUE]


def approve(tenant_id: uuid.UUID, document_id: uuid.UUID, *, by: str, item: Work | None = None, tenant: Tenant | None = None) -> Document:
    """Freezes what the document says, with buyer and seller as they are now; ends `item` with it. Again: nothing changes.

    `tenant`: with its operator, where it is read already. Raises Incomplete, or Refused for a document that was dropped.
    """
    tenant = tenant or _tenant(tenant_id)
    with both_scopes(tenant, "approve a document"):
        usage.lock_account(tenant_id)
        document = _document(tenant_id, document_id)
        if document.state == State.DROPPED:
            raise Refused("the draft was dropped: make a new one")
        fresh = document.state == State.DRAFT
        if fresh:
            _approve(document, tenant, by)
        if item:
            work.done(item)
        if fresh:
            _record(document, "document.approved", by, after={"net": document.net, "gross": document.gross})
    return document


def _approve(document: Document, tenant: Tenant, by: str) -> None:
    totals, shot = _as_now(document, tenant, None)
    frozen = snapshot.unnumbered(_complete(shot, tenant.operator))
    _change(
        document,
        state=State.APPROVED,
        vat_treatment=totals.treatment.value,
        vat=totals.vat,
        gross=totals.gross,
        snapshot=snapshot.canonical(frozen).decode(),
        approved_at=timezone.now(),
        approved_by=by,
    )


def drop(tenant_id: uuid.UUID, document_id: uuid.UUID, *, by: str, reason: str) -> Document:
    """Takes a draft, or what was approved, off the desk for good; its month can be drafted again. Raises Refused once it is issued."""
    if not reason.strip():
        raise Refused("a reason is needed")
    tenant = _tenant(tenant_id)
    with both_scopes(tenant, "drop a document"):
        usage.lock_account(tenant_id)
        document = _document(tenant_id, document_id)
        if document.state == State.ISSUED:
            raise Refused("%(number)s is issued: only a credit note changes what it charges", number=str(document.number))
        if document.state != State.DROPPED:
            _rows(document).update(state=State.DROPPED, dropped_at=timezone.now(), drop_reason=reason)
            _record(document, "document.dropped", by, reason=reason)
        return _document(tenant_id, document_id)


def issue(tenant_id: uuid.UUID, document_id: uuid.UUID, *, by: str, item: Work | None = None, tenant: Tenant | None = None) -> Document:
    """Gives an approved document its number; ends `item` with it. One that is issued or dropped stays as it is.

    `tenant`: with its operator, where it is read already.

    Raises Refused for a draft, Incomplete where a party has lost something since the approval.
    """
    tenant = tenant or _tenant(tenant_id)
    with both_scopes(tenant, "issue a document"):
        usage.lock_account(tenant_id)
        document = _document(tenant_id, document_id)
        if document.state == State.DRAFT:
            raise Refused("the draft is not approved")
        fresh = document.state == State.APPROVED
        if fresh:
            _issue(document, tenant)
            work.add_many([Work(kind=RENDER, key=str(document.id), for_tenant=tenant_id, ids={"document": str(document.id)})])
            outbox.announce("email.invoice_issued", {"document": document.id}, for_tenant=tenant_id)
        if item:
            work.done(item)
        if fresh:
            _record(document, "document.issued", by, after={"number": document.number, "gross": document.gross})
    return document


def _issue(document: Document, tenant: Tenant) -> None:
    now = timezone.now()
    today = day_of(now)
    _, shot = _as_now(document, tenant, Treatment(document.vat_treatment))
    trial = _complete(shot, tenant.operator)
    series = _series(tenant.operator, document.kind, today.year)
    sequence = series.last + 1
    number = number_of(tenant.operator, document.kind, today.year, sequence)
    text = snapshot.canonical(snapshot.renumbered(trial, records.numbered(shot, number, today)))
    link = snapshot.chain_hash(bytes(series.hash), text)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_series SET last = %s, hash = %s WHERE id = %s", [sequence, link, series.id])
        cursor.execute(
            "INSERT INTO billing_documentnumber (id, operator_id, number, tenant_id, document_id) VALUES (%s, %s, %s, %s, %s)",
            [uuid7(), tenant.operator_id, number, document.tenant_id, document.id],
        )
    _change(
        document,
        state=State.ISSUED,
        number=number,
        series_year=today.year,
        sequence=sequence,
        issue_date=today,
        due_date=today + timedelta(days=tenant.operator.payment_days) if document.kind == Kind.INVOICE else None,
        issued_at=now,
        snapshot=text.decode(),
        hash=link,
    )


def _series(operator: Operator, kind: str, year: int) -> Series:
    """Locked; made with its first document."""
    query = "SELECT * FROM billing_series WHERE operator_id = %s AND kind = %s AND year = %s FOR UPDATE"
    given = [operator.id, kind, year]
    found = next(iter(Series.objects.raw(query, given)), None)
    if found is None:
        Series.objects.get_or_create(operator=operator, kind=kind, year=year, defaults={"hash": snapshot.GENESIS})
        found = Series.objects.raw(query, given)[0]
    return found


def number_of(operator: Operator, kind: str, year: int, sequence: int) -> str:
    """F-2026-000017."""
    prefix = operator.credit_prefix if kind == Kind.CREDIT_NOTE else operator.series_prefix
    return f"{prefix}-{year}-{sequence:06}"


def _corrects(document: Document, lines: Sequence[Line]) -> list[snapshot.Reference]:
    """The documents that this one changes: those named, or for a month below zero those that billed the months it takes back."""
    if document.corrects or document.kind != Kind.CREDIT_NOTE:
        return [snapshot.Reference(each["number"], date.fromisoformat(each["issue_date"])) for each in document.corrects]
    billed = DocumentLine.objects.of(document.tenant_id).filter(period_first__in={line.first_day for line in lines})
    ids = set(billed.values_list("document_id", flat=True)) - {document.id}
    found = (
        Document.objects.of(document.tenant_id).filter(id__in=ids, state=State.ISSUED, kind=Kind.INVOICE).order_by("issue_date", "number")
    )
    return [snapshot.Reference(str(each.number), each.issue_date) for each in found if each.issue_date]


def _as_now(document: Document, tenant: Tenant, treatment: Treatment | None) -> tuple[Totals, snapshot.Document]:
    """The stored lines with the parties of today. A month's document has the buyer's own VAT treatment, unless one is given; one that
    changes others keeps that of the original supply."""
    charged = records.lines(document)
    version = accounts.buyer_on(document.tenant_id, day_of(timezone.now()))
    if document.idempotency_key.startswith("usage:"):
        today = Treatment(version.vat_treatment) if version else Treatment.STANDARD
        if treatment not in (None, today):
            raise Refused("the buyer's VAT treatment has changed since the document was approved: drop it and draft the month again")
        totals = total(charged, today, currency=document.currency)
    else:
        totals = records.totals(document)
    if add(*(line.amount for line in charged)) != document.net:
        raise Refused("the lines do not add up to %(net)s, as the document says", net=document.net)
    shot = records.draft(document, charged, totals, tenant.operator, tenant, version, _corrects(document, charged))
    return totals, shot


def _complete(shot: snapshot.Document, operator: Operator) -> snapshot.Snapshot:
    """As it would be issued today under a series' first number: payment details depend on one. Raises Incomplete for what is not there."""
    today = day_of(timezone.now())
    try:
        trial = snapshot.build(records.numbered(shot, number_of(operator, shot.kind, today.year, 1), today))
    except ValueError as error:
        raise Refused.of(error) from error
    if lacking := snapshot.missing(trial):
        raise Incomplete(lacking)
    return trial


def find(number: str, *, tenant_slug: str | None = None) -> Document:
    """The issued document of that number. Raises LookupError where there is none, or more than one."""
    found = DocumentNumber.objects.filter(number=number)
    places = list((found.filter(tenant__slug=tenant_slug) if tenant_slug else found)[:2])
    if len(places) != 1:
        raise LookupError(f"{number} is the number of several documents: name the tenant" if places else f"there is no document {number}")
    with tenant_scope(places[0].tenant_id):
        return _document(places[0].tenant_id, places[0].document_id)


def _tenant(tenant_id: uuid.UUID) -> Tenant:
    return Tenant.objects.select_related("operator").get(id=tenant_id)


def _rows(document: Document) -> models.QuerySet[Document]:
    return Document.objects.of(document.tenant_id).filter(id=document.id)


def _change(document: Document, **fields: Any) -> None:
    columns = ", ".join(f"{name} = %({name})s" for name in fields)
    change = f"UPDATE billing_document SET {columns} WHERE tenant_id = %(tenant)s AND id = %(document)s"
    with connection.cursor() as cursor:
        cursor.execute(change, fields | {"tenant": document.tenant_id, "document": document.id})
    for name, value in fields.items():
        setattr(document, name, value)


def _document(tenant_id: uuid.UUID, document_id: uuid.UUID) -> Document:
    query = "SELECT * FROM billing_document WHERE tenant_id = %s AND id = %s"
    found = next(iter(Document.objects.raw(query, [tenant_id, document_id])), None)
    if found is None:
        raise Document.DoesNotExist(f"no document {document_id}")
    return found


def _record(document: Document, action: str, by: str, *, after: dict[str, object] | None = None, reason: str = "") -> None:
    _, new = audit.changed({}, after or {})
    audit.record(document.tenant_id, actor=by, action=action, subject=f"document:{document.id}", after=new, reason=reason)
