"""What a person has to look at: counts that differ, facts outside their month, work that was given up, prices that wait."""

from __future__ import annotations

import uuid

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing import recount, usage
from billing.models import UsageRecount
from broker_portal import context
from broker_portal.access import StaffAction, staff_access
from broker_portal.prices import shown
from tenants.models import Tenant, Work, WorkState

SHOWN = 100


@require_GET
def index(request: HttpRequest, operator: uuid.UUID) -> HttpResponse:
    access = staff_access(request, StaffAction.SEE_MONTHS, operator)
    tenants = dict(Tenant.objects.filter(operator=access.operator).values_list("id", "name"))
    slugs = dict(Tenant.objects.filter(operator=access.operator).values_list("id", "slug"))
    days = [_day(each, tenants[each.tenant_id], slugs[each.tenant_id]) for each in recount.differing_days(access.operator.id)[:SHOWN]]
    given_up = Work.objects.filter(Q(for_tenant__in=tenants), state=WorkState.FAILED).order_by("-id")[:SHOWN]
    page = {
        "days": days,
        "unplaced": usage.unplaced(),
        "work": [{"kind": item.kind, "tenant": tenants[item.for_tenant], "error": item.error} for item in given_up if item.for_tenant],
        "waiting": [year.number for year in shown.years() if shown.waiting(year.number)],
    }
    return render(request, "operator/incidents/list.html", context.of_operator(access, "incidents") | page)


def _day(row: UsageRecount, tenant: str, slug: str) -> dict[str, object]:
    recorded = sum(each["recorded"] for each in row.differences)
    counted = sum(each["counted"] for each in row.differences)
    return {"tenant": tenant, "slug": slug, "day": row.day, "recorded": recorded, "counted": counted}
