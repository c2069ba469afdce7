"""What a tenant says about itself on its invoices."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from broker_portal import context
from broker_portal.access import Action, tenant_access
from broker_portal.answers import SeeOther
from broker_portal.buyers import keeping
from tenants.models import Kind


@require_http_methods(["GET", "POST"])
def details(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    """GET the form; POST its fields. They hold from today on, for documents that are not approved yet."""
    access = tenant_access(request, tenant, Action.CHANGE_BUYER)
    account, version = keeping.account_of(access.tenant.id)
    if account is None or environment != Kind.PRODUCTION:
        raise Http404
    form = keeping.form_of(account, version, request.POST if request.method == "POST" else None)
    if request.method == "POST" and keeping.save(account, form, by=access.actor):
        messages.success(request, _("The invoice details are saved"))
        return SeeOther(reverse("portal:invoices", args=[access.tenant.slug, environment]))
    page = {"form": form, "back": reverse("portal:invoices", args=[access.tenant.slug, environment])}
    status = 422 if request.method == "POST" else 200
    return render(request, "portal/invoices/details.html", context.of_tenant(access, environment, "invoices") | page, status=status)
