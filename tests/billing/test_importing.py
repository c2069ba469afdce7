"""Requests from a file: recorded and counted as if they had been told one by one, once, and the whole file or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from billing import closing, importing, recount
from billing.importing import Faulty, Source
from billing.models import UsageClient, UsageEvent
from billing.periods import starts_at
from tenants.ids import uuid7_at
from tenants.isolation import tenant_scope
from tests.billing import story
from tests.billing.story import AUGUST, CONNECTION, JULY, Customer

HEADER = ",".join(importing.COLUMNS)
NOON = datetime(2026, 7, 15, 10, tzinfo=UTC)


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


def source_of(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> Source:
    return Source(CONNECTION, "standard", True)


def client_of(customer: Customer) -> str:
    with tenant_scope(customer.id):
        return UsageClient.objects.of(customer.id).values_list("client_id", flat=True).get()


def line(
    customer: Customer,
    at: datetime = NOON,
    outcome: str = "completed",
    request: uuid.UUID | None = None,
    fields: dict[str, str] | None = None,
) -> str:
    values = {
        "request_id": str(request or uuid7_at(at)),
        "tenant": customer.tenant.slug,
        "environment": "production",
        "client_id": client_of(customer),
        "occurred_at": at.isoformat(),
        "outcome": outcome,
    }
    return ",".join((values | (fields or {})).values())


def take(lines: Iterable[str]) -> importing.Imported:
    return importing.take([HEADER, *lines], source_of)


def differences(customer: Customer) -> list[recount.Difference]:
    return recount.recount_tenant(customer.id, JULY.days())


def test_a_file_is_recorded_counted_and_charged_once(fjordbank: Customer) -> None:
    lines = [line(fjordbank, NOON + timedelta(minutes=n), "completed" if n % 2 else "") for n in range(10)]
    first, again = take([*lines, lines[0]]), take(lines)
    assert (first.lines, first.events, first.outcomes, first.tenants) == (11, 10, 5, 1)
    assert (again.events, again.outcomes) == (0, 0)
    assert fjordbank.counts(JULY.first, JULY.last) == {"completed": 5, "open": 5}
    assert differences(fjordbank) == []
    document = closing.close(fjordbank.id, JULY, by="staff:1")
    assert document is not None
    assert document.requests == 10


def test_what_is_recorded_already_gains_its_outcome(fjordbank: Customer) -> None:
    events = [fjordbank.event(NOON), fjordbank.event(NOON), fjordbank.event(NOON)]
    fjordbank.record(*events)
    fjordbank.void(events[1])
    story.roll(fjordbank)
    assert take(line(fjordbank, NOON, "failed", event.request_id) for event in events[:2]).outcomes == 2
    assert fjordbank.counts(JULY.first, JULY.last) == {"failed": 1, "voided": 1, "open": 1}
    assert differences(fjordbank) == []


def test_an_outcome_that_was_told_before_its_request_counts_with_it(fjordbank: Customer) -> None:
    lost = fjordbank.event(NOON)
    fjordbank.end("completed", lost)
    story.roll(fjordbank)
    assert take([line(fjordbank, NOON, "", lost.request_id)]).events == 1
    assert fjordbank.counts(JULY.first, JULY.last) == {"completed": 1}
    assert differences(fjordbank) == []


def test_what_comes_after_the_month_is_closed_is_charged_with_the_next(fjordbank: Customer) -> None:
    take([line(fjordbank)])
    assert closing.close(fjordbank.id, JULY, by="staff:1")
    take([line(fjordbank, NOON + timedelta(hours=1))])
    late = closing.close(fjordbank.id, AUGUST, by="staff:1")
    assert late is not None
    assert late.requests == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tenant": "nobody"}, "line 3: tenant: there is no tenant nobody"),
        ({"environment": "live"}, "line 3: environment: test or production"),
        ({"client_id": "unheard-of"}, "line 3: client_id: "),
        ({"outcome": "perhaps"}, "line 3: outcome: perhaps"),
        ({"request_id": "01900000-0000-4000-8000-000000000000"}, "line 3: request_id: "),
        ({"request_id": "x"}, "line 3: request_id: x is no UUIDv7"),
        ({"occurred_at": "2026-07-15T10:00:01+00:00"}, "line 3: occurred_at: .* is not the time of the request's id"),
        ({"occurred_at": "2026-07-15T10:00:00"}, "line 3: occurred_at: .* has no time zone"),
        ({"occurred_at": "yesterday"}, "line 3: occurred_at: yesterday is no instant"),
    ],
)
def test_a_wrong_line_refuses_the_whole_file(fjordbank: Customer, wrong: dict[str, str], told: str) -> None:
    with pytest.raises(Faulty, match=told):
        take([line(fjordbank), line(fjordbank, fields=wrong), line(fjordbank)])
    with tenant_scope(fjordbank.id):
        assert not UsageEvent.objects.of(fjordbank.id).exists()


def test_requests_of_tomorrow_and_of_before_mitid_are_refused(fjordbank: Customer) -> None:
    for at in (datetime.now(UTC) + timedelta(days=1), starts_at(JULY.first).replace(year=2020)):
        at = at.replace(microsecond=0)
        with pytest.raises(Faulty, match="lies in the future, or before"):
            take([line(fjordbank, at)])


def test_lines_that_contradict_each_other_or_what_is_recorded_are_refused(fjordbank: Customer) -> None:
    request = uuid7_at(NOON)
    with pytest.raises(Faulty, match="two lines that say different things"):
        take([line(fjordbank, request=request), line(fjordbank, request=request, outcome="failed")])
    fjordbank.record(event := fjordbank.event(NOON, relying_party=uuid.uuid4()))
    with pytest.raises(Faulty, match="of another client"):
        take([line(fjordbank, request=event.request_id)])


def test_other_columns_are_refused(fjordbank: Customer) -> None:
    with pytest.raises(Faulty, match="line 1: the columns are request_id,tenant"):
        importing.take(["id,tenant", "1,2"], source_of)
    with pytest.raises(Faulty, match="line 2: 2 fields instead of 6"):
        take(["1,2"])
