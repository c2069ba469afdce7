"""A month of many tenants: its work rows, done by workers or by one process that waits, and how far it has come."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from billing import closing, issuing, scheme
from billing.issuing import Refused
from billing.models import AccountPlan, BillingAccount, BillingMonth, Document, State
from billing.periods import Month
from tenants import work
from tenants.ids import uuid7
from tenants.isolation import operator_scope
from tenants.models import Tenant, Work, WorkState

CLOSE = "close-month"
APPROVE = "approve-document"
ISSUE = "issue-document"
BATCH = 50
# Many times what a batch takes, and less than the patience of whoever waits for the rows of a worker that ended.
LEASE_SECONDS = 30
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a tenant's month did not close, or its document was not issued."""

    tenant_id: uuid.UUID
    refusal: Refused

    @property
    def text(self) -> str:
        """For commands."""
        return str(self.refusal)


@dataclass(frozen=True, slots=True)
class Closed:
    documents: list[Document]
    problems: list[Problem]


def enqueue(tenants: Iterable[Tenant], month: Month) -> list[str]:
    """Work to close the month of those of these tenants that have not closed it, or whose draft of it was dropped. Returns its keys."""
    keys, items = [], []
    for operator_id, ours in _by_operator(tenants).items():
        closed = _closed(operator_id, month)
        rows = Work.objects.filter(kind=CLOSE, key__startswith=f"{month}:", for_tenant__in=[t.id for t in ours], state=WorkState.DONE)
        done = dict(rows.values_list("for_tenant").annotate(n=Count("id")))
        for tenant in ours:
            if tenant.id not in closed:
                # What was done before had nothing to close, or its draft was dropped: it is work once more.
                keys.append(f"{month}:{tenant.id}:{done.get(tenant.id, 0)}")
                items.append(Work(kind=CLOSE, key=keys[-1], for_tenant=tenant.id, ids={"month": str(month)}))
    work.add_many(items)
    return keys


def _closed(operator_id: uuid.UUID, month: Month) -> set[uuid.UUID]:
    """Tenants whose month is closed, except where its document was dropped and no other made."""
    ours = Tenant.objects.filter(operator_id=operator_id).values("id")
    with operator_scope(operator_id, "closed months"):
        accounts = BillingAccount.objects.filter(tenant_id__in=ours, closed_through__gte=month.first)
        documents = Document.objects.filter(tenant_id__in=ours, period_first=month.first)
        dropped = set(documents.filter(state=State.DROPPED).values_list("tenant_id", flat=True))
        standing = set(of_month(documents, month).filter(tenant_id__in=dropped).values_list("tenant_id", flat=True))
        return set(accounts.values_list("tenant_id", flat=True)) - (dropped - standing)


def enqueue_approval(operator_id: uuid.UUID, month: Month, *, by: str, tenant_id: uuid.UUID | None = None) -> list[str]:
    """Work to approve the month's drafts in the name of whoever asks; of one tenant, where it is named. Returns its keys."""
    # Asked for again, perhaps after something was filled in, it is new work.
    documents = {f"{month}:{each.id}:{uuid7()}": each for each in documents_of(operator_id, month, State.DRAFT, tenant_id=tenant_id)}
    _add(APPROVE, documents, by=by)
    return list(documents)


def enqueue_issue(operator_id: uuid.UUID, month: Month, *, tenant_id: uuid.UUID | None = None) -> list[str]:
    """Work to issue what is approved, once. Returns its keys."""
    documents = {f"{month}:{each.id}": each for each in documents_of(operator_id, month, State.APPROVED, tenant_id=tenant_id)}
    _add(ISSUE, documents)
    return list(documents)


def _add(kind: str, documents: Mapping[str, Document], **ids: str) -> None:
    rows = [Work(kind=kind, key=key, for_tenant=each.tenant_id, ids={"document": str(each.id)} | ids) for key, each in documents.items()]
    work.add_many(rows)


def documents_of(operator_id: uuid.UUID, month: Month, *states: State, tenant_id: uuid.UUID | None = None) -> list[Document]:
    """The month's documents in these states, in a stable order."""
    ours = Tenant.objects.filter(operator_id=operator_id)
    chosen = ours.filter(id=tenant_id) if tenant_id else ours
    with operator_scope(operator_id, "documents of a month"):
        rows = of_month(Document.objects.filter(tenant_id__in=chosen.values("id")), month)
        return list(rows.filter(state__in=states).order_by("tenant_id", "id"))


def close_claimed(items: Iterable[Work], *, by: str) -> list[Problem]:
    """One transaction a tenant; a tenant that cannot close holds nobody back."""

    def close(tenant: Tenant, item: Work) -> object:
        return closing.close(tenant.id, Month.parse(item.ids["month"]), by=by, item=item, tenant=tenant)

    return _each(items, close)


def approve_claimed(items: Iterable[Work], *, by: str) -> list[Problem]:
    """In the name of whoever asked. What lacks something stays a draft, which says what."""

    def approve(tenant: Tenant, item: Work) -> object:
        return issuing.approve(tenant.id, uuid.UUID(item.ids["document"]), by=item.ids["by"], item=item, tenant=tenant)

    return _each(items, approve)


def issue_claimed(items: Iterable[Work], *, by: str) -> list[Problem]:
    def issue(tenant: Tenant, item: Work) -> object:
        return issuing.issue(tenant.id, uuid.UUID(item.ids["document"]), by=by, item=item, tenant=tenant)

    return _each(items, issue)


DO = {CLOSE: close_claimed, APPROVE: approve_claimed, ISSUE: issue_claimed}


