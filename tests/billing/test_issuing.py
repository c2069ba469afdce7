"""From draft to issued: numbers without gaps, an unbroken chain, and nothing that can be changed afterwards."""

import hashlib
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from billing import accounts, closing, issuing
from billing.accounts import AccountError, Buyer
from billing.documents.snapshot import GENESIS, canonical
from billing.exports import renderings
from billing.issuing import Incomplete, Refused
from billing.models import BillingAccount, Document, DocumentNumber, DocumentRendering, Series, State
from billing.periods import Month, day_of
from billing.vat import Treatment
from tenants import audit, work
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import AuditEntry, Operator, OutboxMessage, Work, WorkState
from tests.billing import story
from tests.billing.story import AUGUST, JULY, Customer
from tests.harness.ground import Ground


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


def drafted(customer: Customer, month: Month = JULY, requests: int = 8) -> Document:
    customer.use(month, requests)
    document = closing.close(customer.id, month, by="system")
    assert document is not None
    return document


def issued(customer: Customer, month: Month = JULY) -> Document:
    document = drafted(customer, month)
    issuing.approve(customer.id, document.id, by="staff:1")
    return issuing.issue(customer.id, document.id, by="staff:1")


def account_of(customer: Customer) -> BillingAccount:
    with tenant_scope(customer.id):
        return BillingAccount.objects.of(customer.id).get()


def series_of(operator: Operator) -> Series:
    with operator_scope(operator.id, "test"):
        return Series.objects.get(operator=operator)


def test_an_issued_document_has_a_number_a_date_and_a_due_date(fjordbank: Customer) -> None:
    document = issued(fjordbank)
    today = day_of(timezone.now())
    assert (document.state, document.number, document.sequence) == (State.ISSUED, f"F-{today.year}-000001", 1)
    assert (document.issue_date, document.due_date) == (today, today + timedelta(days=30))
    snapshot = json.loads(document.snapshot)
    assert (snapshot["number"], snapshot["issue_date"]) == (document.number, today.isoformat())
    assert snapshot["payment"]["fik"]["creditor"] == "88000018"
    assert issuing.find(str(document.number), tenant_slug=fjordbank.tenant.slug) == document


def test_the_stored_text_is_canonical_and_the_chain_holds(fjordbank: Customer) -> None:
    link = GENESIS
    for month in (JULY, AUGUST):
        document = issued(fjordbank, month)
        text = document.snapshot.encode()
        assert canonical(json.loads(text)) == text
        link = hashlib.sha256(link + text).digest()
        assert bytes(document.hash or b"") == link
    series = series_of(fjordbank.operator)
    assert (bytes(series.hash), series.last) == (link, 2)


def test_issuing_again_is_the_same_document(fjordbank: Customer) -> None:
    first = issued(fjordbank)
    again = issuing.issue(fjordbank.id, first.id, by="staff:2")
    assert (again.number, again.issued_at) == (first.number, first.issued_at)
    assert issuing.approve(fjordbank.id, first.id, by="staff:2").approved_by == "staff:1"
    assert series_of(fjordbank.operator).last == 1


def test_a_draft_is_not_issued(fjordbank: Customer) -> None:
    document = drafted(fjordbank)
    with pytest.raises(Refused, match="not approved"):
        issuing.issue(fjordbank.id, document.id, by="staff:1")


def test_a_dropped_draft_is_never_approved_or_issued(fjordbank: Customer) -> None:
    document = drafted(fjordbank)
    with pytest.raises(Refused, match="a reason is needed"):
        issuing.drop(fjordbank.id, document.id, by="staff:1", reason=" ")
    assert issuing.drop(fjordbank.id, document.id, by="staff:1", reason="wrong plan").state == State.DROPPED
    with pytest.raises(Refused, match="dropped"):
        issuing.approve(fjordbank.id, document.id, by="staff:1")
    assert issuing.issue(fjordbank.id, document.id, by="staff:1").number is None


