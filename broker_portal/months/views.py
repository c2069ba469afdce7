"""The operator's month: drafted by work rows, approved and issued by a person."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from billing import issuing, months
from billing.exports.renderings import Format
from billing.issuing import Refused
from billing.months import Problem
from billing.periods import Month
from broker_portal import context
from broker_portal.access import StaffAccess, StaffAction, staff_access
from broker_portal.answers import SeeOther
from broker_portal.invoices import files
from broker_portal.months import progress
from broker_portal.months.deeds import DEEDS
from broker_portal.refusals import said
from broker_portal.templatetags.portal import whole
from tenants.models import Tenant

SHOWS = {"all": "", "draft": "draft", "stopped": "stopped"}
BEGUN = {"draft": _("Drafting has begun"), "approve": _("Approval has begun"), "issue": _("Issuing has begun")}
A_PAGE = 100
PROBLEMS_TOLD = 5


@require_GET
def current(request: HttpRequest) -> HttpResponse:
    """The month to close: the last one that is over."""
    access = staff_access(request, StaffAction.SEE_MONTHS)
    return redirect("operator:month", operator=access.operator.id, month=Month.at(timezone.now()).previous())


@require_GET
def document(request: HttpRequest, operator: uuid.UUID, number: str, form: Format) -> HttpResponse:
    """An issued document of one of the operator's tenants, as a file."""
    access = staff_access(request, StaffAction.SEE_MONTHS, operator)
    try:
        found = issuing.find(number)
    except LookupError:
        raise Http404 from None
    if found.operator_id != access.operator.id:
        raise Http404
    return files.answer(found, form)


@require_GET
def month(request: HttpRequest, operator: uuid.UUID, month: Month) -> HttpResponse:
    access = staff_access(request, StaffAction.SEE_MONTHS, operator)
    this = Month.at(timezone.now())
    if month > this:
        raise Http404
    so_far = months.progress(access.operator.id, month)
    running = progress.running(so_far)
    counts = progress.counts(so_far)
    page = {
        "month": month.first,
        "previous": month.previous().first,
        "following": month.next().first if month < this else None,
        "state": progress.state(month, so_far, running),
        "ended_on": month.last,
        "requests": so_far.requests if so_far.closed else None,
        "net": so_far.net,
        "total": so_far.gross,
        "currency": access.operator.currency,
        "counts": counts,
        "progress": running,
        "may_credit": access.may(StaffAction.CREDIT),
        **_rows(request, access, month, counts),
        **_may(access, counts, idle=month < this and running is None),
    }
    return render(request, "operator/months/month.html", context.of_operator(access, "month") | page)


def _rows(request: HttpRequest, access: StaffAccess, month: Month, counts: dict[str, int]) -> dict[str, Any]:
    """?show=all | draft | stopped and ?page=; anything else is all, and the first."""
    show = request.GET.get("show", "all") if request.GET.get("show") in SHOWS else "all"
    rows = progress.Rows(access.operator.id, month, SHOWS[show], counts[show])
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    return {"show": show, "page": page, "rows": page.object_list}


def _may(access: StaffAccess, counts: dict[str, int], *, idle: bool) -> dict[str, bool]:
    """What the person may do and there is something to do of; one step at a time."""
    closes = access.may(StaffAction.CLOSE_MONTHS) and idle
    return {
        "may_draft": closes and counts["open"] + counts["stopped"] > 0,
        "may_approve": closes and counts["draft"] > 0,
        "may_issue": closes and counts["approved"] > 0,
    }


@require_POST
def close(request: HttpRequest, operator: uuid.UUID, month: Month) -> HttpResponse:
    """POST action=draft | approve | issue, for one tenant (its slug) or for all."""
    access = staff_access(request, StaffAction.CLOSE_MONTHS, operator)
    action = request.POST.get("action", "")
    if action not in DEEDS:
        raise Http404
    try:
        problems = DEEDS[action](access.operator, month, tenant_id=_tenant_id(request, access), by=access.actor)
    except Refused as refusal:
        messages.error(request, said(refusal))
    else:
        messages.success(request, BEGUN[action])
        _tell(request, problems)
    return SeeOther(reverse("operator:month", args=[access.operator.id, month]))


def _tenant_id(request: HttpRequest, access: StaffAccess) -> uuid.UUID | None:
    slug = request.POST.get("tenant", "")
    if not slug:
        return None
    tenant = Tenant.objects.filter(operator=access.operator, slug=slug).first() if slug.isprintable() else None
    if tenant is None:
        raise Http404
    return tenant.id


def _tell(request: HttpRequest, problems: Sequence[Problem]) -> None:
    names = dict(Tenant.objects.filter(id__in=[problem.tenant_id for problem in problems]).values_list("id", "name"))
    for problem in problems[:PROBLEMS_TOLD]:
        messages.warning(request, f"{names[problem.tenant_id]}: {said(problem.refusal)}")


@require_GET
def follow(request: HttpRequest, operator: uuid.UUID, month: Month) -> JsonResponse:
    """How far the work is, for the bar of the page."""
    access = staff_access(request, StaffAction.SEE_MONTHS, operator)
    running = progress.running(months.progress(access.operator.id, month))
    done, total = (running.done, running.total) if running else (0, 0)
    text = gettext("%(done)s of %(total)s") % {"done": whole(done), "total": whole(total)}
    return JsonResponse({"done": done, "total": total, "running": running is not None, "text": text})
