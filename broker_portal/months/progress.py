"""How far an operator's month has come, as its page and its progress bar tell it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from django.utils import timezone

from billing import months
from billing.models import BillingMonth
from billing.months import APPROVE, CLOSE, ISSUE, Progress, TenantMonth
from billing.periods import Month, is_over
from broker_portal import refusals
from broker_portal.buyers.forms import FIELDS

WHAT = {CLOSE: "draft", APPROVE: "approve", ISSUE: "issue"}


@dataclass(frozen=True, slots=True)
class Running:
    """Work that goes on: what is 'draft', 'approve' or 'issue'."""

    what: str
    done: int
    total: int


def running(progress: Progress) -> Running | None:
    """The first step that has work nobody has done yet."""
    for step in progress.steps:
        # A tenant that stopped pauses before its next attempt: it is told as a problem, not as work that goes on.
        paused = progress.stopped if step.kind == CLOSE else 0
        if step.total - step.done - step.failed > paused:
            return Running(WHAT[step.kind], step.done, step.total)
    return None


def state(month: Month, progress: Progress, work: Running | None) -> str:
    """open (not over), closing, ready or closed."""
    if not is_over(month, timezone.now()):
        return "open"
    if work:
        return "closing"
    done = progress.tenants and progress.closed == progress.tenants and not progress.drafts + progress.approved
    return "closed" if done else "ready"


def counts(progress: Progress) -> dict[str, int]:
    return {
        "all": progress.tenants,
        "open": max(0, progress.tenants - progress.closed - progress.stopped),
        "draft": progress.drafts,
        "approved": progress.approved,
        "issued": progress.issued,
        "stopped": progress.stopped,
    }


class Rows(Sequence[dict[str, Any]]):
    """The tenants of a month as a Django Paginator cuts them: only the page that is shown is read."""

    def __init__(self, operator_id: uuid.UUID, month: Month, only: str, count: int) -> None:
        self._operator_id, self._month, self._only, self._count = operator_id, month, only, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(at, int):
            return self[at : at + 1][0]
        start, stop, _step = at.indices(self._count)
        found = months.tenants_of(self._operator_id, self._month, only=self._only, offset=start, limit=stop - start)
        return [row(each) for each in found]


def row(each: TenantMonth) -> dict[str, Any]:
    document = each.document
    amounts = {"net": document.net, "vat": document.vat, "total": document.gross} if document else {"net": None, "vat": None, "total": None}
    return amounts | {
        "tenant": each.tenant,
        "requests": document.requests if document else each.month.requests if each.month and each.month.closed_at else None,
        "reverse": bool(document and document.vat_treatment == "reverse_charge"),
        "state": _state(each),
        "reason": refusals.said_again(each.month.told, each.month.problem) if each.month else "",
        "lacking": [(refusals.lacking(path), FIELDS.get(path, "")) for path in each.lacking],
        "number": document.number if document else "",
        "kind": document.kind if document else "",
    }


def _state(each: TenantMonth) -> str:
    if each.document:
        return each.document.state
    if each.month is None:
        return "open"
    return "stopped" if each.month.state == BillingMonth.State.STOPPED else "nothing"
