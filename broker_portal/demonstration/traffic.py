"""A tenant's past: requests and how they ended, told to billing through its one door, as logins tell it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from billing import metering
from billing.metering import UsageEvent
from billing.models import UsageEvent as RecordedEvent
from billing.periods import Month, starts_at
from tenants.ids import uuid7_at
from tenants.isolation import tenant_scope

# Monday to Sunday, and by hour of the day: people log in on working days, in the morning and after supper.
WEEKDAYS = (1.25, 1.15, 1.1, 1.1, 1.15, 0.65, 0.6)
HOURS = (2, 1, 1, 1, 1, 3, 8, 16, 24, 26, 24, 21, 18, 19, 19, 20, 20, 18, 17, 19, 20, 16, 10, 5)
OUTCOMES = {"completed": 945, "cancelled": 28, "failed": 14, "expired": 13}
AT_ONCE = 500


@dataclass(frozen=True)
class Source:
    """What one client's requests look like to billing. `monthly`: of an ordinary month."""

    environment_id: uuid.UUID
    relying_party_id: uuid.UUID
    connection_id: uuid.UUID
    monthly: int


def record(tenant_id: uuid.UUID, operator_id: uuid.UUID, month: Month, sources: Sequence[Source], until: datetime) -> int:
    """A month's requests up to `until`, in one transaction; none where the month has any already."""
    with tenant_scope(tenant_id):
        known = RecordedEvent.objects.of(tenant_id).filter(occurred_at__gte=month.starts_at, occurred_at__lt=month.ends_at)
        if known.exists():
            return 0
        events = [event for source in sources for event in _events(tenant_id, operator_id, month, source, until)]
        for start in range(0, len(events), AT_ONCE):
            _tell(events[start : start + AT_ONCE])
    return len(events)


def _tell(events: Sequence[tuple[UsageEvent, str]]) -> None:
    raw = connection.connection
    with raw.pipeline():
        cursor = raw.cursor()
        for event, outcome in events:
            metering.record(cursor, event)
            ended = event.occurred_at + timedelta(seconds=_seconds(outcome, event.request_id.int))
            completed = {"authenticator": "code_app", "level": "substantial"} if outcome == "completed" else {}
            metering.outcome(cursor, event.tenant_id, event.request_id, outcome, at=ended, **completed)


def _seconds(outcome: str, chance: int) -> int:
    return 300 if outcome == "expired" else 6 + chance % 35


def _events(
    tenant_id: uuid.UUID, operator_id: uuid.UUID, month: Month, source: Source, until: datetime
) -> Iterator[tuple[UsageEvent, str]]:
    # The same figures at every installation, whatever the ids.
    chance = random.Random(f"{source.monthly}:{month}")
    for day in month.days():
        expected = source.monthly / 30.4 * WEEKDAYS[day.weekday()] * chance.uniform(0.85, 1.15)
        for instant in sorted(_instants(day, round(expected), chance)):
            outcome = chance.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
            if instant < until:
                yield _event(tenant_id, operator_id, source, instant), outcome


def _instants(day: date, count: int, chance: random.Random) -> Iterator[datetime]:
    for hour in chance.choices(range(24), HOURS, k=count):
        yield (starts_at(day) + timedelta(hours=hour, seconds=chance.uniform(0, 3600))).astimezone(UTC)


def _event(tenant_id: uuid.UUID, operator_id: uuid.UUID, source: Source, instant: datetime) -> UsageEvent:
    return UsageEvent(
        tenant_id=tenant_id,
        operator_id=operator_id,
        request_id=uuid7_at(instant),
        environment_id=source.environment_id,
        relying_party_id=source.relying_party_id,
        connection_id=source.connection_id,
        action="log_on",
        usage_model="standard",
        core_client=True,
    )
