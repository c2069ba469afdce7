"""Forms of an issued document, made from its snapshot and kept. One that is missing is made when it is asked for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

from billing.documents import pdf
from billing.exports.csv import lines_csv
from billing.models import Document, DocumentRendering, State
from tenants import work
from tenants.isolation import tenant_scope
from tenants.models import Work

Format = DocumentRendering.Format
TYPES = {Format.PDF: "application/pdf", Format.CSV: "text/csv; charset=utf-8"}


def render(document: Document, form: Format) -> bytes:
    """From the snapshot alone; a draft's says that it is one. Takes up to a second: never inside a transaction."""
    snapshot = json.loads(document.snapshot)
    made: dict[Format, Callable[[], bytes]] = {
        Format.PDF: lambda: pdf.render(snapshot, issued_at=document.issued_at or document.created_at),
        Format.CSV: lambda: lines_csv(snapshot),
    }
    return made[form]()


def content(document: Document, form: Format) -> bytes:
    """As it is kept, or made now: an issued document's is kept from then on. Opens its own tenant scope."""
    if document.state != State.ISSUED:
        return render(document, form)
    with tenant_scope(document.tenant_id):
        kept = DocumentRendering.objects.of(document.tenant_id).filter(document_id=document.id, format=form).first()
    if kept:
        return bytes(kept.content)
    made = render(document, form)
    _keep(document, {form: made})
    return made


def make_all(tenant_id: uuid.UUID, document_id: uuid.UUID, item: Work) -> None:
    """Every form of an issued document; ends `item`."""
    with tenant_scope(tenant_id):
        document = Document.objects.of(tenant_id).get(id=document_id)
    made = {form: render(document, form) for form in Format}
    with tenant_scope(tenant_id):
        _keep(document, made)
        work.done(item)


def _keep(document: Document, made: dict[Format, bytes]) -> None:
    rows = [
        DocumentRendering(
            tenant_id=document.tenant_id, operator_id=document.operator_id, document_id=document.id, format=form, content=content
        )
        for form, content in made.items()
    ]
    with tenant_scope(document.tenant_id):
        DocumentRendering.objects.bulk_create(rows, ignore_conflicts=True)