def test_what_is_issued_is_not_dropped(fjordbank: Customer) -> None:
    document = issued(fjordbank)
    with pytest.raises(Refused, match="only a credit note"):
        issuing.drop(fjordbank.id, document.id, by="staff:1", reason="mistake")


@pytest.mark.parametrize(
    ("seller", "buyer", "missing"),
    [
        ({}, Buyer("Havneby Forsyning A/S"), "buyer.address"),
        ({"address": []}, story.BUYER, "seller.address"),
        ({"cvr": ""}, story.BUYER, "seller.vat_number"),
    ],
)
def test_what_the_law_asks_for_stops_the_approval(db: None, seller: dict[str, object], buyer: Buyer, missing: str) -> None:
    customer = story.customer(of=story.operator(**seller), buyer=buyer)
    document = drafted(customer)
    assert issuing.missing(document) == [missing]
    with pytest.raises(Incomplete, match=missing) as stopped:
        issuing.approve(customer.id, document.id, by="staff:1")
    assert stopped.value.missing == (missing,)


def test_a_payment_id_that_cannot_be_made_stops_the_approval(db: None) -> None:
    customer = story.customer(of=story.operator(fik_creditor="12345678"))
    with pytest.raises(Refused, match="FIK creditor"):
        issuing.approve(customer.id, drafted(customer).id, by="staff:1")


def test_an_address_that_was_filled_in_is_approved(db: None) -> None:
    customer = story.customer(buyer=None)
    document = drafted(customer)
    accounts.change_buyer(account_of(customer), story.BUYER, valid_from=day_of(timezone.now()), by="user:1")
    approved = issuing.approve(customer.id, document.id, by="staff:1")
    assert json.loads(approved.snapshot)["buyer"]["address"]["city"] == "Fjordby"


def test_vat_is_the_buyers_at_approval_and_stays(fjordbank: Customer) -> None:
    document = drafted(fjordbank)
    abroad = Buyer("Malmgård AB", ("Kaj 12",), "211 00", "Malmö", "SE", vat_number="SE999999999901", vat_treatment=Treatment.REVERSE_CHARGE)
    accounts.change_buyer(account_of(fjordbank), abroad, valid_from=day_of(timezone.now()), by="user:1")
    approved = issuing.approve(fjordbank.id, document.id, by="staff:1")
    assert (approved.vat, approved.gross, approved.vat_treatment) == (Decimal("0.00"), approved.net, "reverse_charge")
    accounts.change_buyer(account_of(fjordbank), story.BUYER, valid_from=day_of(timezone.now()), by="user:1")
    with pytest.raises(Refused, match="VAT treatment has changed"):
        issuing.issue(fjordbank.id, document.id, by="staff:1")


def test_a_later_change_of_the_buyer_changes_no_issued_document(fjordbank: Customer) -> None:
    document = issued(fjordbank)
    moved = Buyer("Havneby Forsyning A/S", ("Ny Kaj 9",), "9997", "Nyby", cvr="77777776")
    accounts.change_buyer(account_of(fjordbank), moved, valid_from=day_of(timezone.now()), by="user:1")
    assert (
        json.loads(issuing.find(str(document.number), tenant_slug=fjordbank.tenant.slug).snapshot)["buyer"]["address"]["city"] == "Fjordby"
    )
    assert json.loads(issued(fjordbank, AUGUST).snapshot)["buyer"]["address"]["city"] == "Nyby"


@pytest.mark.parametrize(
    ("buyer", "why"),
    [
        (Buyer(" "), "name"),
        (Buyer("A", cvr="12345678"), "CVR"),
        (Buyer("A", gln="5790000000001"), "GLN"),
        (Buyer("A", country="Danmark"), "country"),
        (Buyer("A", country="SE", vat_treatment=Treatment.REVERSE_CHARGE), "vat_number"),
    ],
)
def test_a_buyer_that_cannot_be_is_refused(fjordbank: Customer, buyer: Buyer, why: str) -> None:
    with pytest.raises(AccountError, match=why):
        accounts.change_buyer(account_of(fjordbank), buyer, valid_from=date(2026, 7, 1), by="user:1")


