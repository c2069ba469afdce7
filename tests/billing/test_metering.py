"""The one door: what is told twice counts once, and nothing can be told wrongly."""

import uuid
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from billing import metering, usage
from billing.metering import UsageEvent
from billing.models import RequestOutcome, UsageClient, UsagePending
from billing.models import UsageEvent as EventRow
from billing.periods import Month
from tenants.ids import time_of, uuid7_at
from tenants.isolation import operator_scope, tenant_scope
from tests.billing import story
from tests.billing.story import Customer
from tests.shape.sql_watch import WITHOUT_TENANT

NOVEMBER = datetime(2026, 11, 10, 12, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


def pending(customer: Customer) -> list[str]:
    with tenant_scope(customer.id):
        return sorted(UsagePending.objects.of(customer.id).values_list("what", flat=True))


def stored(customer: Customer) -> int:
    with tenant_scope(customer.id):
        return EventRow.objects.of(customer.id).count()


def test_an_accepted_request_is_recorded_with_what_waits_to_be_counted(fjordbank: Customer) -> None:
    event = fjordbank.event(NOVEMBER)
    fjordbank.record(event)
    with tenant_scope(fjordbank.id):
        row = EventRow.objects.of(fjordbank.id).get()
    assert (row.request_id, row.occurred_at, row.core_client) == (event.request_id, NOVEMBER, True)
    assert pending(fjordbank) == ["requested"]


def test_the_same_request_is_recorded_once(fjordbank: Customer) -> None:
    event = fjordbank.event(NOVEMBER)
    fjordbank.record(event, event)
    fjordbank.record(event)
    usage.roll_tenant(fjordbank.id)
    fjordbank.record(event)
    assert (stored(fjordbank), pending(fjordbank)) == (1, [])


def test_an_outcome_keeps_how_and_how_well(fjordbank: Customer) -> None:
    event = fjordbank.event(NOVEMBER)
    fjordbank.record(event)
    with tenant_scope(fjordbank.id), connection.cursor() as cursor:
        metering.outcome(cursor.cursor, fjordbank.id, event.request_id, "completed", authenticator="app", level="substantial", at=NOVEMBER)
    with tenant_scope(fjordbank.id):
        row = RequestOutcome.objects.of(fjordbank.id).get()
    assert (row.outcome, row.authenticator, row.level, row.ended_at) == ("completed", "app", "substantial", NOVEMBER)
    assert row.operator_id == fjordbank.operator.id


def test_the_first_outcome_holds(fjordbank: Customer) -> None:
    event = fjordbank.event(NOVEMBER)
    fjordbank.record(event)
    fjordbank.end("completed", event)
    fjordbank.end("expired", event)
    assert pending(fjordbank) == ["completed", "requested"]


def test_a_request_that_was_never_recorded_counts_nothing_however_it_ended(fjordbank: Customer) -> None:
    event = fjordbank.event(NOVEMBER)
    fjordbank.end("failed", event)
    fjordbank.void(event)
    assert pending(fjordbank) == ["failed"]
    usage.roll_tenant(fjordbank.id)
    assert pending(fjordbank) == []
    assert fjordbank.counts(date(2026, 11, 1), date(2026, 11, 30)) == {}


@pytest.mark.parametrize("off", [timedelta(milliseconds=1), timedelta(microseconds=1), timedelta(hours=-1)])
def test_a_time_that_is_not_the_ids_own_is_refused(fjordbank: Customer, off: timedelta) -> None:
    """Else one id could be recorded once for each time that is told with it."""
    event = fjordbank.event(NOVEMBER)
    lie = metering.record_params(event) | {"usage_occurred_at": event.occurred_at + off}
    with pytest.raises(DatabaseError, match="usage_event_time"), tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute(metering.RECORD_SQL, lie)


def test_an_id_that_is_no_uuid7_is_refused(fjordbank: Customer) -> None:
    event = fjordbank.event(NOVEMBER)
    foreign = UsageEvent(**{name: getattr(event, name) for name in UsageEvent.__dataclass_fields__} | {"request_id": uuid.uuid4()})
    with pytest.raises(ValueError, match="not a UUIDv7"):
        fjordbank.record(foreign)
    variant = uuid.UUID(int=event.request_id.int & ~(0b11 << 62))
    params = metering.record_params(event) | {"usage_request": variant}
    with pytest.raises(DatabaseError, match="usage_event_time"), tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute(metering.RECORD_SQL, params)


def test_an_unknown_outcome_is_refused(fjordbank: Customer) -> None:
    event = fjordbank.event(NOVEMBER)
    fjordbank.record(event)
    with pytest.raises(psycopg.errors.CheckViolation, match="outcome"):
        fjordbank.end("abandoned", event)


def test_without_a_scope_nothing_can_be_recorded(fjordbank: Customer) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        metering.record(cursor.cursor, fjordbank.event(NOVEMBER))


def test_another_tenants_scope_records_nothing_of_ours(fjordbank: Customer) -> None:
    havneby = story.customer("havneby", fjordbank.operator)
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security")
    with refused, tenant_scope(havneby.id), connection.cursor() as cursor:
        metering.record(cursor.cursor, fjordbank.event(NOVEMBER))


def test_facts_are_read_by_their_tenant_and_its_operator_only(fjordbank: Customer) -> None:
    havneby, elsewhere = story.customer("havneby", fjordbank.operator), story.customer("nordlys")
    for each in (fjordbank, havneby, elsewhere):
        each.record(each.event(NOVEMBER))

    def seen() -> set[uuid.UUID]:
        return set(EventRow.objects.extra(where=[WITHOUT_TENANT]).values_list("tenant_id", flat=True))

    assert seen() == set()
    with tenant_scope(havneby.id):
        assert seen() == {havneby.id}
    with operator_scope(fjordbank.operator.id, "test"):
        assert seen() == {fjordbank.id, havneby.id}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE usage_event SET action = 'sign' WHERE tenant_id = %s",
        "DELETE FROM usage_event WHERE tenant_id = %s",
        "UPDATE request_outcome SET outcome = 'failed' WHERE tenant_id = %s",
        "DELETE FROM request_void WHERE tenant_id = %s",
        "DELETE FROM usage_day WHERE tenant_id = %s",
        "SELECT action FROM usage_event_default WHERE tenant_id = %s",
        "DELETE FROM usage_event_2026_07 WHERE tenant_id = %s",
    ],
)
def test_facts_are_never_changed(fjordbank: Customer, statement: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute(statement, [fjordbank.id])


def test_a_client_is_shown_by_its_newest_name(fjordbank: Customer) -> None:
    for name in ("Netbank", "Netbank Erhverv"):
        metering.name_client(
            fjordbank.id,
            fjordbank.netbank,
            environment_id=fjordbank.opened.production.id,
            environment_kind="production",
            client_id="c-1",
            name=name,
        )
    with tenant_scope(fjordbank.id):
        assert UsageClient.objects.of(fjordbank.id).get().name == "Netbank Erhverv"


@pytest.mark.parametrize(
    ("instant", "partition"),
    [
        ("2026-06-30T21:59:59.999+00:00", "usage_event_2026_06"),
        ("2026-06-30T22:00:00.000+00:00", "usage_event_2026_07"),
        ("2026-10-31T22:59:59.999+00:00", "usage_event_2026_10"),
        ("2026-10-31T23:00:00.000+00:00", "usage_event_2026_11"),
        ("2021-04-30T21:59:59.999+00:00", "usage_event_default"),
    ],
)
def test_a_month_begins_at_midnight_in_copenhagen(fjordbank: Customer, instant: str, partition: str) -> None:
    fjordbank.record(fjordbank.event(datetime.fromisoformat(instant)))
    with tenant_scope(fjordbank.id), connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM usage_event WHERE tenant_id = %s", [fjordbank.id])
        assert cursor.fetchall() == [(partition,)]


def test_a_month_that_opens_late_takes_its_facts_along(fjordbank: Customer) -> None:
    before = usage.unplaced()
    event = fjordbank.event(datetime(2025, 3, 5, 12, tzinfo=UTC))
    fjordbank.record(event)
    fjordbank.end("completed", event)
    assert usage.unplaced() == before + 2
    assert usage.open_partitions(Month(2025, 3), months=0) == 1
    assert usage.open_partitions(Month(2025, 3), months=0) == 0
    assert usage.unplaced() == before
    usage.roll_tenant(fjordbank.id)
    assert fjordbank.counts(date(2025, 3, 5), date(2025, 3, 5)) == {"completed": 1}


@pytest.mark.parametrize("month", ["2026-07-02", "1999-01-01", "2999-01-01"])
def test_only_a_month_can_be_opened(db: None, month: str) -> None:
    with pytest.raises(DatabaseError, match="not a month to open"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT broker_open_usage_partition(%s::date)", [month])


def test_an_event_knows_its_time_by_its_id(fjordbank: Customer) -> None:
    assert fjordbank.event(NOVEMBER).occurred_at == NOVEMBER == time_of(uuid7_at(NOVEMBER))
