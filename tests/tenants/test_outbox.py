"""Announcements: written with what they announce, sent at least once."""

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from tenants import outbox
from tenants.models import OutboxMessage


@pytest.fixture
def alone(db: None) -> None:
    """Committed messages of other stories, out of the way for this transaction."""
    OutboxMessage.objects.all().delete()


def test_a_message_is_claimed_once_and_comes_back_until_it_is_sent(alone: None) -> None:
    document, tenant = uuid.uuid4(), uuid.uuid4()
    outbox.announce("email.invoice_issued", {"document": document, "try": 1}, for_tenant=tenant)
    (message,) = outbox.claim(10)
    assert (message.ids, message.for_tenant, message.attempts) == ({"document": str(document), "try": 1}, tenant, 1)
    assert outbox.claim(10) == []
    OutboxMessage.objects.update(next_at=timezone.now())
    (again,) = outbox.claim(10)
    assert (again.id, again.attempts) == (message.id, 2)
    outbox.sent(again)
    OutboxMessage.objects.update(next_at=timezone.now())
    assert outbox.claim(10) == []


def test_pauses_grow(alone: None) -> None:
    outbox.announce("email.invoice_issued", {})
    pauses = []
    for _ in range(outbox.MAX_ATTEMPTS):
        OutboxMessage.objects.update(next_at=timezone.now())
        (message,) = outbox.claim(10)
        pauses.append((message.next_at - timezone.now()).total_seconds())
    assert pauses[:3] == [pytest.approx(30, abs=2), pytest.approx(60, abs=2), pytest.approx(120, abs=2)]
    assert max(pauses) <= outbox.LONGEST_PAUSE.total_seconds()
    OutboxMessage.objects.update(next_at=timezone.now())
    assert outbox.claim(10) == []


@pytest.mark.usefixtures("alone")
def test_what_was_rolled_back_is_not_announced() -> None:
    with transaction.atomic():
        outbox.announce("email.invoice_issued", {})
        transaction.set_rollback(True)
    assert outbox.claim(10) == []


@pytest.mark.usefixtures("alone")
def test_sent_messages_are_purged_in_time() -> None:
    for _ in range(2):
        outbox.sent(outbox.announce("email.invoice_issued", {}))
    oldest = OutboxMessage.objects.earliest("id")
    OutboxMessage.objects.filter(id=oldest.id).update(sent_at=timezone.now() - timedelta(days=31))
    waiting = outbox.announce("email.invoice_issued", {})
    assert outbox.purge() == 1
    assert OutboxMessage.objects.filter(id=waiting.id).exists()
