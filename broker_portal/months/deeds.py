"""What a person does with a month: work for the queue, and at once what had stopped."""

from __future__ import annotations

import uuid

from billing import closing, months, tasks
from billing.months import BATCH, CLOSE, LEASE_SECONDS, Problem
from billing.periods import Month
from tenants import work
from tenants.models import Operator, Tenant


def draft(operator: Operator, month: Month, *, tenant_id: uuid.UUID | None, by: str) -> list[Problem]:
    """Lets workers close the month. What had stopped pauses by now, so it is tried here. Raises closing.NotOver."""
    closing.refuse_unless_over(month)
    ours = Tenant.objects.filter(operator=operator)
    tasks.draft_month(ours.filter(id=tenant_id) if tenant_id else ours, month)
    stopped = [each.tenant for each in months.tenants_of(operator.id, month, only="stopped", limit=BATCH)]
    keys = months.enqueue([each for each in stopped if tenant_id in (None, each.id)], month)
    return months.close_claimed(work.claim(CLOSE, BATCH, LEASE_SECONDS, keys=keys), by=by) if keys else []


def approve(operator: Operator, month: Month, *, tenant_id: uuid.UUID | None, by: str) -> list[Problem]:
    tasks.approve_month(operator.id, month, by=by, tenant_id=tenant_id)
    return []


def issue(operator: Operator, month: Month, *, tenant_id: uuid.UUID | None, by: str) -> list[Problem]:
    tasks.issue_month(operator.id, month, tenant_id=tenant_id)
    return []


DEEDS = {"draft": draft, "approve": approve, "issue": issue}
