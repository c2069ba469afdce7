"""A process that ends before any one statement of record, roll, close, issue, credit and settle leaves nothing half done.

In forks of this process: the first dies before its first statement, the next before its second, and so on until one gets through.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection

from billing import closing, crediting, issuing, reconciliation, scheme, usage, verifying
from billing.models import Document, Series, Settlement, UsageDay, UsageEvent
from billing.periods import Month
from tenants import audit
from tenants.isolation import operator_scope, tenant_scope
from tests.billing import story
from tests.billing.story import Customer

JUNE = Month(2026, 6)
DIED, DONE, FAILED = 9, 0, 1
MOST = 200


class Fatal:
    """Ends the process, without ceremony, before the statement of that number."""

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self._left -= 1
        if not self._left:
            os._exit(DIED)
        return execute(sql, params, many, context)


def in_child(deed: Callable[[], object], at: int) -> int:
    connection.close()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        with connection.execute_wrapper(Fatal(at)):
            deed()
    except BaseException:  # whatever it was, a fork must not go on as its parent
        traceback.print_exc(file=sys.__stderr__)
        os._exit(FAILED)
    os._exit(DONE)


def until_done(deed: Callable[[], object], unharmed: Callable[[], object]) -> int:
    """How many statements it takes. `unharmed` is the same after each death."""
    before = unharmed()
    for at in range(1, MOST):
        code = in_child(deed, at)
        if code == DONE:
            return at - 1
        assert code == DIED
        assert unharmed() == before, f"death before statement {at} left something behind"
    raise AssertionError(f"not done after {MOST} statements")


def state(customer: Customer) -> tuple[object, ...]:
    """Everything of the customer and its operator's series that these deeds write."""
    with operator_scope(customer.operator.id, "test"), tenant_scope(customer.id), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM usage_pending WHERE tenant_id = %s", [customer.id])
        pending = cursor.fetchone()[0]
        rows = Document.objects.of(customer.id).order_by("id").values_list("idempotency_key", "state", "number")
        return (
            pending,
            UsageEvent.objects.of(customer.id).count(),
            list(UsageDay.objects.of(customer.id).order_by("day", "posted", "what").values_list("day", "posted", "what", "n")),
            list(rows),
            list(Series.objects.filter(operator=customer.operator).order_by("kind").values_list("kind", "last")),
            Settlement.objects.of(customer.id).count(),
            audit.verify(customer.id),
        )


def die_everywhere() -> None:
    fjordbank = story.customer(first_month=JUNE)
    events = [fjordbank.event(JUNE.starts_at + timedelta(days=n)) for n in range(9)]
    took: dict[str, int] = {}

    def unharmed() -> object:
        return state(fjordbank)

    took["record"] = until_done(lambda: fjordbank.record(events[0]), unharmed)
    fjordbank.record(*events)
    took["roll"] = until_done(lambda: usage.roll(fjordbank.id, wait=True), unharmed)
    took["close"] = until_done(lambda: closing.close(fjordbank.id, JUNE, by="staff:1"), unharmed)
    with tenant_scope(fjordbank.id):
        draft = Document.objects.of(fjordbank.id).get()
    took["approve"] = until_done(lambda: issuing.approve(fjordbank.id, draft.id, by="staff:1"), unharmed)
    took["issue"] = until_done(lambda: issuing.issue(fjordbank.id, draft.id, by="staff:1"), unharmed)
    with tenant_scope(fjordbank.id):
        invoice = Document.objects.of(fjordbank.id).get()
    took["credit"] = until_done(lambda: crediting.credit(invoice, by="staff:1", reason="wrong", lines=[1]), unharmed)
    took["reconcile"] = until_done(lambda: settle(fjordbank), unharmed)
    assert all(took.values()), took
    check(fjordbank, events=9)


def settle(customer: Customer) -> None:
    """As `reconciliation.commit` does for each account. At the provisional price, so that no other test meets a final one: the AAP that was
    credited is due again."""
    decision = scheme.provisional(5)
    assert decision is not None
    (row,) = reconciliation.settle(customer.tenant, scheme.year_numbered(5), decision, by="staff:1")
    assert row.document


def check(customer: Customer, *, events: int) -> None:
    """Events = usage; every one in one posted row of one month; one document each; numbers 1 … n."""
    with tenant_scope(customer.id):
        assert UsageEvent.objects.of(customer.id).count() == events
        assert sum(UsageDay.objects.of(customer.id).filter(what="requested").values_list("n", flat=True)) == events
        keys = sorted(Document.objects.of(customer.id).values_list("idempotency_key", flat=True))
        sequences = sorted(Document.objects.of(customer.id).values_list("kind", "sequence"))
    assert [key.split(":")[0] for key in keys] == ["credit", "rec", "usage"]
    assert sequences == [("credit_note", 1), ("invoice", 1), ("invoice", 2)]
    ours = [head for head in verifying.verify().heads if head["operator"] == str(customer.operator.id)]
    assert {(head["kind"], head["last"]) for head in ours} == {("credit_note", 1), ("invoice", 2)}
