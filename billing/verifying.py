"""Whether the issued documents are still those that were issued: numbers without gaps, and a hash chain per series.

Against somebody who can rewrite a whole chain its heads have to be kept elsewhere: `heads`, compared by `verify(anchors=…)`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from billing.documents import records, snapshot
from billing.models import Document, DocumentLine, DocumentNumber, Series, State
from billing.money import amount_text, price_text, quantity_text
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant

Head = dict[str, Any]
"""{"operator", "kind", "year", "last", "hash"}: the end of one series."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`what`: altered, deleted, inserted or cut off."""

    number: str
    what: str
    detail: str


@dataclass
class Verdict:
    documents: int = 0
    faults: list[Fault] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)


def verify(anchors: Iterable[Head] = ()) -> Verdict:
    """All operators' documents, series by series."""
    verdict = Verdict()
    kept = list(anchors)
    for operator in Operator.objects.order_by("id"):
        with operator_scope(operator.id, "verify documents"):
            _verify_operator(operator, kept, verdict)
    known = {(head["operator"], head["kind"], head["year"]) for head in verdict.heads}
    for head in kept:
        if (head["operator"], head["kind"], head["year"]) not in known:
            verdict.faults.append(Fault(f"{head['kind']} {head['year']}", "cut off", "its whole series is gone"))
    return verdict


def _verify_operator(operator: Operator, anchors: list[Head], verdict: Verdict) -> None:
    ours = Tenant.objects.filter(operator=operator).values("id")
    issued = Document.objects.filter(tenant_id__in=ours, state=State.ISSUED)
    for series in Series.objects.filter(operator=operator).order_by("kind", "year"):
        rows = issued.filter(kind=series.kind, series_year=series.year).order_by("sequence", "id")
        _verify_series(operator, series, rows.iterator(500), anchors, verdict)
    known = {(series.kind, series.year) for series in Series.objects.filter(operator=operator)}
    for document in issued:
        if (document.kind, document.series_year) not in known:
            verdict.documents += 1
            verdict.faults.append(Fault(document.number or "", "inserted", "it has no series"))
    numbers = DocumentNumber.objects.filter(operator=operator)
    there = set(issued.values_list("id", flat=True))
    verdict.faults += [Fault(row.number, "deleted", "its number is known, it is not") for row in numbers if row.document_id not in there]


def _verify_series(operator: Operator, series: Series, documents: Iterator[Document], anchors: list[Head], verdict: Verdict) -> None:
    place = {"operator": str(operator.id), "kind": series.kind, "year": series.year}
    kept = {head["last"]: head["hash"] for head in anchors if all(head[name] == value for name, value in place.items())}
    link, last = snapshot.GENESIS, 0
    for document in documents:
        verdict.documents += 1
        sequence = document.sequence or 0
        verdict.faults += _numbered(operator, series, document, last)
        link = snapshot.chain_hash(link, document.snapshot.encode())
        told = bytes(document.hash or b"")
        if told != link:
            verdict.faults.append(Fault(document.number or "", "altered", "its text, or one before it, does not give its hash"))
            link = told if len(told) == len(snapshot.GENESIS) else link
        verdict.faults += [Fault(document.number or "", "altered", text) for text in _unlike(document)]
        if sequence in kept and kept.pop(sequence) != told.hex():
            verdict.faults.append(Fault(document.number or "", "altered", "its hash is not the one that was kept elsewhere"))
        last = max(last, sequence)
    if (series.last, bytes(series.hash) if series.last else snapshot.GENESIS) != (last, link):
        what = "cut off" if last < series.last else "altered"
        verdict.faults.append(Fault(f"{series.kind} {series.year}", what, f"the series ends with {series.last}, its documents with {last}"))
    verdict.faults += [Fault(f"{series.kind} {series.year}", "cut off", f"number {n} was there when its hash was kept") for n in kept]
    verdict.heads.append(place | {"last": last, "hash": link.hex()})


def _numbered(operator: Operator, series: Series, document: Document, last: int) -> Iterator[Fault]:
    number, sequence = document.number or "", document.sequence or 0
    if sequence <= last:
        yield Fault(number, "inserted", f"{sequence} was given already")
    elif sequence > last + 1:
        yield Fault(number, "deleted", f"{last + 1} to {sequence - 1} are missing before it")
    if sequence > series.last:
        yield Fault(number, "inserted", f"the series has given {series.last} numbers")
    if not DocumentNumber.objects.filter(operator=operator, number=number, document_id=document.id).exists():
        yield Fault(number, "inserted", "its number was never given out")


def _unlike(document: Document) -> Iterator[str]:
    """What the row and its lines say otherwise than the frozen text."""
    try:
        said = json.loads(document.snapshot)
        wanted = {
            "number": said["number"],
            "issue_date": said["issue_date"],
            "due_date": said["due_date"],
            "kind": said["kind"],
            "currency": said["currency"],
            "vat_treatment": said["vat_treatment"],
            **{name: said["totals"][name] for name in ("net", "vat", "gross")},
        }
        lines = {line["position"]: (line["kind"], line["quantity"], line["unit_price"], line["amount"]) for line in said["lines"]}
    except (ValueError, KeyError, TypeError):
        yield "its text is no document"
        return
    for name, value in wanted.items():
        if _text(getattr(document, name)) != value:
            yield f"{name} is {_text(getattr(document, name))}, its text says {value}"
    if _lines(document.tenant_id, document) != lines:
        yield "its lines are not those of its text"


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return amount_text(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _lines(tenant_id: uuid.UUID, document: Document) -> Mapping[int, tuple[str, str, str, str]]:
    rows = DocumentLine.objects.of(tenant_id).filter(document_id=document.id)
    found = {row.position: records.signed(row, False, document.currency) for row in rows}
    return {
        position: (line.kind.value, quantity_text(line.quantity), price_text(line.unit_price), amount_text(line.amount))
        for position, line in found.items()
    }
