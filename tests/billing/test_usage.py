"""From facts to counts: nothing lost and nothing twice, whoever counts and however slowly somebody records."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connection

from billing import metering, recount, usage
from billing.models import BillingAccount, UsageDay, UsageHour, UsageRecount
from billing.periods import Month, hours_of, posted_month, starts_at
from tenants.isolation import operator_scope, tenant_scope
from tests.billing import story
from tests.billing.story import Customer, noon
from tests.harness.ground import Ground

TODAY = date(2026, 11, 10)
NOVEMBER = Month(2026, 11)


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


@pytest.fixture
def busy(committed: None) -> Customer:
    """A customer that other connections see."""
    return story.customer()


@pytest.fixture
def raw(busy: Customer, ground: Ground) -> Iterator[Callable[[], psycopg.Connection]]:
    """Connections of the application's role beside Django's."""
    opened: list[psycopg.Connection] = []

    def connect() -> psycopg.Connection:
        opened.append(psycopg.connect(ground.application_url))
        opened[-1].execute("SELECT set_config('broker.tenant', %s, true)", [str(busy.id)])
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def close_through(customer: Customer, month: Month) -> None:
    with tenant_scope(customer.id):
        BillingAccount.objects.of(customer.id).update(closed_through=month.first)


def days(customer: Customer) -> set[tuple[date, date, str, int]]:
    with tenant_scope(customer.id):
        return set(UsageDay.objects.of(customer.id).exclude(n=0).values_list("day", "posted", "what", "n"))


def test_facts_become_counts_of_their_day_and_hour(fjordbank: Customer) -> None:
    events = [fjordbank.event(noon(TODAY) + timedelta(minutes=n)) for n in range(90)]
    fjordbank.record(*events)
    fjordbank.end("completed", *events[:60])
    fjordbank.end("cancelled", *events[60:80])
    assert usage.roll_tenant(fjordbank.id) == 90 + 80
    assert fjordbank.counts(TODAY, TODAY) == {"completed": 60, "cancelled": 20, "open": 10}
    with tenant_scope(fjordbank.id):
        hours = dict(UsageHour.objects.of(fjordbank.id).filter(what="requested").values_list("hour", "n"))
    assert hours == {noon(TODAY): 60, noon(TODAY) + timedelta(hours=1): 30}


def test_counts_are_added_to(fjordbank: Customer) -> None:
    for _ in range(3):
        fjordbank.record(fjordbank.event(noon(TODAY)))
        usage.roll_tenant(fjordbank.id)
    assert fjordbank.counts(TODAY, TODAY) == {"open": 3}


def test_a_backlog_is_counted_in_batches(fjordbank: Customer) -> None:
    fjordbank.record(*(fjordbank.event(noon(TODAY) + timedelta(seconds=n)) for n in range(25)))
    assert [usage.roll(fjordbank.id, limit=10) for _ in range(4)] == [10, 10, 5, 0]
    assert fjordbank.counts(TODAY, TODAY) == {"open": 25}


@pytest.mark.parametrize("order", [("end", "void"), ("void", "end"), ("end", "roll", "void"), ("void", "roll", "end")])
def test_a_void_takes_the_outcome_back_whichever_came_first(fjordbank: Customer, order: tuple[str, ...]) -> None:
    event = fjordbank.event(noon(TODAY))
    fjordbank.record(event, fjordbank.event(noon(TODAY)))
    steps: dict[str, Callable[[], object]] = {
        "end": partial(fjordbank.end, "completed", event),
        "void": partial(fjordbank.void, event),
        "roll": partial(usage.roll_tenant, fjordbank.id),
    }
    for step in order:
        steps[step]()
        with tenant_scope(fjordbank.id):
            assert recount.recount(fjordbank.id, TODAY) == []
    usage.roll_tenant(fjordbank.id)
    assert fjordbank.counts(TODAY, TODAY) == {"voided": 1, "open": 1}
    with tenant_scope(fjordbank.id):
        assert recount.recount(fjordbank.id, TODAY) == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_request_may_be_split_between_batches(fjordbank: Customer, size: int) -> None:
    event = fjordbank.event(noon(TODAY))
    fjordbank.record(event)
    fjordbank.end("failed", event)
    fjordbank.void(event)
    while usage.roll(fjordbank.id, limit=size):
        with tenant_scope(fjordbank.id):
            assert recount.recount(fjordbank.id, TODAY) == []
    assert fjordbank.counts(TODAY, TODAY) == {"voided": 1}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (TODAY, 24)])
def test_a_day_has_its_own_length(fjordbank: Customer, day: date, hours: int) -> None:
    usage.open_partitions(Month(2026, 3), months=1)
    fjordbank.record(*(fjordbank.event(hour) for hour in hours_of(day)))
    fjordbank.record(fjordbank.event(starts_at(day) - timedelta(milliseconds=1)), fjordbank.event(starts_at(day + timedelta(days=1))))
    usage.roll_tenant(fjordbank.id)
    assert fjordbank.counts(day, day) == {"open": hours}
    with tenant_scope(fjordbank.id):
        assert UsageHour.objects.of(fjordbank.id).count() == hours + 2
        assert recount.recount(fjordbank.id, day) == []


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-06-30T21:59:59.999+00:00", date(2026, 6, 30)),
        ("2026-06-30T22:00:00.000+00:00", date(2026, 7, 1)),
        ("2026-10-31T22:59:59.999+00:00", date(2026, 10, 31)),
        ("2026-10-31T23:00:00.000+00:00", date(2026, 11, 1)),
    ],
)
def test_a_month_ends_at_midnight_in_copenhagen(fjordbank: Customer, instant: str, day: date) -> None:
    fjordbank.record(fjordbank.event(datetime.fromisoformat(instant)))
    usage.roll_tenant(fjordbank.id)
    assert days(fjordbank) == {(day, day.replace(day=1), "requested", 1)}


@pytest.mark.parametrize("closed", [None, Month(2026, 6), Month(2026, 7), Month(2026, 10)])
def test_usage_is_posted_to_its_own_month_or_the_first_open_one(fjordbank: Customer, closed: Month | None) -> None:
    if closed:
        close_through(fjordbank, closed)
    fjordbank.record(*(fjordbank.event(noon(day)) for day in (date(2026, 7, 31), date(2026, 8, 1), TODAY)))
    usage.roll_tenant(fjordbank.id)
    expected = {(day, posted_month(day, closed).first) for day in (date(2026, 7, 31), date(2026, 8, 1), TODAY)}
    assert {(day, posted) for day, posted, _, _ in days(fjordbank)} == expected


def test_rows_of_a_closed_month_do_not_change(fjordbank: Customer) -> None:
    event = fjordbank.event(noon(date(2026, 7, 10)))
    fjordbank.record(event)
    usage.roll_tenant(fjordbank.id)
    close_through(fjordbank, Month(2026, 7))
    fjordbank.end("completed", event)
    fjordbank.void(event)
    usage.roll_tenant(fjordbank.id)
    july, august = date(2026, 7, 1), date(2026, 8, 1)
    assert days(fjordbank) == {(event_day := date(2026, 7, 10), july, "requested", 1), (event_day, august, "voided", 1)}


def test_test_requests_are_counted_and_never_charged(fjordbank: Customer) -> None:
    fjordbank.use(NOVEMBER, 4)
    fjordbank.use(NOVEMBER, 3, test=True)
    usage.roll_tenant(fjordbank.id)
    rows = usage.totals(fjordbank.id, NOVEMBER.first, NOVEMBER.last)
    assert [(row.environment, row.count) for row in rows] == [("production", 4), ("test", 3)]
    assert sum(row.requested for row in usage.daily(fjordbank.id, NOVEMBER.first, NOVEMBER.last, "test")) == 3
    with tenant_scope(fjordbank.id):
        assert [row.requests for row in usage.chargeable(fjordbank.id, NOVEMBER, NOVEMBER)] == [4]


def test_a_client_without_a_name_is_shown_by_its_id(fjordbank: Customer) -> None:
    nameless = uuid.uuid4()
    fjordbank.record(fjordbank.event(noon(TODAY), relying_party=nameless))
    usage.roll_tenant(fjordbank.id)
    assert [row.client_id for row in usage.totals(fjordbank.id, TODAY, TODAY)] == [str(nameless)]


def test_one_tenants_usage_is_not_anothers(fjordbank: Customer) -> None:
    havneby = story.customer("havneby", fjordbank.operator)
    fjordbank.use(NOVEMBER, 5)
    havneby.use(NOVEMBER, 2)
    assert usage.roll_all() >= 7
    assert havneby.counts(NOVEMBER.first, NOVEMBER.last) == {"open": 2}
    elsewhere = story.customer("nordlys")
    with operator_scope(elsewhere.operator.id, "test"):
        assert not UsageDay.objects.filter(tenant_id__in=[fjordbank.id, havneby.id]).exists()
    with operator_scope(fjordbank.operator.id, "test"):
        found = UsageDay.objects.filter(tenant_id__in=[fjordbank.id, havneby.id])
        assert set(found.values_list("tenant_id", flat=True)) == {fjordbank.id, havneby.id}


def test_a_tenant_without_an_account_is_counted_all_the_same(fjordbank: Customer) -> None:
    from tenants import tenancy

    bare = Customer(fjordbank.operator, tenancy.open_tenant(fjordbank.operator, f"bare-{uuid.uuid4().hex[:8]}", "Bare"))
    bare.use(NOVEMBER, 2)
    usage.roll_tenant(bare.id)
    assert bare.counts(NOVEMBER.first, NOVEMBER.last) == {"open": 2}


def in_threads(count: int, do: Callable[[int], None]) -> None:
    def alone(n: int) -> None:
        try:
            do(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(alone, range(count)))


def test_two_rollers_beside_those_who_record_lose_nothing(busy: Customer) -> None:
    recording = threading.Event()
    recording.set()

    def work(n: int) -> None:
        if n < 2:
            for burst in range(20):
                events = [busy.event(noon(TODAY) + timedelta(seconds=burst)) for _ in range(10)]
                busy.record(*events)
                busy.end("completed", *events[:5])
            if n == 0:
                time.sleep(0.2)
                recording.clear()
        while n >= 2 and (usage.roll(busy.id, wait=n == 2, limit=7) or recording.is_set()):
            pass

    in_threads(4, work)
    usage.roll_tenant(busy.id)
    assert busy.counts(TODAY, TODAY) == {"completed": 200, "open": 200}
    with tenant_scope(busy.id):
        assert recount.recount(busy.id, TODAY) == []


def test_a_roller_that_ends_halfway_has_counted_nothing(busy: Customer) -> None:
    busy.record(busy.event(noon(TODAY)))

    class Ended(Exception):
        pass

    def roll_and_end() -> None:
        with tenant_scope(busy.id):
            account = usage.lock_account(busy.id)
            assert account is not None
            assert usage.roll_locked(account) == 1
            raise Ended

    with pytest.raises(Ended):
        roll_and_end()
    assert busy.counts(TODAY, TODAY) == {}
    usage.roll_tenant(busy.id)
    assert busy.counts(TODAY, TODAY) == {"open": 1}


def test_a_roller_skips_a_tenant_that_somebody_is_at(busy: Customer, raw: Callable[[], psycopg.Connection]) -> None:
    busy.record(busy.event(noon(TODAY)))
    raw().execute("SELECT id FROM billing_billingaccount WHERE tenant_id = %s FOR UPDATE", [busy.id])
    assert usage.roll(busy.id) == 0


def test_a_slow_transaction_is_counted_though_others_overtook_it(busy: Customer, raw: Callable[[], psycopg.Connection]) -> None:
    """Whatever was noticed by the largest id or the latest time would pass the slow one by for ever."""
    slow = raw()
    late = busy.event(datetime.now(UTC))
    metering.record(slow.cursor(), late)
    fast = busy.event(datetime.now(UTC) + timedelta(milliseconds=5))
    busy.record(fast)
    usage.roll_tenant(busy.id)
    with tenant_scope(busy.id), connection.cursor() as cursor:
        cursor.execute("SELECT max(request_id::text), max(recorded_at) FROM usage_event WHERE tenant_id = %s", [busy.id])
        id_mark, time_mark = cursor.fetchone()
    slow.commit()
    usage.roll_tenant(busy.id)
    assert sum(busy.counts(TODAY, date(2999, 1, 1)).values()) == 2
    naive = "SELECT count(*) FROM usage_event WHERE tenant_id = %s AND (request_id::text > %s OR recorded_at > %s)"
    with tenant_scope(busy.id), connection.cursor() as cursor:
        cursor.execute(naive, [busy.id, id_mark, time_mark])
        assert cursor.fetchone() == (0,)


def test_complete_until_waits_for_transactions_that_run(busy: Customer, raw: Callable[[], psycopg.Connection]) -> None:
    slow = raw()
    metering.record(slow.cursor(), busy.event(noon(TODAY)))
    recorded = slow.execute("SELECT recorded_at FROM usage_event WHERE tenant_id = %s", [busy.id]).fetchone()
    assert recorded is not None
    usage.roll_tenant(busy.id)
    assert usage.complete_until(busy.id) <= recorded[0]
    slow.commit()
    assert usage.complete_until(busy.id) <= recorded[0]
    usage.roll_tenant(busy.id)
    assert usage.complete_until(busy.id) > recorded[0]


def test_a_day_is_recounted_after_every_change(fjordbank: Customer) -> None:
    def due() -> list[date]:
        with tenant_scope(fjordbank.id):
            return recount.days_to_recount(fjordbank.id, NOVEMBER.days())

    assert due() == []
    fjordbank.record(fjordbank.event(noon(TODAY)))
    assert due() == [TODAY]
    usage.roll_tenant(fjordbank.id)
    assert due() == [TODAY]
    assert recount.recount_tenant(fjordbank.id, []) == []
    assert due() == []
    fjordbank.record(fjordbank.event(noon(TODAY)))
    usage.roll_tenant(fjordbank.id)
    assert due() == [TODAY]


def test_a_day_that_changes_while_it_is_recounted_stays_due(busy: Customer, raw: Callable[[], psycopg.Connection]) -> None:
    busy.record(busy.event(noon(TODAY)))
    usage.roll_tenant(busy.id)
    other = raw()
    with tenant_scope(busy.id):
        touches = UsageRecount.objects.of(busy.id).get(day=TODAY).touches
        other.execute("UPDATE usage_recount SET touches = touches + 1 WHERE tenant_id = %s", [busy.id])
        other.commit()
        with connection.cursor() as cursor:
            noted: dict[str, Any] = {
                "tenant": busy.id,
                "day": TODAY,
                "right": True,
                "differences": psycopg.types.json.Jsonb([]),
                "touches": touches,
            }
            cursor.execute(recount._NOTE, noted)
        assert recount.days_to_recount(busy.id, [TODAY]) == [TODAY]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE usage_day SET n = n + 1 WHERE tenant_id = %s AND what = 'requested'", "3 requested recorded, 4 counted"),
        ("UPDATE usage_day SET n = 0 WHERE tenant_id = %s AND what = 'completed'", "1 completed recorded, 0 counted"),
    ],
)
def test_a_wrong_count_is_found_and_told_to_the_operator(fjordbank: Customer, harm: str, told: str) -> None:
    events = fjordbank.use(NOVEMBER, 0) + [fjordbank.event(noon(TODAY)) for _ in range(3)]
    fjordbank.record(*events)
    fjordbank.end("completed", events[0])
    usage.roll_tenant(fjordbank.id)
    with tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute(harm, [fjordbank.id])
    assert [str(found) for found in recount.recount_tenant(fjordbank.id, [])] == [f"{TODAY}: {told}"]
    assert [(row.tenant_id, row.day) for row in recount.differing_days(fjordbank.operator.id)] == [(fjordbank.id, TODAY)]


def test_a_day_that_nothing_was_counted_of_is_found(fjordbank: Customer) -> None:
    """A fact without its pending row: no count ever touched the day."""
    fjordbank.record(fjordbank.event(noon(TODAY)))
    with tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute("DELETE FROM usage_pending WHERE tenant_id = %s", [fjordbank.id])
    found = recount.recount_tenant(fjordbank.id, NOVEMBER.days())
    assert [str(each) for each in found] == [f"{TODAY}: 1 requested recorded, 0 counted"]
    assert [row.day for row in recount.differing_days(fjordbank.operator.id)] == [TODAY]
