"""A tenant's month: what it costs so far, and closing it for good.

A month closes when it is over, when the months before it are closed, and when its days have been recounted from the facts. From then on no
usage is posted to it, so that what its document charges can always be counted again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Min
from django.utils import timezone

from billing import accounts, issuing, rating, recount, scheme, usage, vat
from billing.issuing import Content, Refused, both_scopes
from billing.models import AccountPlan, BillingAccount, BillingMonth, BuyerVersion, Document, Kind, State, UsageDay
from billing.money import one_currency
from billing.periods import Month, day_of, is_over
from billing.pricing import Line
from billing.refusals import N_, stored
from billing.scheme import PriceMissing, PriceRow
from billing.vat import Totals, Treatment
from tenants import audit, work
from tenants.isolation import tenant_scope
from tenants.models import Tenant, Work


class NotOver(Refused):
    def __init__(self, month: Month) -> None:
        super().__init__(N_("%(month)s is not over: it can be closed from %(day)s"), month=month, day=month.next().first)


class EarlierMonthOpen(Refused):
    def __init__(self, month: Month, earlier: Month) -> None:
        super().__init__(N_("%(earlier)s is still open: close it before %(month)s"), earlier=earlier, month=month)
        self.earlier = earlier


class CountsDiffer(Refused):
    """Day rows are not what the facts say: the account stops until a person has looked at that day."""

    def __init__(self, differences: Sequence[recount.Difference]) -> None:
        first = differences[0]
        super().__init__(
            N_("%(day)s: %(recorded)s %(what)s recorded, %(counted)s counted"),
            day=first.day,
            recorded=first.recorded,
            what=first.what,
            counted=first.counted,
        )
        self.day = first.day


@dataclass(frozen=True, slots=True)
class PricedMonth:
    """What a tenant's month costs with what is counted. `requests`: those that are charged for, late ones of earlier months included."""

    tenant_id: uuid.UUID
    month: Month
    plan: str
    currency: str
    requests: int
    lines: tuple[Line, ...]
    totals: Totals
    price_rows: tuple[PriceRow, ...]
    illustrative: bool
    through: Month
    buyer: BuyerVersion | None


def preview(tenant_id: uuid.UUID, month: Month) -> PricedMonth:
    """The month as far as it is counted, whether or not its document is drafted. Raises Refused where something that its price needs is
    missing."""
    tenant = Tenant.objects.select_related("operator").get(id=tenant_id)
    with both_scopes(tenant, "preview a month"):
        return _priced(tenant, month, anew=True)


def close(tenant_id: uuid.UUID, month: Month, *, by: str, item: Work | None = None, tenant: Tenant | None = None) -> Document | None:
    """Closes the month and drafts its document; ends `item` with it. None: nothing to charge, or there is nothing to close any more.

    `tenant`: with its operator, where it is read already.

    Raises Refused (with its reason noted for the operator) and leaves everything as it was.
    """
    refuse_unless_over(month)
    tenant = tenant or Tenant.objects.select_related("operator").get(id=tenant_id)
    try:
        with both_scopes(tenant, "close a month"):
            return _close(tenant, month, by, item)
    except Refused as problem:
        _note_problem(tenant, month, problem)
        raise


def refuse_unless_over(month: Month) -> None:
    if not is_over(month, timezone.now()):
        raise NotOver(month)


def first_month(account: BillingAccount) -> Month | None:
    """The first that is not closed, in the caller's scope; None for an account that has neither plan nor usage."""
    if account.closed_through:
        return Month.of(account.closed_through).next()
    begins = AccountPlan.objects.of(account.tenant_id).aggregate(first=Min("starts"))["first"]
    used = UsageDay.objects.of(account.tenant_id).aggregate(first=Min("posted"))["first"]
    days = [day for day in (begins, used) if day]
    return Month.of(min(days)) if days else None


def _close(tenant: Tenant, month: Month, by: str, item: Work | None) -> Document | None:
    account = usage.lock_account(tenant.id)
    assert account is not None
    while usage.roll_locked(account):
        pass
    scheme.turn_to(tenant.operator_id)
    first = first_month(account)
    if first is None or month < first:
        return _draft_again(tenant, account, month, by, item)
    for earlier in _months(first, month):
        if _priced(tenant, earlier, account).lines:
            raise EarlierMonthOpen(month, earlier)
        _shut(account, earlier, 0)
    priced = _priced(tenant, month, account)
    _shut(account, month, priced.requests)
    return _drafted(tenant, account, priced, by, item)


def _months(first: Month, end: Month) -> Iterator[Month]:
    while first < end:
        yield first
        first = first.next()


