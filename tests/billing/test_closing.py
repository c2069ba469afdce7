"""A tenant's month: what it costs, when it may close, and what stops it."""

import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from billing import accounts, closing, issuing, prices, usage
from billing.accounts import Buyer
from billing.closing import CountsDiffer, EarlierMonthOpen, NotOver
from billing.issuing import Refused
from billing.models import (
    BillingAccount,
    BillingMonth,
    Document,
    DocumentLine,
    PassOn,
    Plan,
    PlanTier,
    PlanVersion,
    State,
    UsageDay,
)
from billing.periods import Month
from billing.pricing import LineKind
from billing.vat import Treatment
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import AuditEntry
from tests.billing import story
from tests.billing.story import AUGUST, JULY, Customer, noon

SEPTEMBER = Month(2026, 9)


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


@pytest.fixture
def busy(committed: None) -> Customer:
    """A customer that other connections see."""
    return story.customer()


def close(customer: Customer, month: Month = JULY) -> Document | None:
    return closing.close(customer.id, month, by="staff:1")


def lines(document: Document) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    with tenant_scope(document.tenant_id):
        rows = DocumentLine.objects.of(document.tenant_id).filter(document_id=document.id).order_by("position")
        return [(row.kind, row.quantity, row.unit_price, row.amount) for row in rows]


def account_of(customer: Customer) -> BillingAccount:
    with tenant_scope(customer.id):
        return BillingAccount.objects.of(customer.id).get()


def plan(customer: Customer, **fields: object) -> None:
    """From August on the account pays a plan of its own, without tiers."""
    with operator_scope(customer.operator.id, "test"):
        made = Plan.objects.create(operator=customer.operator, name=uuid.uuid4().hex)
        given = {"operator": customer.operator, "plan": made, "starts": JULY.first, "illustrative": True, "entered_by": "staff:1"}
        PlanVersion.objects.create(**(given | fields))
    prices.assign_plan(account_of(customer), made, AUGUST, by="staff:1")


def test_july_of_tenant_b_comes_to_the_ore(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 8_123)
    story.roll(fjordbank)
    priced = closing.preview(fjordbank.id, JULY)
    document = close(fjordbank)
    assert document is not None
    assert (document.net, document.vat, document.gross) == (Decimal("7502.58"), Decimal("1875.65"), Decimal("9378.23"))
    assert (priced.totals.net, priced.totals.gross, priced.requests) == (document.net, document.gross, 8_123)
    assert [(kind, str(amount)) for kind, _, _, amount in lines(document)] == [
        ("aap", "2103.86"),
        ("core_client", "243.69"),
        ("udviklingsbidrag", "81.23"),
        ("fee", "800.00"),
        ("fee", "4273.80"),
    ]


def test_a_draft_says_what_it_was_priced_by(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 2)
    document = close(fjordbank)
    assert document is not None
    snapshot = json.loads(document.snapshot)
    assert (document.state, document.number, document.illustrative, snapshot["illustrative"]) == (State.DRAFT, None, True, True)
    assert [(row["kind"], row["illustrative"]) for row in snapshot["price_rows"]] == [
        ("aap", True),
        ("core_client", True),
        ("udviklingsbidrag", True),
        ("plan", True),
    ]
    assert snapshot["buyer"]["name"] == story.BUYER.name
    assert document.idempotency_key == "usage:2026-07:1"


def test_what_waits_to_be_counted_is_counted_before_the_month_closes(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 3)
    document = close(fjordbank)
    assert document is not None
    assert document.requests == 3


def test_a_month_closes_once(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 3)
    first = close(fjordbank)
    assert close(fjordbank) is None
    with tenant_scope(fjordbank.id):
        assert [document.id for document in Document.objects.of(fjordbank.id)] == [first.id if first else None]


def test_a_month_that_is_not_over_does_not_close(fjordbank: Customer) -> None:
    this = Month.at(timezone.now())
    with pytest.raises(NotOver, match=f"{this} is not over"):
        close(fjordbank, this)
    assert account_of(fjordbank).closed_through is None


def test_months_close_in_order(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 1)
    fjordbank.use(AUGUST, 1)
    with pytest.raises(EarlierMonthOpen, match="2026-07 is still open"):
        close(fjordbank, AUGUST)
    assert close(fjordbank, JULY)
    assert close(fjordbank, AUGUST)


def test_earlier_months_with_nothing_to_charge_close_along(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 5, test=True)
    fjordbank.use(SEPTEMBER, 1)
    assert close(fjordbank, SEPTEMBER)
    with tenant_scope(fjordbank.id):
        closed = dict(BillingMonth.objects.of(fjordbank.id).values_list("month", "state"))
    assert closed == dict.fromkeys((month.first for month in (JULY, AUGUST, SEPTEMBER)), "closed")


def test_a_new_tenant_has_nothing_to_close(db: None) -> None:
    new = story.customer(first_month=Month.at(timezone.now()))
    new.use(Month.at(timezone.now()), 2)
    story.roll(new)
    assert close(new, JULY) is None
    assert account_of(new).closed_through is None


