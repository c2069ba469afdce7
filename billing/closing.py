"""A tenant's month: what it costs so far, and closing it for good.

A month closes when it is over, when the months before it are closed, and when its days have been recounted from the facts. From then on no
usage is posted to it, so that what its document charges can always be counted again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from django.db.models import Min
from django.db.models.functions import Now
from django.utils import timezone

from billing import accounts, issuing, prices, pricing, recount, usage, vat
from billing.issuing import Content, Refused, both_scopes
from billing.models import AccountPlan, BillingAccount, BillingMonth, Document, State, UsageDay
from billing.money import amount_of, exact, one_currency
from billing.periods import Month, day_of, is_over
from billing.prices import MonthPrices
from billing.pricing import Line
from billing.scheme import PriceMissing, PriceRow
from billing.usage import Chargeable
from billing.vat import Totals, Treatment
from tenants import audit, work
from tenants.isolation import tenant_scope
from tenants.models import Tenant, Work


class NotOver(Refused):
    def __init__(self, month: Month) -> None:
        super().__init__(f"{month} is not over: it can be closed from {month.next().first}")


class EarlierMonthOpen(Refused):
    def __init__(self, month: Month, earlier: Month) -> None:
        super().__init__(f"{earlier} is still open: close it before {month}")
        self.earlier = earlier


class CountsDiffer(Refused):
    """Day rows are not what the facts say: the account stops until a person has looked at that day."""

    def __init__(self, differences: Sequence[recount.Difference]) -> None:
        super().__init__("; ".join(str(difference) for difference in differences[:3]))
        self.day = differences[0].day


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


def preview(tenant_id: uuid.UUID, month: Month) -> PricedMonth:
    """The month as far as it is counted. Raises Refused where something that its price needs is missing."""
    tenant = Tenant.objects.select_related("operator").get(id=tenant_id)
    with both_scopes(tenant, "preview a month"):
        return _priced(tenant, month)


def close(tenant_id: uuid.UUID, month: Month, *, by: str, item: Work | None = None) -> Document | None:
    """Closes the month and drafts its document; ends `item` with it. None: nothing to charge, or there is nothing to close any more.

    Raises Refused (with its reason noted for the operator) and leaves everything as it was.
    """
    refuse_unless_over(month)
    tenant = Tenant.objects.select_related("operator").get(id=tenant_id)
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
    first = first_month(account)
    if first is None or month < first:
        return _draft_again(tenant, account, month, by, item)
    for earlier in _months(first, month):
        if _priced(tenant, earlier).lines:
            raise EarlierMonthOpen(month, earlier)
        _shut(account, earlier, 0)
    priced = _priced(tenant, month)
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
    closed = {"state": BillingMonth.State.CLOSED, "problem": "", "requests": requests, "closed_at": Now()}
    BillingMonth.objects.of(tenant_id).update_or_create(
        tenant_id=tenant_id, month=month.first, defaults=closed, create_defaults=closed | {"operator_id": account.operator_id}
    )


def _drafted(tenant: Tenant, account: BillingAccount, priced: PricedMonth, by: str, item: Work | None) -> Document | None:
    if priced.totals.net < 0:
        raise Refused(f"{priced.month} comes to {priced.totals.net} {priced.currency}: below zero it needs a credit note")
    if item:
        work.done(item)
    if not priced.totals.net:
        audit.record(tenant.id, actor=by, action="month.closed", subject=f"month:{priced.month}", after={"requests": priced.requests})
        return None
    revisions = Document.objects.of(tenant.id).filter(idempotency_key__startswith=f"usage:{priced.month}:").count()
    content = Content(
        key=f"usage:{priced.month}:{revisions + 1}",
        first_day=priced.month.first,
        last_day=priced.month.last,
        lines=priced.lines,
        totals=priced.totals,
        requests=priced.requests,
        price_rows=priced.price_rows,
        illustrative=priced.illustrative,
    )
    return issuing.draft(account, tenant, content, by=by)


def _draft_again(tenant: Tenant, account: BillingAccount, month: Month, by: str, item: Work | None) -> Document | None:
    """A month that is closed, or from before the account: drafted once more if its only draft was dropped."""
    states = set(Document.objects.of(tenant.id).filter(idempotency_key__startswith=f"usage:{month}:").values_list("state", flat=True))
    if states == {State.DROPPED}:
        return _drafted(tenant, account, _priced(tenant, month), by, item)
    if item:
        work.done(item)
    return None


def _note_problem(tenant: Tenant, month: Month, problem: Refused) -> None:
    stopped = {"state": BillingMonth.State.STOPPED, "problem": str(problem)}
    with tenant_scope(tenant.id):
        if not BillingMonth.objects.of(tenant.id).filter(month=month.first, state=BillingMonth.State.CLOSED).exists():
            BillingMonth.objects.of(tenant.id).update_or_create(
                tenant_id=tenant.id, month=month.first, defaults=stopped, create_defaults=stopped | {"operator_id": tenant.operator_id}
            )


def _priced(tenant: Tenant, month: Month) -> PricedMonth:
    """In both scopes. What happened earlier and is posted to this month costs what it would have cost then, on top of that usage."""
    posted = usage.chargeable(tenant.id, month, month)
    happened = sorted({each.month for each in posted} | {month})
    account = BillingAccount.objects.of(tenant.id).first()
    if account is None:
        raise Refused(f"{tenant.slug} has no billing account")
    try:
        priced = {each: prices.of_month(tenant.id, each, used=_used(posted, each)) for each in happened}
        lines = _own(priced[month], posted, month)
        for late in happened:
            if late != month and (at := priced[late]):
                lines += _late(tenant.id, at, late, month)
        currency = one_currency(account.currency, *(line.currency for line in lines))
    except (PriceMissing, ValueError) as error:
        raise Refused(str(error)) from error
    version = accounts.buyer_on(tenant.id, day_of(timezone.now()))
    used = [each for each in priced.values() if each]
    plan = priced[month]
    return PricedMonth(
        tenant_id=tenant.id,
        month=month,
        plan=plan.plan.name if plan else "",
        currency=currency,
        requests=sum(each.requests for each in posted),
        lines=tuple(lines),
        totals=vat.total(lines, Treatment(version.vat_treatment) if version else Treatment.STANDARD, currency=currency),
        price_rows=tuple({row["id"]: row for each in used for row in each.rows}.values()),
        illustrative=any(each.illustrative for each in used),
    )


def _used(posted: Iterable[Chargeable], month: Month) -> bool:
    return any(each.month == month for each in posted)


def _own(at: MonthPrices | None, posted: Iterable[Chargeable], month: Month) -> list[Line]:
    return pricing.price(at.plan, at.scheme, _usage(posted, month, at), month) if at else []


def _late(tenant_id: uuid.UUID, at: MonthPrices, happened: Month, month: Month) -> list[Line]:
    """One line per component and tier, of the requests that are known now and were not in the months before."""

    def known(until: Month) -> dict[tuple[str, int | None], Line]:
        return {(line.kind, line.tier_from): line for line in _own(at, usage.chargeable(tenant_id, happened, until), happened)}

    before, now = known(month.previous()), known(month)
    lines = []
    for key, line in (before | now).items():
        quantity = exact(now[key].quantity if key in now else 0) - exact(before[key].quantity if key in before else 0)
        if quantity:
            lines.append(replace(line, quantity=quantity, amount=amount_of(quantity, line.unit_price)))
    return lines


def _usage(posted: Iterable[Chargeable], month: Month, at: MonthPrices) -> pricing.Usage:
    own = [each for each in posted if each.month == month]
    core_client = sum(each.requests for each in own if each.core_client and each.usage_model == at.core_client_model)
    return pricing.Usage(sum(each.requests for each in own), core_client)
