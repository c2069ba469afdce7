"""*Try login*, and what it came to: the one page of the portal that shows a person's name, and that person is invented."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from authflows import levels, statistics
from billing.periods import Month
from broker_portal import context
from broker_portal.access import Action, TenantAccess, tenant_access
from broker_portal.answers import SeeOther
from broker_portal.clients import registry, trial
from broker_portal.usage import costs
from tenants.models import Kind


@require_POST
def start(request: HttpRequest, tenant: str, environment: Kind, client_id: str) -> HttpResponse:
    access = tenant_access(request, tenant, Action.TRY_LOGIN)
    client = registry.client_of(access.tenant.id, registry.environment_of(access.tenant.id, environment), client_id)
    if client.closed or not trial.allowed(environment):
        raise Http404
    return SeeOther(trial.begin(request.session, tenant, environment, client))


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """The trial's redirect_uri. The code is spent by the first request; a reload finds the trial spent."""
    state = request.GET.get("state", "")
    found = trial.find(request.session, state)
    if found is None:
        raise Http404
    access = tenant_access(request, found.tenant, Action.TRY_LOGIN)
    if found.spent:
        messages.info(request, _("That trial login is over. Its claims were shown once."))
        return SeeOther(reverse("portal:client", args=[found.tenant, found.environment, found.client_id]))
    trial.spend(request.session, state)
    return _shown(request, access, found, state)


def _shown(request: HttpRequest, access: TenantAccess, found: trial.Trial, state: str) -> HttpResponse:
    tenant_id = access.tenant.id
    place = registry.environment_of(tenant_id, found.environment)
    client = registry.client_of(tenant_id, place, found.client_id)
    result = trial.result(found, client, {name: request.GET[name] for name in request.GET})
    login = statistics.trial(tenant_id, place.id, client.relying_party_id, state)
    price = costs.next_request(tenant_id, Month.at(timezone.now()))
    page: dict[str, Any] = {
        "client": client,
        "outcome": "completed" if result.id_token else login.outcome if login and login.outcome != "completed" else "failed",
        "trace_id": login.trace_id if login else "",
        "seconds": trial.rounded(login.seconds) if login else None,
        "level": level.word if (level := levels.parse(result.id_token.get("acr", ""))) else "",
        "claims": [(name, trial.as_text(value)) for name, value in result.claims.items()],
        "id_token": json.dumps(result.id_token, indent=2, ensure_ascii=False),
        "error": result.error,
        "error_description": result.error_description,
        "unit_price": price.price if price else None,
        "currency": price.currency if price else "",
        "return_to": reverse("portal:client", args=[found.tenant, found.environment, found.client_id]),
    }
    shell = context.of_tenant(access, found.environment, "clients")
    return trial.ends_elsewhere(render(request, "portal/clients/try_result.html", shell | page))