def test_no_usage_and_no_fixed_fee_closes_without_a_document(fjordbank: Customer) -> None:
    assert close(fjordbank) is None
    assert account_of(fjordbank).closed_through == JULY.first
    with tenant_scope(fjordbank.id):
        assert list(AuditEntry.objects.of(fjordbank.id).filter(action="month.closed").values_list("subject", flat=True)) == [
            "month:2026-07"
        ]


def test_a_subscription_is_charged_without_usage(fjordbank: Customer) -> None:
    assert close(fjordbank, JULY) is None
    plan(fjordbank, subscription=Decimal("4900.00"))
    document = close(fjordbank, AUGUST)
    assert document is not None
    assert [(kind, amount) for kind, _, _, amount in lines(document)] == [("subscription", Decimal("4900.00"))]


def test_what_is_included_in_the_fee_is_no_line(fjordbank: Customer) -> None:
    assert close(fjordbank, JULY) is None
    plan(fjordbank, aap=PassOn.INCLUDED, udviklingsbidrag=PassOn.INCLUDED)
    fjordbank.use(AUGUST, 10)
    document = close(fjordbank, AUGUST)
    assert document is not None
    assert [kind for kind, *_ in lines(document)] == ["core_client"]


def test_a_free_plan_counts_and_makes_no_document(fjordbank: Customer) -> None:
    assert close(fjordbank, JULY) is None
    plan(fjordbank, aap=PassOn.INCLUDED, core_client=PassOn.INCLUDED, udviklingsbidrag=PassOn.INCLUDED)
    fjordbank.use(AUGUST, 10)
    assert close(fjordbank, AUGUST) is None
    with tenant_scope(fjordbank.id):
        assert BillingMonth.objects.of(fjordbank.id).get(month=AUGUST.first).requests == 10


def test_a_version_of_a_plan_holds_until_the_next_begins(fjordbank: Customer) -> None:
    with operator_scope(fjordbank.operator.id, "test"):
        standard = Plan.objects.get(operator=fjordbank.operator)
        version = PlanVersion.objects.create(
            operator=fjordbank.operator, plan=standard, starts=AUGUST.first, illustrative=True, entered_by="staff:1"
        )
        PlanTier.objects.create(operator=fjordbank.operator, version=version, up_to=None, price=Decimal("0.5"))
    fees = {}
    for month in (JULY, AUGUST):
        fjordbank.use(month, 10)
        document = close(fjordbank, month)
        assert document is not None
        fees[month] = [price for kind, _, price, _ in lines(document) if kind == LineKind.FEE]
    assert fees == {JULY: [Decimal("0.80")], AUGUST: [Decimal("0.50")]}


def test_a_charge_stops_after_its_last_day(fjordbank: Customer) -> None:
    usage.open_partitions(Month(2027, 10), months=1)
    for month, charged in ((Month(2027, 10), True), (Month(2027, 11), False)):
        fjordbank.use(month, 10)
        story.roll(fjordbank)
        kinds = {line.kind for line in closing.preview(fjordbank.id, month).lines}
        assert (LineKind.UDVIKLINGSBIDRAG in kinds) is charged


def test_an_account_without_a_plan_stops(fjordbank: Customer) -> None:
    fjordbank.use(Month(2026, 6), 1)
    with pytest.raises(Refused, match="no plan in 2026-06"):
        close(fjordbank, Month(2026, 6))


def test_a_contract_year_without_a_price_stops(fjordbank: Customer) -> None:
    usage.open_partitions(Month(2028, 7), months=0)
    fjordbank.use(Month(2028, 7), 1)
    story.roll(fjordbank)
    with pytest.raises(Refused, match="no contract year holds 2028-07"):
        closing.preview(fjordbank.id, Month(2028, 7))


def test_two_currencies_never_meet(fjordbank: Customer) -> None:
    plan(fjordbank, currency="EUR")
    fjordbank.use(AUGUST, 1)
    story.roll(fjordbank)
    with pytest.raises(Refused, match="one currency"):
        closing.preview(fjordbank.id, AUGUST)


def test_a_business_in_another_eu_country_accounts_for_the_vat(fjordbank: Customer) -> None:
    abroad = Buyer(
        "Malmgård Fastighet AB",
        ("Kajpromenaden 12",),
        "211 00",
        "Malmö",
        "SE",
        vat_number="SE999999999901",
        vat_treatment=Treatment.REVERSE_CHARGE,
    )
    accounts.change_buyer(account_of(fjordbank), abroad, valid_from=date(2026, 7, 1), by="staff:1")
    fjordbank.use(JULY, 1_000)
    document = close(fjordbank)
    assert document is not None
    assert (document.vat, document.gross) == (Decimal("0.00"), document.net)
    assert json.loads(document.snapshot)["notes"][0]["key"] == "reverse_charge"


