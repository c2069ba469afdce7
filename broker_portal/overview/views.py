"""Where a person begins, and one environment at a glance."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from authflows import statistics
from billing.periods import Month, day_of
from broker_portal import context
from broker_portal.access import Action, TenantAccess, tenant_access
from broker_portal.clients import registry
from broker_portal.usage import costs, figures
from broker_portal.usage.figures import Figures
from tenants import directory
from tenants.models import Kind, User

CHART_DAYS = 30
LATEST_LOGINS = 8


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The first organisation of somebody who has one, the operator's month of somebody who works there."""
    assert isinstance(request.user, User)
    if memberships := directory.tenants_of(request.user.id):
        return redirect("portal:dashboard", tenant=memberships[0].tenant.slug, environment=Kind.PRODUCTION)
    if context.first_month_seer(request.user.id):
        return redirect("operator:month")
    return render(request, "portal/nowhere.html")


@require_GET
def dashboard(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_OVERVIEW)
    today = day_of(timezone.now())
    recent = figures.of_days(access.tenant.id, environment, today - timedelta(days=CHART_DAYS - 1), today)
    month = figures.of_days(access.tenant.id, environment, Month.of(today).first, today)
    page: dict[str, Any] = {
        "month": month.first,
        "complete_until": month.until,
        "requests": month.requests,
        "completed": month.completed,
        "success": month.success,
        "chart": recent.chart(),
        "chart_from": recent.first,
        "chart_to": recent.last,
        "may_edit": access.may(Action.CHANGE_CLIENTS),
        "may_try": access.may(Action.TRY_LOGIN),
        **_clients_and_logins(access, environment, month),
        **_cost(access, environment, Month.of(today)),
    }
    return render(request, "portal/dashboard.html", context.of_tenant(access, environment, "dashboard") | page)


def _clients_and_logins(access: TenantAccess, environment: Kind, month: Figures) -> dict[str, Any]:
    place = registry.environment_of(access.tenant.id, environment)
    clients = registry.clients_of(access.tenant.id, place)
    by_id = {client.relying_party_id: client for client in clients}
    used = {row["client_id"]: row for row in month.by_client()}
    none: dict[str, Any] = {"requests": 0 if month.computed else None, "success": None}
    logins = statistics.latest(access.tenant.id, place.id, limit=LATEST_LOGINS)
    return {
        "clients": [{"client_id": c.client_id, "name": c.name} | _figures(used.get(c.client_id, none)) for c in clients if not c.closed],
        "logins": [{"login": login, "client": by_id[login.relying_party_id]} for login in logins if login.relying_party_id in by_id],
    }


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    return {"requests": row["requests"], "success": row["success"]}


def _cost(access: TenantAccess, environment: Kind, month: Month) -> dict[str, Any]:
    """Only for those who see invoices, and in production, where there are any."""
    if environment != Kind.PRODUCTION or not access.may(Action.SEE_INVOICES):
        return {"costs": False}
    so_far = costs.so_far(access.tenant.id, month)
    return {
        "costs": True,
        "expected": so_far.net if so_far else None,
        "currency": so_far.currency if so_far else "",
        "illustrative": bool(so_far and so_far.illustrative),
    }
