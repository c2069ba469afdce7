"""A tenant's issued documents. Drafts are the operator's until they are issued."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.exports import renderings
from billing.models import Document
from billing.periods import Month
from broker_portal import context
from broker_portal.access import Action, TenantAccess, tenant_access
from broker_portal.invoices import files, shown
from broker_portal.usage import costs
from tenants.models import Kind


@require_GET
def index(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_INVOICES)
    shell = context.of_tenant(access, environment, "invoices") | {"may_change_buyer": access.may(Action.CHANGE_BUYER)}
    if environment != Kind.PRODUCTION:
        return render(request, "portal/invoices/list.html", shell | {"preview": None, "documents": []})
    current = Month.at(timezone.now())
    documents = shown.issued(access.tenant.id)
    year = shown.contract_year(access.tenant.id, current)
    preview = costs.so_far(access.tenant.id, current)
    page = {
        "preview": preview,
        "currency": preview.currency if preview else documents[0].currency if documents else "",
        "awaited": shown.awaited(access.tenant.id, current),
        "documents": [shown.row(document) for document in documents],
        "year": year,
    }
    return render(request, "portal/invoices/list.html", shell | page)


@require_GET
def detail(request: HttpRequest, tenant: str, environment: Kind, number: str) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_INVOICES)
    document = _document(access, environment, number)
    page = {"document": shown.details(document), "payment": shown.payment(document), "history": shown.history(document)}
    return render(request, "portal/invoices/detail.html", context.of_tenant(access, environment, "invoices") | page)


@require_GET
def pdf(request: HttpRequest, tenant: str, environment: Kind, number: str) -> HttpResponse:
    return _file(request, tenant, environment, number, renderings.Format.PDF)


@require_GET
def csv(request: HttpRequest, tenant: str, environment: Kind, number: str) -> HttpResponse:
    return _file(request, tenant, environment, number, renderings.Format.CSV)


def _file(request: HttpRequest, tenant: str, environment: Kind, number: str, form: renderings.Format) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_INVOICES)
    return files.answer(_document(access, environment, number), form)


def _document(access: TenantAccess, environment: Kind, number: str) -> Document:
    document = shown.issued_one(access.tenant.id, number) if environment == Kind.PRODUCTION else None
    if document is None:
        raise Http404
    return document
