"""A month of many tenants: closed by workers or by one process, and nobody held back by another's trouble."""

import pytest
from django.db import connection
from django.utils import timezone

from billing import closing, months, plans, prices, scheme, tasks, usage
from billing.models import BillingAccount, BillingMonth, Document, State
from billing.periods import Month
from tenants import work
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Work, WorkState
from tests.billing import story
from tests.billing.story import JULY, Customer


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


def account_of(customer: Customer) -> BillingAccount:
    with tenant_scope(customer.id):
        return BillingAccount.objects.of(customer.id).get()


def close(customer: Customer, month: Month = JULY) -> Document | None:
    return closing.close(customer.id, month, by="staff:1")


def test_a_day_that_differs_stops_its_account_and_no_other(fjordbank: Customer) -> None:
    havneby = story.customer("havneby", fjordbank.operator)
    for each in (fjordbank, havneby):
        each.use(JULY, 3)
    story.roll(fjordbank, havneby)
    with tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute("UPDATE usage_day SET n = 5 WHERE tenant_id = %s AND day = '2026-07-16'", [fjordbank.id])
    closed = months.close_now([fjordbank.tenant, havneby.tenant], JULY, by="staff:1")
    assert [document.tenant_id for document in closed.documents] == [havneby.id]
    assert [(problem.tenant_id, problem.text) for problem in closed.problems] == [
        (fjordbank.id, "2026-07-16: 1 requested recorded, 5 counted")
    ]
    with tenant_scope(fjordbank.id):
        noted = BillingMonth.objects.of(fjordbank.id).get()
    assert (noted.state, noted.problem) == ("stopped", "2026-07-16: 1 requested recorded, 5 counted")
    assert account_of(fjordbank).closed_through is None
    stopped = months.tenants_of(fjordbank.operator.id, JULY, only="stopped")
    assert [row.tenant.id for row in stopped] == [fjordbank.id]


def test_a_batch_prices_with_what_was_entered_while_it_ran(fjordbank: Customer) -> None:
    def tiers() -> int:
        with operator_scope(fjordbank.operator.id, "test"), tenant_scope(fjordbank.id):
            scheme.turn_to(fjordbank.operator.id)
            found = prices.of_month(fjordbank.id, JULY)
        assert found
        return len(found.plan.tiers)

    with scheme.price_book():
        assert (tiers(), tiers()) == (3, 3)
        with operator_scope(fjordbank.operator.id, "test"):
            plans.enter_plan(fjordbank.operator, "Standard", JULY, plans.Terms(), by="staff:1")
        assert tiers() == 0


def test_a_whole_month_is_closed_by_one_process(fjordbank: Customer) -> None:
    havneby = story.customer("havneby", fjordbank.operator)
    fjordbank.use(JULY, 10)
    tenants = story.tenants([fjordbank, havneby])
    closed = months.close_now(tenants, JULY, by="command")
    assert [(document.tenant_id, document.state) for document in closed.documents] == [(fjordbank.id, State.ISSUED)]
    assert (months.close_now(tenants, JULY, by="command").documents, closed.problems) == ([], [])
    told = months.progress(fjordbank.operator.id, JULY)
    assert (told.tenants, told.closed, told.issued, told.without_document, told.requests) == (2, 2, 1, 1, 10)
    assert told.gross == closed.documents[0].gross


def test_one_tenant_of_several_can_be_closed(fjordbank: Customer) -> None:
    havneby = story.customer("havneby", fjordbank.operator)
    for each in (fjordbank, havneby):
        each.use(JULY, 1)
    closed = months.close_now([havneby.tenant], JULY, by="command")
    assert [document.tenant_id for document in closed.documents] == [havneby.id]
    assert account_of(fjordbank).closed_through is None


