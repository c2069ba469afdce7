"""Celery's door to billing. A task is a nudge: it claims what waits, and its arguments are ids at most (decision 23)."""

from __future__ import annotations

import logging
import uuid
from datetime import date, timedelta
from math import ceil

from celery import shared_task
from django.utils import timezone

from billing import issuing, months, usage
from billing.exports import renderings
from billing.issuing import ISSUE, RENDER, Refused
from billing.models import Document, State
from billing.months import BATCH, CLOSE, LEASE_SECONDS
from billing.periods import Month, day_of
from billing.recount import recount_tenant
from tenants import work
from tenants.isolation import operator_scope, tenant_ids
from tenants.models import Operator, Tenant

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
    month = Month.of(day_of(timezone.now())).previous()
    draft_month(list(Tenant.objects.all()), month)


def draft_month(tenants: list[Tenant], month: Month) -> None:
    """Lets workers close the month of these tenants; a document waits for approval, or for its operator's day of issue."""
    keys = months.enqueue(tenants, month)
    _nudge(CLOSE, len(keys))


@shared_task
def close() -> None:
    months.close_claimed(work.claim(CLOSE, BATCH, LEASE_SECONDS), by=SYSTEM)


def approve(tenant_id: uuid.UUID, document_id: uuid.UUID, *, by: str) -> Document:
    """issuing.approve, and a worker issues it at once."""
    document = issuing.approve(tenant_id, document_id, by=by)
    _nudge(ISSUE, 1)
    return document


@shared_task
def issue_due() -> None:
    """Drafts of operators without approval, from their day of issue on; and whatever is approved and still waits."""
    today = day_of(timezone.now())
    for operator in Operator.objects.filter(approval=False):
        for tenant_id, document_id in _due(operator, today):
            try:
                issuing.approve(tenant_id, document_id, by=SYSTEM)
            except Refused as refusal:
                logger.warning("document %s is not approved: %s", document_id, refusal)
    sweep()


def _due(operator: Operator, today: date) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Drafts of months whose day of issue, in the month after, has come."""
    ours = Tenant.objects.filter(operator=operator).values("id")
    with operator_scope(operator.id, "drafts that are due"):
        drafts = Document.objects.filter(tenant_id__in=ours, state=State.DRAFT, period_last__lt=today)
        found = list(drafts.values_list("tenant_id", "id", "period_last"))
    return [(tenant_id, id) for tenant_id, id, last in found if last + timedelta(days=operator.issue_day) <= today]


@shared_task
def issue() -> None:
    months.issue_claimed(work.claim(ISSUE, BATCH, LEASE_SECONDS), by=SYSTEM)
    _nudge(RENDER, 1)


@shared_task
def render() -> None:
    for item in work.claim(RENDER, BATCH, LEASE_SECONDS):
        assert item.for_tenant is not None
        try:
            renderings.make_all(item.for_tenant, uuid.UUID(item.ids["document"]), item)
        except Exception as error:
            work.fail(item, error)


TASKS = {CLOSE: close, ISSUE: issue, RENDER: render}


@shared_task
def sweep() -> None:
    """Nudges for work that no message waits for any more."""
    for kind, waiting in work.sweep().items():
        if kind in TASKS:
            _nudge(kind, waiting)


def _nudge(kind: str, items: int) -> None:
    for _ in range(ceil(items / BATCH)):
        work.nudge(TASKS[kind])
