"""Credit notes: whole and in parts, never more than is left, and the usage billable again exactly once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest
from django.db import connection

from billing import closing, crediting, issuing, verifying
from billing.issuing import Refused
from billing.models import Document, DocumentLine
from tenants.isolation import tenant_scope
from tests.billing import story
from tests.billing.story import AUGUST, JULY, Customer
from tests.harness.ground import Ground


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


@pytest.fixture
def busy(committed: None) -> Customer:
    return story.customer()


def invoice(customer: Customer, requests: int = 1_001) -> Document:
    customer.use(JULY, requests)
    draft = closing.close(customer.id, JULY, by="staff:1")
    assert draft is not None
    return issue(draft)


def issue(draft: Document) -> Document:
    issuing.approve(draft.tenant_id, draft.id, by="staff:2")
    return issuing.issue(draft.tenant_id, draft.id, by="staff:2")


def credit(document: Document, *lines: int) -> Document:
    return crediting.credit(document, by="staff:1", reason="wrong plan", lines=lines)


def test_a_whole_invoice_is_credited(fjordbank: Customer) -> None:
    document = invoice(fjordbank)
    note = credit(document)
    assert (note.kind, note.number, note.net, note.vat, note.gross) == (
        "credit_note",
        "K-2026-000001",
        document.net,
        document.vat,
        document.gross,
    )
    shot = json.loads(note.snapshot)
    assert shot["references"] == [{"number": document.number, "issue_date": document.issue_date.isoformat() if document.issue_date else ""}]
    assert shot["payment"] is None
    with pytest.raises(Refused, match="nothing is left"):
        credit(document)


def test_lines_are_credited_one_by_one_and_never_more_than_is_left(fjordbank: Customer) -> None:
    document = invoice(fjordbank)
    notes = [credit(document, 1), credit(document, 3, 5)]
    with pytest.raises(Refused, match="line 1 of F-2026-000001 is not there, or is credited already"):
        credit(document, 1)
    with pytest.raises(Refused, match="line 9"):
        credit(document, 9)
    notes.append(credit(document))
    assert sum(note.net for note in notes) == document.net
    assert sum(note.vat for note in notes) == document.vat
    assert sum(note.gross for note in notes) == document.gross


def test_a_draft_a_credit_note_and_no_reason_are_refused(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 1)
    draft = closing.close(fjordbank.id, JULY, by="staff:1")
    assert draft is not None
    with pytest.raises(Refused, match="only an issued invoice"):
        credit(draft)
    note = credit(issue(draft))
    with pytest.raises(Refused, match="only an issued invoice"):
        credit(note)
    with pytest.raises(Refused, match="a reason is needed"):
        crediting.credit(draft, by="staff:1", reason=" ")


def test_a_credited_month_is_billed_again_exactly_once(fjordbank: Customer) -> None:
    document = invoice(fjordbank)
    credit(document)
    again = closing.invoice_again(fjordbank.id, JULY, by="staff:1")
    assert (again.idempotency_key, again.net, again.requests) == ("usage:2026-07:2", document.net, document.requests)
    with pytest.raises(Refused, match="nothing to invoice again"):
        closing.invoice_again(fjordbank.id, JULY, by="staff:1")
    fjordbank.use(AUGUST, 1)
    august = closing.close(fjordbank.id, AUGUST, by="staff:1")
    assert august is not None
    with tenant_scope(fjordbank.id):
        periods = DocumentLine.objects.of(fjordbank.id).filter(document_id=august.id).values_list("period_first", flat=True)
        assert set(periods) == {AUGUST.first}


def test_of_a_month_that_is_credited_in_part_that_part_is_billed_again(fjordbank: Customer) -> None:
    document = invoice(fjordbank)
    note = credit(document, 1)
    again = closing.invoice_again(fjordbank.id, JULY, by="staff:1")
    assert again.net == note.net == Decimal("259.26")


def test_of_two_who_credit_at_once_one_fails(busy: Customer) -> None:
    document = invoice(busy)

    def one() -> str:
        try:
            return str(credit(document).number)
        except Refused as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        told = sorted(future.result() for future in [pool.submit(one), pool.submit(one)])
    assert told == ["K-2026-000001", "nothing is left of F-2026-000001: all of it is credited"]


@pytest.fixture
def owner(ground: Ground) -> Iterator[psycopg.Connection]:
    """Somebody who can do everything to the database, triggers included."""
    with psycopg.connect(ground.superuser_url.replace("/postgres?", "/broker?"), autocommit=True) as found:
        found.execute("SET session_replication_role = replica")
        yield found


def faults(customer: Customer, anchors: list[verifying.Head] | None = None) -> set[str]:
    """Of this customer's operator only: other tests leave documents too."""
    with connection.cursor():
        verdict = verifying.verify(anchors or [])
    with tenant_scope(customer.id):
        numbers = set(Document.objects.of(customer.id).values_list("number", flat=True))
    assert verdict.documents >= len(numbers - {None})
    return {fault.what for fault in verdict.faults}


def test_what_somebody_does_to_issued_documents_is_found(busy: Customer, owner: psycopg.Connection) -> None:
    document = invoice(busy)
    note = credit(document, 1)
    second = issue(closing.invoice_again(busy.id, JULY, by="staff:1"))
    heads = [head for head in verifying.verify().heads if head["operator"] == str(busy.operator.id)]
    assert faults(busy, heads) == set()
    row = "WHERE tenant_id = %s AND id = %s"
    text = second.snapshot.replace("Havneby", "Andeby")
    for change, undo, what in (
        ("gross = gross + 1", "gross = gross - 1", "altered"),
        ("snapshot = %(new)s", "snapshot = %(old)s", "altered"),
        ("due_date = due_date + 1", "due_date = due_date - 1", "altered"),
    ):
        for setting in (change, undo):
            given = {"new": text, "old": second.snapshot, "tenant": busy.id, "id": second.id}
            owner.execute(f"UPDATE billing_document SET {setting} WHERE tenant_id = %(tenant)s AND id = %(id)s".encode(), given)
            assert faults(busy) == ({what} if setting == change else set())
    for gone, told in ((document, {"deleted", "altered"}), (second, {"deleted", "cut off"})):
        owner.execute(f"CREATE TEMPORARY TABLE gone AS SELECT * FROM billing_document {row}".encode(), [busy.id, gone.id])
        owner.execute(f"DELETE FROM billing_document {row}".encode(), [busy.id, gone.id])
        assert faults(busy) == told
        if gone is document:
            owner.execute(b"INSERT INTO billing_document SELECT * FROM gone")
            owner.execute(b"DROP TABLE gone")
    # Cut off with everything that tells of it: only what was kept elsewhere still does.
    owner.execute(b"DELETE FROM billing_documentnumber WHERE document_id = %s", [second.id])
    owner.execute(
        b"UPDATE billing_series SET last = 1, hash = %s WHERE operator_id = %s AND kind = 'invoice'",
        [bytes(document.hash or b""), busy.operator.id],
    )
    assert (faults(busy), faults(busy, heads)) == (set(), {"cut off"})
    owner.execute(b"INSERT INTO billing_document SELECT * FROM gone")
    assert faults(busy) == {"inserted", "altered"}
    owner.execute(f"DELETE FROM billing_document {row}".encode(), [busy.id, second.id])
    assert note.number
