"""A month of many tenants: its work rows, done by workers or by one process that waits, and how far it has come."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from billing import closing, issuing
from billing.issuing import ISSUE, Refused
from billing.models import AccountPlan, BillingMonth, Document, State
from billing.periods import Month
from tenants import work
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Tenant, Work, WorkState

logger = logging.getLogger(__name__)

CLOSE = "close-month"
BATCH = 100
LEASE_SECONDS = 600
PATIENCE_SECONDS = 120
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a tenant's month did not close, or its document was not issued."""

    tenant_id: uuid.UUID
    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    documents: list[Document]
    problems: list[Problem]


def enqueue(tenants: Iterable[Tenant], month: Month) -> list[str]:
    """Work to close the month of each of these tenants of one or more operators; made once, so again is nothing new. Returns its keys."""
    found = list(tenants)
    dropped = _dropped(found, month)
    keys = []
    for tenant in found:
        # A draft that was dropped is work once more.
        key = f"{month}:{tenant.id}" + (f":{dropped[tenant.id]}" if tenant.id in dropped else "")
        work.add(CLOSE, key, for_tenant=tenant.id, ids={"month": str(month)})
        keys.append(key)
    return keys


def _dropped(tenants: Sequence[Tenant], month: Month) -> dict[uuid.UUID, int]:
    counts: dict[uuid.UUID, int] = {}
    for operator_id in {tenant.operator_id for tenant in tenants}:
        ours = [tenant.id for tenant in tenants if tenant.operator_id == operator_id]
        with operator_scope(operator_id, "drafts that were dropped"):
            rows = Document.objects.filter(tenant_id__in=ours, period_first=month.first, state=State.DROPPED)
            counts |= dict(rows.values_list("tenant_id").annotate(n=Count("id")))
    return counts


def close_claimed(items: Iterable[Work], *, by: str) -> list[Problem]:
    """One transaction a tenant; a tenant that cannot close holds nobody back."""
    problems = []
    for item in items:
        assert item.for_tenant is not None
        try:
            closing.close(item.for_tenant, Month.parse(item.ids["month"]), by=by, item=item)
        except Exception as error:
            problems.append(_put_back(item, error))
    return problems


def issue_claimed(items: Iterable[Work], *, by: str) -> list[Problem]:
    problems = []
    for item in items:
        assert item.for_tenant is not None
        try:
            issuing.issue(item.for_tenant, uuid.UUID(item.ids["document"]), by=by, item=item)
        except Exception as error:
            problems.append(_put_back(item, error))
    return problems


def _put_back(item: Work, error: Exception) -> Problem:
    assert item.for_tenant is not None
    work.fail(item, error)
    if not isinstance(error, Refused):
        logger.exception("%s %s", item.kind, item.id, exc_info=error)
    return Problem(item.for_tenant, str(error) if isinstance(error, Refused) else f"{type(error).__name__}; see the log")


def close_now(tenants: Sequence[Tenant], month: Month, *, by: str) -> Closed:
    """Drafts, approves and issues in this process, by the same work rows as workers. Raises closing.NotOver; other problems are told."""
    closing.refuse_unless_over(month)
    problems = _work_off(CLOSE, enqueue(tenants, month), by)
    stopped = {problem.tenant_id for problem in problems}
    approved: dict[str, uuid.UUID] = {}
    for tenant in tenants:
        if tenant.id not in stopped:
            try:
                approved |= {str(document.id): tenant.id for document in _approve(tenant.id, month, by)}
            except Refused as error:
                problems.append(Problem(tenant.id, str(error)))
    problems += _work_off(ISSUE, list(approved), by)
    return Closed(_issued(approved), problems)


def _approve(tenant_id: uuid.UUID, month: Month, by: str) -> list[Document]:
    with tenant_scope(tenant_id):
        waiting = list(of_month(Document.objects.of(tenant_id), month).filter(state__in=[State.DRAFT, State.APPROVED]))
    return [issuing.approve(tenant_id, document.id, by=by) for document in waiting]


def _issued(approved: dict[str, uuid.UUID]) -> list[Document]:
    documents = []
    for document_id, tenant_id in approved.items():
        with tenant_scope(tenant_id):
            documents.append(Document.objects.of(tenant_id).get(id=document_id))
    return sorted((document for document in documents if document.state == State.ISSUED), key=lambda document: document.number or "")


