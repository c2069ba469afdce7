"""Announcements, written in the transaction of what they announce; the portal sends them afterwards, at least once (decision 23).

The lowest layer: every package may call `announce`. `ids` holds identifiers only, never a name, an address or a secret.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from tenants import work
from tenants.models import OutboxMessage

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)
MAX_ATTEMPTS = 20

_sender: list[work.Task] = []

# A claim is a postponement: whoever claimed it and ended before it was sent leaves it to the next.
_CLAIM = """
UPDATE tenants_outboxmessage
SET attempts = attempts + 1, next_at = statement_timestamp() + least(%(longest)s, %(first)s * power(2, least(attempts, 20)))
WHERE id IN (
    SELECT id FROM tenants_outboxmessage
    WHERE sent_at IS NULL AND attempts < %(most)s AND next_at <= statement_timestamp()
    ORDER BY next_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) RETURNING *
"""


def announce(kind: str, ids: Mapping[str, str | int | uuid.UUID], for_tenant: uuid.UUID | None = None) -> OutboxMessage:
    """Part of the caller's transaction; `kind` begins with how it is sent: `email.invoice_issued`."""
    plain = {name: value if isinstance(value, int) else str(value) for name, value in ids.items()}
    return OutboxMessage.objects.create(kind=kind, ids=plain, for_tenant=for_tenant)


def sent_by(task: work.Task) -> None:
    """The task that sends what waits; it stands in a higher package, which tells us once."""
    _sender[:] = [task]


def nudge() -> None:
    """What was announced is sent once the transaction is committed, and not only at the next turn of the timetable."""
    for task in _sender:
        work.nudge(task)


def claim(limit: int) -> list[OutboxMessage]:
    """Messages that are this caller's to send before their next attempt is due."""
    parameters = {"limit": limit, "first": FIRST_PAUSE, "longest": LONGEST_PAUSE, "most": MAX_ATTEMPTS}
    with transaction.atomic():
        return sorted(OutboxMessage.objects.raw(_CLAIM, parameters), key=lambda message: message.id)


def remember(message: OutboxMessage, **ids: str) -> None:
    """How far a message has come, for its next attempt."""
    message.ids = message.ids | ids
    OutboxMessage.objects.filter(id=message.id).update(ids=message.ids)


def sent(message: OutboxMessage) -> None:
    OutboxMessage.objects.filter(id=message.id).update(sent_at=Now())


def purge(older_than: timedelta = timedelta(days=30)) -> int:
    return OutboxMessage.objects.filter(sent_at__lt=Now() - older_than).delete()[0]