def _each(items: Iterable[Work], do: Callable[[Tenant, Work], object]) -> list[Problem]:
    """What all have in common, who they are and what prices there are, is read once."""
    problems, claimed = [], list(items)
    tenants = Tenant.objects.select_related("operator").in_bulk([item.for_tenant for item in claimed if item.for_tenant])
    with scheme.price_book():
        for item in claimed:
            assert item.for_tenant is not None
            try:
                do(tenants[item.for_tenant], item)
            except Exception as error:
                problems.append(_put_back(item, error))
    return problems


def _put_back(item: Work, error: Exception) -> Problem:
    assert item.for_tenant is not None
    if item.kind == APPROVE and isinstance(error, Refused):
        # Not tried again: whoever fills in what is missing approves what they see then.
        work.done(item)
    else:
        work.fail(item, error, expected=isinstance(error, Refused))
    return Problem(item.for_tenant, error if isinstance(error, Refused) else Refused("%(error)s; see the log", error=type(error).__name__))


def close_now(tenants: Sequence[Tenant], month: Month, *, by: str) -> Closed:
    """Drafts, approves and issues in this process, for one tenant or all of the operators that they have.

    By the same work rows as workers, and beside them. Raises closing.NotOver; other problems are told.
    """
    closing.refuse_unless_over(month)
    problems = work_off(CLOSE, enqueue(tenants, month), by)
    one = tenants[0].id if len(tenants) == 1 else None
    documents: list[Document] = []
    for operator_id in _by_operator(tenants):
        problems += work_off(APPROVE, enqueue_approval(operator_id, month, by=by, tenant_id=one), by)
        keys = enqueue_issue(operator_id, month, tenant_id=one)
        problems += work_off(ISSUE, keys, by)
        issued = documents_of(operator_id, month, State.ISSUED, tenant_id=one)
        documents += [document for document in issued if f"{month}:{document.id}" in keys]
    return Closed(sorted(documents, key=lambda document: (document.operator_id, document.sequence)), problems)


def _by_operator(tenants: Iterable[Tenant]) -> dict[uuid.UUID, list[Tenant]]:
    groups: dict[uuid.UUID, list[Tenant]] = {}
    for tenant in tenants:
        groups.setdefault(tenant.operator_id, []).append(tenant)
    return groups


def work_off(kind: str, keys: Iterable[str], by: str) -> list[Problem]:
    """Does these work rows; for those that a worker has at the moment it waits."""
    problems: list[Problem] = []
    left, end = set(keys), time.monotonic() + PATIENCE_SECONDS
    while left:
        if claimed := work.claim(kind, BATCH, LEASE_SECONDS, keys=sorted(left)):
            problems += DO[kind](claimed, by=by)
            left -= {item.key for item in claimed}
            continue
        elsewhere = {item.key: item for item in Work.objects.filter(kind=kind, key__in=left, state=WorkState.RUNNING)}
        if elsewhere and time.monotonic() > end:
            return problems + [
                Problem(item.for_tenant, Refused("a worker is still at it")) for item in elsewhere.values() if item.for_tenant
            ]
        left &= elsewhere.keys()
        time.sleep(POLL_SECONDS if left else 0)
    return problems


def of_month(documents: QuerySet[Document], month: Month) -> QuerySet[Document]:
    """The month's own documents, without those that were dropped."""
    return documents.filter(period_first=month.first, idempotency_key__startswith=f"usage:{month}:").exclude(state=State.DROPPED)


@dataclass(frozen=True, slots=True)
class Step:
    """close-month, approve-document or issue-document: how many of its work rows are done, and how many a person must look at."""

    kind: str
    total: int
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an operator's month is. Amounts are those of its drafts and documents; `steps` the work that was asked for."""

    tenants: int
    closed: int
    stopped: int
    drafts: int
    approved: int
    issued: int
    requests: int
    net: Decimal
    vat: Decimal
    gross: Decimal
    steps: tuple[Step, ...]

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
    return Progress(
        tenants=tenants,
        closed=by_state.get(BillingMonth.State.CLOSED, 0),
        stopped=by_state.get(BillingMonth.State.STOPPED, 0),
        drafts=counts.get(State.DRAFT, 0),
        approved=counts.get(State.APPROVED, 0),
        issued=counts.get(State.ISSUED, 0),
        requests=requests,
        steps=_steps(operator_id, month),
        **{name: amount or Decimal("0.00") for name, amount in sums.items()},
    )


def _steps(operator_id: uuid.UUID, month: Month) -> tuple[Step, ...]:
    ours = Tenant.objects.filter(operator_id=operator_id).values("id")
    rows = Work.objects.filter(kind__in=DO, key__startswith=f"{month}:", for_tenant__in=ours).values_list("kind", "state")
    counts = Counter({(kind, state): n for kind, state, n in rows.annotate(n=Count("id"))})
    return tuple(
        Step(
            kind,
            total=sum(n for (of, _), n in counts.items() if of == kind),
            done=counts[kind, WorkState.DONE.value],
            failed=counts[kind, WorkState.FAILED.value],
        )
        for kind in DO
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
        made = of_month(Document.objects.filter(tenant_id__in=ids), month).order_by("id")
        documents = {document.tenant_id: document for document in made}
        months = {each.tenant_id: each for each in BillingMonth.objects.filter(tenant_id__in=ids, month=month.first)}
    return [TenantMonth(tenant, documents.get(tenant.id), months.get(tenant.id), _lacking(documents.get(tenant.id))) for tenant in page]


def _lacking(document: Document | None) -> list[str]:
    return issuing.missing(document) if document and document.state == State.DRAFT else []
