"""Beat, queue and a real worker: counts are fresh by themselves, and a person's click ends in an issued invoice."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from billing import tasks, usage
from billing.models import Document, DocumentRendering, State
from billing.periods import Month
from tenants.isolation import tenant_scope
from tests.billing import story
from tests.billing.story import JULY, Customer
from tests.harness.server import Server

FRESH_SECONDS = 15


@pytest.fixture
def fjordbank(committed: None, server: Server) -> Customer:
    return story.customer()


def wait_for(true: Callable[[], bool], seconds: float = 10) -> bool:
    """Less than the sweep takes: the nudge itself must arrive."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def states(customer: Customer) -> list[str]:
    with tenant_scope(customer.id):
        return list(Document.objects.of(customer.id).values_list("state", flat=True))


def test_a_request_is_counted_within_fifteen_seconds(fjordbank: Customer) -> None:
    now = datetime.now(UTC)
    usage.open_partitions(Month.at(now))
    fjordbank.record(fjordbank.event(now))
    recorded, today = timezone.now(), timezone.localdate()
    assert wait_for(lambda: fjordbank.counts(today - timedelta(days=1), today) == {"open": 1}, FRESH_SECONDS)
    assert wait_for(lambda: usage.complete_until(fjordbank.id) > recorded)


def test_workers_draft_approve_issue_and_render(fjordbank: Customer) -> None:
    fjordbank.use(JULY, 10)
    tasks.draft_month([fjordbank.tenant], JULY)
    assert wait_for(lambda: states(fjordbank) == [State.DRAFT])
    tasks.approve_month(fjordbank.operator.id, JULY, by="staff:1")
    assert wait_for(lambda: states(fjordbank) == [State.APPROVED])
    tasks.issue_month(fjordbank.operator.id, JULY)
    assert wait_for(lambda: states(fjordbank) == [State.ISSUED])

    def rendered() -> set[str]:
        with tenant_scope(fjordbank.id):
            return set(DocumentRendering.objects.of(fjordbank.id).values_list("format", flat=True))

    assert wait_for(lambda: rendered() == {"pdf", "csv"})
