"""Things that must be done once: rows that outlive any queue (decision 23).

    work.add("close-month", "2026-10:<tenant>", for_tenant=…)      in the transaction that makes it necessary
    for item in work.claim("close-month", limit=10, lease_seconds=300):
        with tenant_scope(item.for_tenant):  …  work.done(item)    the effect and its end commit together

A task is only a nudge to claim; `sweep` finds what a lost message, or a worker that ended, left behind.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from tenants.models import Work, WorkState

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)

_CLAIM = """
UPDATE tenants_work SET state = 'running', attempts = attempts + 1, lease_until = statement_timestamp() + %(lease)s
WHERE id IN (
    SELECT id FROM tenants_work
    WHERE kind = %(kind)s AND (%(keys)s::text[] IS NULL OR key = ANY(%(keys)s::text[])) AND (
        (state = 'waiting' AND attempts < %(most)s AND not_before <= statement_timestamp())
        OR (state = 'running' AND attempts < %(most)s AND lease_until < statement_timestamp())
        OR (state IN ('waiting', 'failed') AND %(keys)s::text[] IS NOT NULL)
    )
    ORDER BY not_before, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) RETURNING *
"""


# `attempts` counts the claims: it tells this claim from a later one.
_DONE = """
UPDATE tenants_work SET state = 'done', done_at = statement_timestamp(), lease_until = NULL, error = ''
WHERE id = %s AND state = 'running' AND attempts = %s"""


class LeaseLost(Exception):
    """Somebody else has claimed the work since: whatever was done for it must not be committed."""


class Task(Protocol):
    @property
    def name(self) -> str: ...

    def apply_async(self, args: Any = None, *, retry: bool) -> Any: ...


def add(
    kind: str, key: str, for_tenant: uuid.UUID | None = None, ids: Mapping[str, Any] | None = None, not_before: datetime | None = None
) -> Work:
    """The work of this kind and key, made unless it exists already; part of the caller's transaction."""
    item = Work(kind=kind, key=key, for_tenant=for_tenant, ids=dict(ids or {}))
    if not_before:
        item.not_before = not_before
    add_many([item])
    return Work.objects.get(kind=kind, key=key)


def add_many(items: Sequence[Work]) -> None:
    """Those that do not exist already; part of the caller's transaction."""
    Work.objects.bulk_create(items, ignore_conflicts=True, batch_size=1_000)


def claim(kind: str, limit: int, lease_seconds: int, keys: Sequence[str] | None = None) -> list[Work]:
    """Up to `limit` items that are now this caller's for so long, in a transaction of its own.

    With `keys`, only those, and for a person who asks now: also what pauses between attempts or was put aside.
    """
    parameters = {
        "kind": kind,
        "limit": limit,
        "lease": timedelta(seconds=lease_seconds),
        "most": MAX_ATTEMPTS,
        "keys": None if keys is None else list(keys),
    }
    with transaction.atomic():
        return sorted(Work.objects.raw(_CLAIM, parameters), key=lambda item: item.id)


def done(item: Work) -> None:
    """Ends the work, in the transaction of its effect and last in it. Raises LeaseLost."""
    with connection.cursor() as cursor:
        cursor.execute(_DONE, [item.id, item.attempts])
        if not cursor.rowcount:
            raise LeaseLost(f"{item.kind} {item.key}")


def fail(item: Work, error: BaseException, *, expected: bool = False) -> None:
    """Puts the work back for a later attempt, or aside for a person after the last one. Outside the transaction that failed.

    `expected`: a refusal by a rule, not a fault; the log tells it in a line.
    """
    with transaction.atomic():
        last = item.attempts >= MAX_ATTEMPTS
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(item.attempts - 1, MAX_ATTEMPTS))
        _held(item).update(
            state=WorkState.FAILED if last else WorkState.WAITING, not_before=Now() + pause, lease_until=None, error=_described(error)
        )
    level, trace = (logging.ERROR if last else logging.WARNING), None if expected else error
    logger.log(level, "work %s %s failed, attempt %d: %s", item.kind, item.id, item.attempts, _described(error), exc_info=trace)


def sweep() -> dict[str, int]:
    """How much of each kind waits to be claimed; what ran out of attempts with its worker is put aside first."""
    expired = Q(state=WorkState.RUNNING, lease_until__lt=Now())
    due = Q(state=WorkState.WAITING, not_before__lte=Now()) | expired
    with transaction.atomic():
        Work.objects.filter(expired, attempts__gte=MAX_ATTEMPTS).update(
            state=WorkState.FAILED, lease_until=None, error="no worker finished it"
        )
        return dict(Work.objects.filter(due).values_list("kind").annotate(n=Count("id")))


def purge(older_than: timedelta = timedelta(days=90)) -> int:
    return Work.objects.filter(state=WorkState.DONE, done_at__lt=Now() - older_than).delete()[0]


def nudge(task: Task, *args: Any) -> None:
    """Sends the task once the transaction is committed. A dead queue never turns saved work into an error: the sweep does it."""
    transaction.on_commit(partial(_send, task, args), robust=True)


def _send(task: Task, args: tuple[Any, ...]) -> None:
    try:
        task.apply_async(args, retry=False)
    except Exception as error:
        logger.warning("%s was not sent (%s); the sweep will do its work", task.name, type(error).__name__)


def _held(item: Work) -> Any:
    # `attempts` counts the claims: it tells this claim from a later one.
    return Work.objects.filter(id=item.id, state=WorkState.RUNNING, attempts=item.attempts)


def _described(error: BaseException) -> str:
    """The database quotes values in its messages: of those only the kind is kept."""
    text = "" if isinstance(error, DatabaseError) else f": {error}"
    return f"{type(error).__name__}{text}"[:500]
