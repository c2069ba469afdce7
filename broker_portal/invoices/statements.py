"""A tenant's statement of a contract year: what was billed, the final price and the difference."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing import statement_pdf, statements
from billing.issuing import Refused
from billing.statements import Statement
from broker_portal import context
from broker_portal.access import Action, TenantAccess, tenant_access
from broker_portal.usage.costs import document_language
from tenants.models import Kind


@require_GET
def page(request: HttpRequest, tenant: str, environment: Kind, year: int) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_INVOICES)
    shown = {"found": _found(access, environment, year)}
    return render(request, "portal/invoices/statement.html", context.of_tenant(access, environment, "invoices") | shown)


@require_GET
def csv(request: HttpRequest, tenant: str, environment: Kind, year: int) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_INVOICES)
    answer = HttpResponse(statements.as_csv(_found(access, environment, year)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="statement-{access.tenant.slug}-{year}.csv"'
    return answer


@require_GET
def pdf(request: HttpRequest, tenant: str, environment: Kind, year: int) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_INVOICES)
    content = statement_pdf.render(_found(access, environment, year), access.tenant, document_language(), at=timezone.now())
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="statement-{access.tenant.slug}-{year}.pdf"'
    return answer


def _found(access: TenantAccess, environment: Kind, year: int) -> Statement:
    if environment != Kind.PRODUCTION:
        raise Http404
    try:
        return statements.statement(access.tenant, year)
    except Refused:
        raise Http404 from None
