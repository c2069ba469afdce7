"""Clients of one environment: what they are, and what may be changed about them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from authflows import client_changes, configuration, refusals, registration, statistics
from authflows.registration import Refused
from billing.periods import Month, day_of
from broker_portal import context
from broker_portal.access import Action, TenantAccess, tenant_access
from broker_portal.answers import SeeOther
from broker_portal.clients import registry, trial
from broker_portal.clients.forms import ConfirmByName, NewClient, NewSecret, RedirectUris
from broker_portal.clients.registry import ClientFacts
from broker_portal.clients.settings import ClientSettingsForm
from broker_portal.usage import figures
from tenants.models import Environment, Kind

LATEST_LOGINS = 6
LATEST_REFUSALS = 5


@require_GET
def index(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_CLIENTS)
    clients = registry.clients_of(access.tenant.id, registry.environment_of(access.tenant.id, environment))
    today = day_of(timezone.now())
    month = figures.of_days(access.tenant.id, environment, Month.of(today).first, today)
    used = {row["client_id"]: row for row in month.by_client()}
    rows = [_row(client, used.get(client.client_id), month.computed) for client in clients]
    page = {"clients": rows, "may_edit": access.may(Action.CHANGE_CLIENTS)}
    return render(request, "portal/clients/list.html", context.of_tenant(access, environment, "clients") | page)


def _row(client: ClientFacts, used: dict[str, Any] | None, computed: bool) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "redirect_uri": client.redirect_uris[0] if client.redirect_uris else "",
        "auth_method": client.auth_method,
        "closed": client.closed,
        "requests": used["requests"] if used else 0 if computed else None,
        "success": used["success"] if used else None,
        "last_on": used["last_on"] if used else None,
    }


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_CLIENTS)
    form = NewClient(request.POST if request.method == "POST" else None, kind=environment)
    shell = context.of_tenant(access, environment, "clients")
    if form.is_valid():
        place = registry.environment_of(access.tenant.id, environment)
        try:
            made = registration.register(access.tenant, place, form.registration(access.actor))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            client = registry.client_of(access.tenant.id, place, made.client_id)
            if made.client_secret is None:
                messages.success(request, _("%(name)s is ready") % {"name": client.name})
                return SeeOther(_address(access, environment, client))
            return _secret(request, access, environment, client, made.client_secret, first=True)
    return render(request, "portal/clients/new.html", shell | {"form": form}, status=422 if form.is_bound else 200)


@require_GET
def detail(request: HttpRequest, tenant: str, environment: Kind, client_id: str) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_CLIENTS)
    place, client = _client(access, environment, client_id)
    form = RedirectUris(kind=environment, native=_public_native(client), known=client.redirect_uris)
    return _detail(request, access, place, client, form)


@require_POST
def redirect_uris(request: HttpRequest, tenant: str, environment: Kind, client_id: str) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_CLIENTS)
    place, client = _client(access, environment, client_id)
    form = RedirectUris(request.POST, kind=environment, native=_public_native(client), known=client.redirect_uris)
    if not form.is_valid():
        return _detail(request, access, place, client, form, status=422)
    registration.replace_redirect_uris(access.tenant.id, place, client.relying_party_id, form.addresses(), actor=access.actor)
    messages.success(request, _("The addresses are saved"))
    return SeeOther(_address(access, environment, client))


@require_POST
def new_secret(request: HttpRequest, tenant: str, environment: Kind, client_id: str) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_CLIENTS)
    place, client = _client(access, environment, client_id)
    form = NewSecret(request.POST)
    if client.closed or not form.is_valid():
        raise Http404
    overlap = form.cleaned_data["overlap"]
    try:
        secret = registration.add_secret(access.tenant.id, place.id, client.relying_party_id, actor=access.actor, overlap=overlap)
    except Refused:
        messages.error(request, _("Two secrets are valid already. Revoke one of them first."))
        return SeeOther(_address(access, environment, client))
    return _secret(request, access, environment, client, secret, first=False, old_until=timezone.now() + overlap)


@require_http_methods(["GET", "POST"])
def revoke_secret(request: HttpRequest, tenant: str, environment: Kind, client_id: str, secret: uuid.UUID) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_CLIENTS)
    place, client = _client(access, environment, client_id)
    live = registry.secrets_of(access.tenant.id, client)
    chosen = next((row for row in live if row.id == secret), None)
    if chosen is None:
        raise Http404
    form = ConfirmByName(request.POST if request.method == "POST" else None, client_name=client.name)
    if form.is_valid():
        registration.revoke_secret(access.tenant.id, place.id, client.relying_party_id, secret, actor=access.actor)
        messages.success(request, _("The secret is revoked"))
        return SeeOther(_address(access, environment, client))
    page = {"client": client, "secret": chosen, "others": len(live) - 1, "form": form}
    shell = context.of_tenant(access, environment, "clients")
    return render(request, "portal/clients/revoke.html", shell | page, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, tenant: str, environment: Kind, client_id: str) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_CLIENTS)
    place, client = _open_client(access, environment, client_id)
    current = client_changes.current(access.tenant.id, place.id, client.relying_party_id)
    form = ClientSettingsForm(request.POST if request.method == "POST" else None, current=current)
    if form.is_valid():
        try:
            client_changes.change(access.tenant.id, place, client.relying_party_id, form.changes(), actor=access.actor)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The settings are saved"))
            return SeeOther(_address(access, environment, client))
    shell = context.of_tenant(access, environment, "clients")
    return render(request, "portal/clients/settings.html", shell | {"client": client, "form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, tenant: str, environment: Kind, client_id: str) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_CLIENTS)
    place, client = _open_client(access, environment, client_id)
    form = ConfirmByName(request.POST if request.method == "POST" else None, client_name=client.name)
    if form.is_valid():
        client_changes.close(access.tenant.id, place, client.relying_party_id, actor=access.actor)
        messages.success(request, _("%(name)s is closed") % {"name": client.name})
        return SeeOther(_address(access, environment, client))
    shell = context.of_tenant(access, environment, "clients")
    return render(request, "portal/clients/close.html", shell | {"client": client, "form": form}, status=422 if form.is_bound else 200)


def _open_client(access: TenantAccess, environment: Kind, client_id: str) -> tuple[Environment, ClientFacts]:
    place, client = _client(access, environment, client_id)
    if client.closed:
        raise Http404
    return place, client


def _client(access: TenantAccess, environment: Kind, client_id: str) -> tuple[Environment, ClientFacts]:
    place = registry.environment_of(access.tenant.id, environment)
    return place, registry.client_of(access.tenant.id, place, client_id)


def _public_native(client: ClientFacts) -> bool:
    return client.native and client.auth_method == "none"


def _address(access: TenantAccess, environment: Kind, client: ClientFacts) -> str:
    return reverse("portal:client", args=[access.tenant.slug, environment, client.client_id])


def _detail(
    request: HttpRequest, access: TenantAccess, place: Environment, client: ClientFacts, form: RedirectUris, *, status: int = 200
) -> HttpResponse:
    tenant_id = access.tenant.id
    page = {
        "client": client,
        "form": form,
        "secrets": registry.secrets_of(tenant_id, client),
        "new_secret": NewSecret(),
        "refusals": refusals.latest(tenant_id, client.relying_party_id, LATEST_REFUSALS),
        "logins": statistics.latest(tenant_id, place.id, limit=LATEST_LOGINS, relying_party_id=client.relying_party_id),
        "may_edit": access.may(Action.CHANGE_CLIENTS),
        "may_try": access.may(Action.TRY_LOGIN) and trial.allowed(place.kind),
        "return_to": _address(access, Kind(place.kind), client),
        **_set_up(client),
    }
    shell = context.of_tenant(access, place.kind, "clients")
    return trial.ends_elsewhere(render(request, "portal/clients/detail.html", shell | page, status=status))


def _secret(
    request: HttpRequest,
    access: TenantAccess,
    environment: Kind,
    client: ClientFacts,
    secret: str,
    *,
    first: bool,
    old_until: datetime | None = None,
) -> HttpResponse:
    """The one answer that holds the secret; it cannot be fetched again."""
    page = {
        "client": client,
        "secret": secret,
        "first": first,
        "old_until": old_until,
        "return_to": _address(access, environment, client),
        **_set_up(client),
    }
    return render(request, "portal/clients/secret.html", context.of_tenant(access, environment, "clients") | page)


def _set_up(client: ClientFacts) -> dict[str, str]:
    issuer = configuration.url_of(registry.issuer_of(client))
    return {"issuer": issuer, "discovery_url": f"{issuer}/.well-known/openid-configuration"}
