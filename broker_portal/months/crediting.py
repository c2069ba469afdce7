"""An issued invoice credited by a person: whole, or lines of it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import closing, crediting, issuing
from billing.issuing import Refused
from billing.models import Document
from billing.periods import Month
from broker_portal import context, refusals
from broker_portal.access import StaffAccess, StaffAction, staff_access
from broker_portal.answers import SeeOther
from broker_portal.usage.costs import said
from tenants.isolation import tenant_scope
from tenants.models import Tenant


@require_http_methods(["GET", "POST"])
def credit(request: HttpRequest, operator: uuid.UUID, number: str) -> HttpResponse:
    """POST reason, line (positions; none: all that is left) and again (draft the month once more)."""
    access = staff_access(request, StaffAction.CREDIT, operator)
    document = _document(access, number)
    if request.method != "POST":
        return _page(request, access, document)
    chosen = [int(position) for position in request.POST.getlist("line") if position.isascii() and position.isdigit()]
    reason = request.POST.get("reason", "")
    try:
        note = crediting.credit(document, by=access.actor, reason=reason, lines=chosen)
    except Refused as refusal:
        return _page(request, access, document, refusal=refusals.said(refusal), reason=reason, status=422)
    messages.success(request, _("Credit note %(number)s is issued") % {"number": note.number})
    if "again" in request.POST:
        _draft_again(request, access, document)
    return SeeOther(reverse("operator:month", args=[access.operator.id, Month.of(document.period_first)]))


def _draft_again(request: HttpRequest, access: StaffAccess, document: Document) -> None:
    try:
        closing.invoice_again(document.tenant_id, Month.of(document.period_first), by=access.actor)
    except Refused as refusal:
        messages.warning(request, refusals.said(refusal))
    else:
        messages.success(request, _("What is not billed any more is drafted again"))


def _document(access: StaffAccess, number: str) -> Document:
    try:
        found = issuing.find(number)
    except LookupError:
        raise Http404 from None
    if found.operator_id != access.operator.id or found.kind != "invoice":
        raise Http404
    return found


def _page(
    request: HttpRequest, access: StaffAccess, document: Document, *, refusal: str = "", reason: str = "", status: int = 200
) -> HttpResponse:
    with tenant_scope(document.tenant_id):
        left = crediting.left_of(document)
    page = {
        "document": document,
        "buyer": Tenant.objects.get(id=document.tenant_id).name,
        "lines": [{"position": row.position, "text": said(row.text, row.detail, row.parameters)[0], "amount": row.amount} for row in left],
        "may_draft_again": document.idempotency_key.startswith("usage:"),
        "refusal": refusal,
        "reason": reason,
    }
    return render(request, "operator/documents/credit.html", context.of_operator(access, "month") | page, status=status)