def test_two_operators_close_apart(fjordbank: Customer) -> None:
    elsewhere = story.customer("nordlys")
    for each in (fjordbank, elsewhere):
        each.use(JULY, 1)
    closed = months.close_now([fjordbank.tenant, elsewhere.tenant], JULY, by="command")
    assert {(document.operator_id, document.number) for document in closed.documents} == {
        (fjordbank.operator.id, "F-2026-000001"),
        (elsewhere.operator.id, "F-2026-000001"),
    }
    assert months.progress(elsewhere.operator.id, JULY).issued == 1
    with operator_scope(elsewhere.operator.id, "test"):
        assert not Document.objects.filter(tenant_id__in=[fjordbank.id]).exists()


def test_workers_claim_the_same_rows(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 1)
    keys = months.enqueue([fjordbank.tenant], JULY)
    assert months.enqueue([fjordbank.tenant], JULY) == keys
    months.close_claimed(work.claim(months.CLOSE, 100, 60, keys=keys), by="system")
    assert set(Work.objects.filter(key__in=keys).values_list("state", flat=True)) == {WorkState.DONE}
    assert months.enqueue([fjordbank.tenant], JULY) == []
    approval = months.enqueue_approval(fjordbank.operator.id, JULY, by="staff:7")
    assert months.approve_claimed(work.claim(months.APPROVE, 100, 60, keys=approval), by="system") == []
    issue = months.enqueue_issue(fjordbank.operator.id, JULY)
    assert months.issue_claimed(work.claim(months.ISSUE, 100, 60, keys=issue), by="system") == []
    assert (len(approval), len(issue)) == (1, 1)
    with tenant_scope(fjordbank.id):
        document = Document.objects.of(fjordbank.id).get()
    assert (document.state, document.approved_by) == (State.ISSUED, "staff:7")


def test_without_approval_a_draft_is_issued_on_the_day_of_issue(db: None) -> None:
    today = timezone.localdate()
    month = Month.of(today).previous()
    usage.open_partitions(month, months=0)
    sellers = {day: story.operator(approval=False, issue_day=day) for day in (today.day, today.day + 1)}
    customers = {day: story.customer(of=seller, first_month=month) for day, seller in sellers.items()}
    for each in customers.values():
        each.use(month, 1)
        assert close(each, month)
    tasks.issue_due()
    due = customers[today.day]
    assert [document.state for document in months.documents_of(due.operator.id, month, *State)] == [State.APPROVED]
    assert Work.objects.filter(kind=months.ISSUE, for_tenant=due.id, state=WorkState.WAITING).exists()
    waiting = customers[today.day + 1]
    assert [document.state for document in months.documents_of(waiting.operator.id, month, *State)] == [State.DRAFT]


def test_a_draft_that_lacks_something_is_told_and_stays_a_draft(fjordbank: Customer) -> None:
    bare = story.customer("havneby", fjordbank.operator, buyer=None)
    for each in (fjordbank, bare):
        each.use(JULY, 1)
    closed = months.close_now([fjordbank.tenant, bare.tenant], JULY, by="command")
    assert [document.tenant_id for document in closed.documents] == [fjordbank.id]
    assert [(problem.tenant_id, problem.text) for problem in closed.problems] == [(bare.id, "the document lacks buyer.address: fill it in")]
    rows = {row.tenant.id: row for row in months.tenants_of(fjordbank.operator.id, JULY)}
    assert (rows[bare.id].lacking, rows[fjordbank.id].lacking) == (["buyer.address"], [])
    assert [row.tenant.id for row in months.tenants_of(fjordbank.operator.id, JULY, only="draft")] == [bare.id]


def test_last_month_is_drafted_by_itself(fjordbank: Customer) -> None:
    last = Month.at(timezone.now()).previous()
    tasks.draft_last_month()
    assert Work.objects.filter(kind=months.CLOSE, for_tenant=fjordbank.id, ids={"month": str(last)}).count() == 1
    tasks.draft_last_month()
    assert Work.objects.filter(kind=months.CLOSE, for_tenant=fjordbank.id).count() == 1