def test_every_step_is_in_the_audit_chain_and_the_issue_is_announced(fjordbank: Customer) -> None:
    document = issued(fjordbank)
    with tenant_scope(fjordbank.id):
        entries = AuditEntry.objects.of(fjordbank.id).filter(subject=f"document:{document.id}").order_by("seq")
        assert [(entry.action, entry.actor) for entry in entries] == [
            ("document.drafted", "system"),
            ("document.approved", "staff:1"),
            ("document.issued", "staff:1"),
        ]
        assert audit.verify(fjordbank.id).first_bad is None
    told = OutboxMessage.objects.get(for_tenant=fjordbank.id)
    assert (told.kind, told.ids) == ("email.invoice_issued", {"document": str(document.id)})


def test_issuing_ends_its_work_or_changes_nothing(fjordbank: Customer) -> None:
    document = drafted(fjordbank)
    issuing.approve(fjordbank.id, document.id, by="staff:1")
    kind = uuid.uuid4().hex
    work.add(kind, "once", for_tenant=fjordbank.id)
    mine = work.claim(kind, 1, 600, keys=["once"])[0]
    # The lease passed and somebody else has it.
    Work.objects.filter(id=mine.id).update(attempts=2)
    with pytest.raises(work.LeaseLost):
        issuing.issue(fjordbank.id, document.id, by="system", item=mine)
    with tenant_scope(fjordbank.id):
        assert Document.objects.of(fjordbank.id).get().number is None
    mine.attempts = 2
    assert issuing.issue(fjordbank.id, document.id, by="system", item=mine).sequence == 1
    assert Work.objects.get(id=mine.id).state == WorkState.DONE


CHANGES = [
    ("UPDATE billing_document SET snapshot = '{}' WHERE tenant_id = %s", "restrict|refused"),
    ("UPDATE billing_document SET state = 'draft' WHERE tenant_id = %s", "restrict|refused"),
    ("UPDATE billing_document SET net = 1 WHERE tenant_id = %s", "permission denied|refused"),
    ("DELETE FROM billing_document WHERE tenant_id = %s", "permission denied|refused"),
    ("UPDATE billing_documentline SET quantity = 1 WHERE tenant_id = %s", "permission denied|refused"),
    ("DELETE FROM billing_documentline WHERE tenant_id = %s", "permission denied|refused"),
    ("DELETE FROM billing_documentnumber WHERE tenant_id = %s", "permission denied|refused"),
    ("UPDATE billing_buyerversion SET name = 'X' WHERE tenant_id = %s", "permission denied"),
]


@pytest.mark.parametrize(("statement", "refusal"), CHANGES)
def test_the_application_cannot_change_what_is_issued(fjordbank: Customer, statement: str, refusal: str) -> None:
    issued(fjordbank)
    with pytest.raises(DatabaseError, match=refusal), tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute(statement, [fjordbank.id])


@pytest.mark.parametrize("statement", [statement for statement, refusal in CHANGES if "refused" in refusal])
def test_nor_does_the_owners_hand_by_mistake(committed: None, ground: Ground, statement: str) -> None:
    customer = story.customer()
    issued(customer)
    with psycopg.connect(ground.owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation, match="is refused"):
        owner.execute(statement.encode(), [customer.id])


def test_a_series_only_goes_on(fjordbank: Customer) -> None:
    issued(fjordbank)
    series = series_of(fjordbank.operator)
    for change in ({"last": 0}, {"last": 3}):
        with pytest.raises(DatabaseError, match="is refused"), operator_scope(fjordbank.operator.id, "test"):
            Series.objects.filter(id=series.id).update(**change)


