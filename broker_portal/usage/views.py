"""One month's usage, and what it comes to."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from billing.periods import Month
from broker_portal import context
from broker_portal.access import Action, tenant_access
from broker_portal.usage import costs, export, figures
from tenants.models import Kind

MONTHS_SHOWN = 4


@require_GET
def month(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_USAGE)
    current = Month.at(timezone.now())
    shown = _month(request, current)
    used = figures.of_days(access.tenant.id, environment, shown.first, shown.last)
    billed = environment == Kind.PRODUCTION and shown == current and access.may(Action.SEE_INVOICES)
    page = {
        "month": shown.first,
        "months": _choices(shown, current),
        "is_current": shown == current,
        "complete_until": used.until,
        "requests": used.requests,
        "completed": used.completed,
        "success": used.success,
        "chart": used.chart(),
        "outcomes": used.outcomes(),
        "by_client": used.by_client(),
        "preview": costs.so_far(access.tenant.id, shown) if billed else None,
    }
    return render(request, "portal/usage/month.html", context.of_tenant(access, environment, "usage") | page)


@require_GET
def csv(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_USAGE)
    shown = _month(request, Month.at(timezone.now()))
    used = figures.of_days(access.tenant.id, environment, shown.first, shown.last)
    name = f"usage-{access.tenant.slug}-{environment}-{shown}.csv"
    content = export.daily_csv(used.counts, costs.document_language())
    return HttpResponse(
        content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": content_disposition_header(True, name)}
    )


def _month(request: HttpRequest, current: Month) -> Month:
    """?month=2026-11, by default the current one. Raises Http404 for what is no month, or has not begun."""
    asked = request.GET.get("month")
    try:
        shown = Month.parse(asked) if asked else current
    except ValueError:
        raise Http404 from None
    if shown > current:
        raise Http404
    return shown


def _choices(shown: Month, current: Month) -> list[object]:
    """The months that one click leads to, the oldest first, the one that is shown among them."""
    months = [current]
    while len(months) < MONTHS_SHOWN:
        months.append(months[-1].previous())
    return [month.first for month in sorted({*months, shown})]
