"""Celery's door to billing. A task is a nudge: it claims what waits, and its arguments are ids at most (decision 23)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from datetime import date, timedelta
from math import ceil

from celery import shared_task
from django.utils import timezone

from billing import months, usage
from billing.exports import renderings
from billing.issuing import RENDER
from billing.models import Document, State
from billing.months import APPROVE, BATCH, CLOSE, DO, ISSUE, LEASE_SECONDS
from billing.periods import Month, day_of
from billing.recount import recount_tenant
from tenants import work
from tenants.isolation import operator_scope, tenant_ids
from tenants.models import Operator, Tenant, Work

logger = logging.getLogger(__name__)

SYSTEM = "system"
MONTHS_AHEAD = 3
DAYS_BACK = 32


@shared_task
def roll() -> None:
    usage.roll_all()


@shared_task
def open_partitions() -> None:
    """The months that come, before they begin. What was written to a month that was not open yet is told, then moved in."""
    if unplaced := usage.unplaced():
        logger.error("%d usage facts lie outside their month: its partition was not open in time", unplaced)
    usage.open_partitions(months=MONTHS_AHEAD)


@shared_task
def recount(tenants: list[str] | None = None) -> None:
    """Every day that changed since it was last found right; for all tenants, a hundred a task, unless some are named."""
    if tenants is None:
        everybody = [str(tenant) for tenant in tenant_ids()]
        for start in range(0, len(everybody), BATCH):
            work.nudge(recount, everybody[start : start + BATCH])
        return
    today = day_of(timezone.now())
    days = [today - timedelta(days=back) for back in range(1, DAYS_BACK)]
    for tenant in tenants:
        for difference in recount_tenant(uuid.UUID(tenant), days):
            logger.error("counts of tenant %s differ: %s", tenant, difference)


@shared_task
def draft_last_month() -> None:
    """Work to close last month, for every tenant."""
    draft_month(Tenant.objects.all(), Month.of(day_of(timezone.now())).previous())


def draft_month(tenants: Iterable[Tenant], month: Month) -> None:
    """Lets workers close the month of these tenants; their drafts wait for approval, or for their operator's day of issue."""
    _nudge(CLOSE, len(months.enqueue(tenants, month)))


def approve_month(operator_id: uuid.UUID, month: Month, *, by: str, tenant_id: uuid.UUID | None = None) -> None:
    """Lets workers approve the month's drafts; what is approved waits for `issue_month`, or for the day of issue."""
    _nudge(APPROVE, len(months.enqueue_approval(operator_id, month, by=by, tenant_id=tenant_id)))


def issue_month(operator_id: uuid.UUID, month: Month, *, tenant_id: uuid.UUID | None = None) -> None:
    """Lets workers issue what is approved."""
    _nudge(ISSUE, len(months.enqueue_issue(operator_id, month, tenant_id=tenant_id)))


@shared_task
def close() -> None:
    _work(CLOSE)


@shared_task
def approve() -> None:
    _work(APPROVE)


@shared_task
def issue() -> None:
    _work(ISSUE)
    _nudge(RENDER, 1)


def _work(kind: str) -> None:
    DO[kind](work.claim(kind, BATCH, LEASE_SECONDS), by=SYSTEM)


@shared_task
def issue_due() -> None:
    """From their operator's day of issue on, approved documents are issued; without approval, drafts are approved first."""
    today = day_of(timezone.now())
    for operator in Operator.objects.all():
        for month in _due(operator, today):
            if not operator.approval:
                months.work_off(APPROVE, months.enqueue_approval(operator.id, month, by=SYSTEM), SYSTEM)
            issue_month(operator.id, month)


def _due(operator: Operator, today: date) -> list[Month]:
    """Months with drafts or approved documents whose day of issue, in the month after, has come."""
    ours = Tenant.objects.filter(operator=operator).values("id")
    with operator_scope(operator.id, "documents that are due"):
        waiting = Document.objects.filter(tenant_id__in=ours, state__in=[State.DRAFT, State.APPROVED], period_last__lt=today)
        ends = sorted(set(waiting.values_list("period_last", flat=True)))
    return [Month.of(end) for end in ends if end + timedelta(days=operator.issue_day) <= today]


@shared_task
def render() -> None:
    for _ in range(BATCH):
        # One at a time: a document's files take about a second, and a batch of them must not outlive its lease.
        for item in work.claim(RENDER, 1, LEASE_SECONDS):
            _render(item)


def _render(item: Work) -> None:
    assert item.for_tenant is not None
    try:
        renderings.make_all(item.for_tenant, uuid.UUID(item.ids["document"]), item)
    except Exception as error:
        work.fail(item, error)


TASKS = {CLOSE: close, APPROVE: approve, ISSUE: issue, RENDER: render}


@shared_task
def sweep() -> None:
    """Nudges for work that no message waits for any more."""
    for kind, waiting in work.sweep().items():
        if kind in TASKS:
            _nudge(kind, waiting)


def _nudge(kind: str, items: int) -> None:
    for _ in range(ceil(items / BATCH)):
        work.nudge(TASKS[kind])