def test_the_database_takes_no_issued_document_without_a_number(fjordbank: Customer) -> None:
    document = drafted(fjordbank)
    with pytest.raises(DatabaseError, match="issued_has_number"), tenant_scope(fjordbank.id):
        Document.objects.of(fjordbank.id).filter(id=document.id).update(state=State.ISSUED)


def test_one_month_has_one_document(fjordbank: Customer) -> None:
    document = drafted(fjordbank)
    with tenant_scope(fjordbank.id):
        twin = Document.objects.of(fjordbank.id).get(id=document.id)
    twin.id = uuid.uuid4()
    with pytest.raises(DatabaseError, match="billing_document_once"), tenant_scope(fjordbank.id):
        twin.save(force_insert=True)


def test_renderings_are_kept_and_made_when_they_are_missing(fjordbank: Customer) -> None:
    document = issued(fjordbank)
    (item,) = work.claim(issuing.RENDER, 1, 600, keys=[str(document.id)])
    renderings.make_all(fjordbank.id, document.id, item)
    assert renderings.content(document, renderings.Format.PDF).startswith(b"%PDF-1.7")
    with tenant_scope(fjordbank.id):
        kept = {row.format: bytes(row.content) for row in DocumentRendering.objects.of(fjordbank.id)}
        DocumentRendering.objects.of(fjordbank.id).delete()
    assert kept.keys() == {"pdf", "csv"}
    assert {form: renderings.content(document, renderings.Format(form)) for form in kept} == kept


def test_a_draft_is_shown_as_one_and_not_kept(fjordbank: Customer) -> None:
    document = drafted(fjordbank)
    assert renderings.content(document, renderings.Format.PDF).startswith(b"%PDF")
    with tenant_scope(fjordbank.id):
        assert not DocumentRendering.objects.of(fjordbank.id).exists()


def test_a_number_that_nobody_has_is_told(db: None) -> None:
    with pytest.raises(LookupError, match="no document F-1999-000001"):
        issuing.find("F-1999-000001")


def test_a_number_of_two_operators_needs_its_tenant(fjordbank: Customer) -> None:
    elsewhere = story.customer("nordlys")
    number = str(issued(fjordbank).number)
    assert issued(elsewhere).number == number
    with pytest.raises(LookupError, match="several documents"):
        issuing.find(number)


def in_threads(jobs: list[Callable[[], object]]) -> None:
    def alone(job: Callable[[], object]) -> None:
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(alone, jobs))


def test_parallel_issuers_leave_no_gap_and_no_fork(committed: None) -> None:
    operator = story.operator()
    customers = [story.customer(of=operator) for _ in range(4)]
    waiting = []
    for customer in customers:
        for month in (JULY, AUGUST):
            document = drafted(customer, month, 3)
            issuing.approve(customer.id, document.id, by="staff:1")
            waiting.append((customer.id, document.id))

    def issue(tenant_id: uuid.UUID, document_id: uuid.UUID) -> Callable[[], object]:
        return lambda: issuing.issue(tenant_id, document_id, by="system")

    in_threads([issue(*each) for each in waiting] + [issue(*each) for each in reversed(waiting)])
    with operator_scope(operator.id, "test"):
        documents = list(Document.objects.filter(tenant_id__in=[c.id for c in customers]).order_by("sequence"))
    assert [document.sequence for document in documents] == list(range(1, 9))
    link = GENESIS
    for document in documents:
        link = hashlib.sha256(link + document.snapshot.encode()).digest()
        assert bytes(document.hash or b"") == link
    assert DocumentNumber.objects.filter(operator=operator).count() == 8


def test_a_failed_issue_takes_no_number(committed: None) -> None:
    operator = story.operator()
    first, second = (story.customer(of=operator) for _ in range(2))
    document = drafted(first)
    issuing.approve(first.id, document.id, by="staff:1")
    Operator.objects.filter(id=operator.id).update(address=[])
    with pytest.raises(Incomplete):
        issuing.issue(first.id, document.id, by="system")
    Operator.objects.filter(id=operator.id).update(address=operator.address)
    assert issued(second).sequence == 1