def test_an_account_that_was_put_right_closes_at_the_next_attempt(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 3)
    story.roll(fjordbank)
    for n, fails in ((9, True), (1, False)):
        with tenant_scope(fjordbank.id), connection.cursor() as cursor:
            cursor.execute("UPDATE usage_day SET n = %s WHERE tenant_id = %s AND day = '2026-07-16'", [n, fjordbank.id])
        if fails:
            with pytest.raises(CountsDiffer) as stopped:
                close(fjordbank)
            assert stopped.value.day == date(2026, 7, 16)
        else:
            assert close(fjordbank)
    with tenant_scope(fjordbank.id):
        assert BillingMonth.objects.of(fjordbank.id).get().problem == ""


def test_late_usage_is_charged_once_by_the_prices_of_its_own_month(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 999)
    assert close(fjordbank)
    fjordbank.record(*(fjordbank.event(noon(date(2026, 7, 31))) for _ in range(3)))
    fjordbank.use(AUGUST, 1)
    document = close(fjordbank, AUGUST)
    assert document is not None
    with tenant_scope(fjordbank.id):
        rows = DocumentLine.objects.of(fjordbank.id).filter(document_id=document.id, kind=LineKind.FEE).order_by("position")
        fees = [(row.period_first, row.quantity, row.unit_price) for row in rows]
    assert fees == [
        (AUGUST.first, Decimal(1), Decimal("0.80")),
        # Number 1,000 of July is the last of the first tier; 1,001 and 1,002 lie in the second.
        (JULY.first, Decimal(1), Decimal("0.80")),
        (JULY.first, Decimal(2), Decimal("0.60")),
    ]
    assert document.requests == 4


def test_late_voids_beyond_what_the_month_has_make_a_credit_note(fjordbank: Customer) -> None:
    events = fjordbank.use(JULY, 10)
    july = close(fjordbank)
    assert july is not None
    issuing.approve(fjordbank.id, july.id, by="staff:1")
    july = issuing.issue(fjordbank.id, july.id, by="staff:1")
    for event in events[:5]:
        fjordbank.void(event)
    document = close(fjordbank, AUGUST)
    assert document is not None
    # 10 x (0.259 + 0.03 + 0.01 + 0.80) and half of it, each line rounded.
    assert (str(july.net), str(document.net)) == ("10.99", "5.49")
    assert (document.kind, [amount > 0 for *_, amount in lines(document)]) == ("credit_note", [True] * 4)
    issuing.approve(fjordbank.id, document.id, by="staff:1")
    issued = issuing.issue(fjordbank.id, document.id, by="staff:1")
    assert [each["number"] for each in json.loads(issued.snapshot)["references"]] == [july.number]


def test_a_month_whose_sums_cancel_out_has_a_document_of_nothing(fjordbank: Customer) -> None:
    """Else what it charges and takes back would be found again by nobody."""
    events = fjordbank.use(JULY, 10)
    assert close(fjordbank)
    for event in events:
        fjordbank.void(event)
    fjordbank.use(AUGUST, 10)
    document = close(fjordbank, AUGUST)
    assert document is not None
    assert (document.kind, document.net, len(lines(document))) == ("invoice", Decimal("0.00"), 8)


def test_a_dropped_draft_is_drafted_again_from_the_same_usage(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 7)
    first = close(fjordbank)
    assert first is not None
    issuing.drop(fjordbank.id, first.id, by="staff:1", reason="wrong plan")
    fjordbank.record(fjordbank.event(noon(date(2026, 7, 5))))
    second = close(fjordbank)
    assert second is not None
    assert (second.idempotency_key, second.requests, second.net) == ("usage:2026-07:2", 7, first.net)
    assert close(fjordbank) is None


def in_threads(jobs: list[Callable[[], object]]) -> list[object]:
    def alone(job: Callable[[], object]) -> object:
        try:
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(alone, jobs))


def test_two_who_close_at_once_make_one_document(busy: Customer) -> None:
    busy.use(JULY, 20)
    made = in_threads([lambda: close(busy)] * 3)
    assert sum(document is not None for document in made) == 1
    with tenant_scope(busy.id):
        assert Document.objects.of(busy.id).count() == 1


def test_every_request_is_in_exactly_one_months_document(busy: Customer) -> None:
    """Somebody records while the month is closed: what the document has not, the next one has."""
    going = threading.Event()

    def record() -> None:
        for n in range(60):
            busy.record(busy.event(noon(date(2026, 7, 20)) + timedelta(seconds=n)))
            usage.roll(busy.id)
            if n == 10:
                going.set()

    def close_july() -> Document | None:
        going.wait(10)
        return close(busy)

    _, july = in_threads([record, close_july])
    story.roll(busy)
    august = close(busy, AUGUST)
    assert isinstance(july, Document)
    assert july.requests + (august.requests if august else 0) == 60
    with tenant_scope(busy.id):
        rows = UsageDay.objects.of(busy.id).filter(posted=JULY.first, what="requested")
        assert sum(rows.values_list("n", flat=True)) == july.requests