def _work_off(kind: str, keys: Iterable[str], by: str) -> list[Problem]:
    """Does these work rows; for those that a worker has at the moment it waits."""
    do = {CLOSE: close_claimed, ISSUE: issue_claimed}[kind]
    problems: list[Problem] = []
    left, end = set(keys), time.monotonic() + PATIENCE_SECONDS
    while left:
        if claimed := work.claim(kind, BATCH, LEASE_SECONDS, keys=sorted(left)):
            problems += do(claimed, by=by)
            left -= {item.key for item in claimed}
            continue
        elsewhere = {item.key: item for item in Work.objects.filter(kind=kind, key__in=left, state=WorkState.RUNNING)}
        if elsewhere and time.monotonic() > end:
            return problems + [Problem(item.for_tenant, "a worker is still at it") for item in elsewhere.values() if item.for_tenant]
        left &= elsewhere.keys()
        time.sleep(POLL_SECONDS if left else 0)
    return problems


def of_month(documents: QuerySet[Document], month: Month) -> QuerySet[Document]:
    """The month's own documents, without those that were dropped."""
    return documents.filter(period_first=month.first, idempotency_key__startswith=f"usage:{month}:").exclude(state=State.DROPPED)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operator's month is. Amounts are those of its drafts and documents; `waiting` is work that nobody has done yet."""

    tenants: int
    closed: int
    stopped: int
    waiting: int
    drafts: int
    approved: int
    issued: int
    requests: int
    net: Decimal
    vat: Decimal
    gross: Decimal

    @property
    def without_document(self) -> int:
        return max(0, self.closed - self.drafts - self.approved - self.issued)


def progress(operator_id: uuid.UUID, month: Month) -> Progress:
    ours = Tenant.objects.filter(operator_id=operator_id).values("id")
    with operator_scope(operator_id, "progress of a month"):
        tenants = _with_account(operator_id, month).count()
        months = BillingMonth.objects.filter(tenant_id__in=ours, month=month.first)
        by_state = dict(months.values_list("state").annotate(n=Count("id")))
        requests = months.aggregate(n=Sum("requests"))["n"] or 0
        documents = of_month(Document.objects.filter(tenant_id__in=ours), month)
        counts = dict(documents.values_list("state").annotate(n=Count("id")))
        sums = documents.aggregate(net=Sum("net"), vat=Sum("vat"), gross=Sum("gross"))
    unfinished = Work.objects.filter(kind=CLOSE, key__startswith=f"{month}:", for_tenant__in=ours)
    return Progress(
        tenants=tenants,
        closed=by_state.get(BillingMonth.State.CLOSED, 0),
        stopped=by_state.get(BillingMonth.State.STOPPED, 0),
        waiting=unfinished.filter(state__in=[WorkState.WAITING, WorkState.RUNNING]).count(),
        drafts=counts.get(State.DRAFT, 0),
        approved=counts.get(State.APPROVED, 0),
        issued=counts.get(State.ISSUED, 0),
        requests=requests,
        **{name: amount or Decimal("0.00") for name, amount in sums.items()},
    )


def _with_account(operator_id: uuid.UUID, month: Month) -> QuerySet[Tenant]:
    """Tenants that pay a plan in the month, or whose month was closed or stopped."""
    tenants = Tenant.objects.filter(operator_id=operator_id)
    paying = AccountPlan.objects.filter(tenant_id__in=tenants.values("id"), starts__lte=month.first).values("tenant_id")
    touched = BillingMonth.objects.filter(tenant_id__in=tenants.values("id"), month=month.first).values("tenant_id")
    return tenants.filter(Q(id__in=paying) | Q(id__in=touched))


@dataclass(frozen=True, slots=True)
class TenantMonth:
    """One row of the month's page. `lacking`: what a draft needs before it can be approved."""

    tenant: Tenant
    document: Document | None
    month: BillingMonth | None
    lacking: list[str]


def tenants_of(operator_id: uuid.UUID, month: Month, *, only: str = "", offset: int = 0, limit: int = 100) -> list[TenantMonth]:
    """By name; `only` one of draft, approved, issued, stopped."""
    tenants = _with_account(operator_id, month).order_by("name", "id")
    ours = Tenant.objects.filter(operator_id=operator_id).values("id")
    with operator_scope(operator_id, "tenants of a month"):
        if only == BillingMonth.State.STOPPED:
            tenants = tenants.filter(
                id__in=BillingMonth.objects.filter(tenant_id__in=ours, month=month.first, state=only).values("tenant_id")
            )
        elif only:
            tenants = tenants.filter(
                id__in=of_month(Document.objects.filter(tenant_id__in=ours), month).filter(state=only).values("tenant_id")
            )
        page = list(tenants[offset : offset + limit])
        ids = [tenant.id for tenant in page]
        documents = {document.tenant_id: document for document in of_month(Document.objects.filter(tenant_id__in=ids), month)}
        months = {each.tenant_id: each for each in BillingMonth.objects.filter(tenant_id__in=ids, month=month.first)}
    return [TenantMonth(tenant, documents.get(tenant.id), months.get(tenant.id), _lacking(documents.get(tenant.id))) for tenant in page]


def _lacking(document: Document | None) -> list[str]:
    return issuing.missing(document) if document and document.state == State.DRAFT else []