def _shut(account: BillingAccount, month: Month, requests: int) -> None:
    """No usage is posted to the month from here on. Raises CountsDiffer."""
    tenant_id = account.tenant_id
    for day in recount.days_to_recount(tenant_id, month.days()):
        if differences := recount.recount(tenant_id, day):
            raise CountsDiffer(differences)
    account.closed_through = month.first
    account.save(update_fields=["closed_through"])
    closed = BillingMonth(
        tenant_id=tenant_id,
        operator_id=account.operator_id,
        month=month.first,
        state=BillingMonth.State.CLOSED,
        told=None,
        requests=requests,
        closed_at=timezone.now(),
    )
    BillingMonth.objects.bulk_create(
        [closed],
        update_conflicts=True,
        unique_fields=["tenant", "month"],
        update_fields=["state", "problem", "told", "requests", "closed_at"],
    )


def _drafted(tenant: Tenant, account: BillingAccount, priced: PricedMonth, by: str, item: Work | None) -> Document | None:
    if item:
        work.done(item)
    if not any(line.amount for line in priced.lines):
        audit.record(tenant.id, actor=by, action="month.closed", subject=f"month:{priced.month}", after={"requests": priced.requests})
        return None
    revisions = Document.objects.of(tenant.id).filter(idempotency_key__startswith=f"usage:{priced.month}:").count()
    # Below zero it is a credit note, on which everything is turned round.
    owed = priced.totals.net >= 0
    lines = priced.lines if owed else tuple(line.turned() for line in priced.lines)
    content = Content(
        key=f"usage:{priced.month}:{revisions + 1}",
        kind=Kind.INVOICE if owed else Kind.CREDIT_NOTE,
        first_day=priced.month.first,
        last_day=priced.month.last,
        lines=lines,
        totals=priced.totals if owed else vat.total(lines, priced.totals.treatment, currency=priced.currency),
        requests=priced.requests,
        price_rows=priced.price_rows,
        illustrative=priced.illustrative,
        counted_through=priced.through.first,
        buyer=priced.buyer,
    )
    return issuing.draft(account, tenant, content, by=by)


def invoice_again(tenant_id: uuid.UUID, month: Month, *, by: str) -> Document:
    """A new revision of a closed month, of what is not billed any more because it was credited. Raises Refused."""
    tenant = Tenant.objects.select_related("operator").get(id=tenant_id)
    with both_scopes(tenant, "invoice a month again"):
        account = usage.lock_account(tenant_id)
        if account is None or account.closed_through is None or month.first > account.closed_through:
            raise Refused("%(month)s is not closed: close it", month=month)
        document = _drafted(tenant, account, _priced(tenant, month, account), by, None)
    if document is None:
        raise Refused("all usage of %(month)s is billed: there is nothing to invoice again", month=month)
    return document


def _draft_again(tenant: Tenant, account: BillingAccount, month: Month, by: str, item: Work | None) -> Document | None:
    """A month that is closed, or from before the account: drafted once more if its only draft was dropped."""
    states = set(Document.objects.of(tenant.id).filter(idempotency_key__startswith=f"usage:{month}:").values_list("state", flat=True))
    if states == {State.DROPPED}:
        return _drafted(tenant, account, _priced(tenant, month, account), by, item)
    if item:
        work.done(item)
    return None


def _note_problem(tenant: Tenant, month: Month, problem: Refused) -> None:
    stopped = {"state": BillingMonth.State.STOPPED, "problem": str(problem), "told": stored(problem)}
    with tenant_scope(tenant.id):
        if not BillingMonth.objects.of(tenant.id).filter(month=month.first, state=BillingMonth.State.CLOSED).exists():
            BillingMonth.objects.of(tenant.id).update_or_create(
                tenant_id=tenant.id, month=month.first, defaults=stopped, create_defaults=stopped | {"operator_id": tenant.operator_id}
            )


def _priced(tenant: Tenant, month: Month, account: BillingAccount | None = None, *, anew: bool = False) -> PricedMonth:
    """In both scopes, from the usage posted to the months that are closed and to this one; `anew`: to this and earlier ones only."""
    account = account or BillingAccount.objects.of(tenant.id).first()
    if account is None:
        raise Refused("%(slug)s has no billing account", slug=tenant.slug)
    closed = Month.of(account.closed_through) if account.closed_through else month
    through = month if anew else max(month, closed)
    try:
        rated = rating.rate(tenant.id, account.currency, month, through, anew=anew)
        currency = one_currency(account.currency, *(line.currency for line in rated.lines))
    except (PriceMissing, ValueError) as error:
        raise Refused.of(error) from error
    version = accounts.buyer_on(tenant.id, day_of(timezone.now()))
    treatment = Treatment(version.vat_treatment) if version else Treatment.STANDARD
    return PricedMonth(
        tenant_id=tenant.id,
        month=month,
        plan=rated.plan,
        currency=currency,
        requests=rated.requests,
        lines=rated.lines,
        totals=vat.total(rated.lines, treatment, currency=currency),
        price_rows=rated.price_rows,
        illustrative=rated.illustrative,
        through=through,
        buyer=version,
    )
