"""What the operator decides: who pays which plan from when, and how the scheme's prices reach the account."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from billing import accounts, plans, scheme
from billing.accounts import Buyer
from billing.fees import FeeTier, Mode, Period, PlanError, Plus
from billing.models import AccountPlan, BillingAccount, OneOff, PassOn, Plan, PlanPrice, PlanTier, PlanVersion, SchemeCharge
from billing.money import decimals, one_currency, price_text
from billing.periods import ContractYear, Month, day_of
from billing.pricing import AapPrice, ActionPrice, SchemePrices
from billing.pricing import Plan as PlanPriceOf
from billing.pricing import SchemeCharge as ChargePrice
from billing.scheme import Decided, PriceMissing, PriceRow
from tenants import audit
from tenants.ids import uuid7
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Operator, Tenant


@dataclass(frozen=True, slots=True)
class MonthPrices:
    """Everything that one account's month is priced by. `rows` are the price rows as documents keep them."""

    plan: PlanPriceOf
    scheme: SchemePrices
    rows: tuple[PriceRow, ...]

    @property
    def illustrative(self) -> bool:
        return any(row["illustrative"] for row in self.rows)


def of_month(tenant_id: uuid.UUID, month: Month, *, used: bool = True) -> MonthPrices | None:
    """In the scopes of the tenant and its operator. Raises PriceMissing, unless nothing is `used` in the month; None: nor has it a plan."""
    try:
        version = _version(tenant_id, month)
    except PriceMissing:
        if used:
            raise
        return None
    return scheme.kept(("prices", version.id, month, used), lambda: _month_prices(version, month, used))


def _month_prices(version: PlanVersion, month: Month, used: bool) -> MonthPrices:
    tiers = list(PlanTier.objects.filter(version=version).order_by("up_to"))
    own = list(PlanPrice.objects.filter(version=version).order_by("id"))
    plan = _plan(version, tiers, own)
    decided = _passed_on(version, month) if used else []
    prices = [each.price for each in decided]
    scheme_prices = SchemePrices(
        currency=one_currency(*(each.row["currency"] for each in decided)) if decided else version.currency,
        aap=next((price for price in prices if isinstance(price, AapPrice)), None),
        charges=tuple(price for price in prices if isinstance(price, ChargePrice)),
    )
    return MonthPrices(plan, scheme_prices, (*(each.row for each in decided), _plan_row(version, tiers, own)))


def _plan(version: PlanVersion, tiers: list[PlanTier], own: list[PlanPrice]) -> PlanPriceOf:
    return PlanPriceOf(
        row=str(version.id),
        name=version.plan.name,
        currency=version.currency,
        tiers=tuple(FeeTier(tier.up_to, tier.price) for tier in tiers),
        subscription=version.subscription,
        mode=Mode(version.mode),
        period=Period(version.period),
        prices=tuple(
            ActionPrice(str(version.id), str(each.connection_id) if each.connection_id else None, each.action, each.price) for each in own
        ),
        minimum=version.minimum,
        discount=version.discount,
        discount_until=version.discount_until,
    )


def version_of(tenant_id: uuid.UUID, month: Month) -> PlanVersion | None:
    """The prices of the account's plan in that month, in both scopes; None where it has none."""
    try:
        return _version(tenant_id, month)
    except PriceMissing:
        return None


def same_prices(tenant_id: uuid.UUID, month: Month, year: ContractYear) -> tuple[Month, Month]:
    """First and last month of the contract year, around `month`, in which the account pays by the same version; in both scopes."""
    wanted = _version(tenant_id, month)
    first = last = month
    while first.first > year.first and version_of(tenant_id, first.previous()) == wanted:
        first = first.previous()
    while last.last < year.last and version_of(tenant_id, last.next()) == wanted:
        last = last.next()
    return first, last


def assigned_on(tenant_id: uuid.UUID, month: Month) -> AccountPlan | None:
    """What the account pays in that month: the newest assignment that has begun; in the tenant's scope."""
    sql = "SELECT * FROM billing_accountplan WHERE tenant_id = %s AND starts <= %s ORDER BY entered_at DESC, id DESC LIMIT 1"
    return next(iter(AccountPlan.objects.raw(sql, [tenant_id, month.first])), None)


def _version(tenant_id: uuid.UUID, month: Month) -> PlanVersion:
    assigned = assigned_on(tenant_id, month)
    if assigned is None:
        raise PriceMissing("the account has no plan in %(month)s: choose one", month=month)
    version = scheme.kept(("version", assigned.plan_id, month), lambda: _version_of(assigned.plan_id, month))
    if version is None:
        raise PriceMissing("the account's plan has no prices in %(month)s: enter a version that starts before it", month=month)
    return version


def _version_of(plan_id: uuid.UUID, month: Month) -> PlanVersion | None:
    versions = PlanVersion.objects.filter(plan_id=plan_id, starts__lte=month.first)
    return versions.select_related("plan").order_by("-starts").first()


def plus_of(version: PlanVersion, component: str) -> Plus:
    """What is added to the price of a component that is passed on at cost plus; nothing at cost."""
    given = version.plus.get(component, {}) if getattr(version, component) == PassOn.AT_COST_PLUS else {}
    return Plus(Decimal(given.get("percent", "0")), Decimal(given.get("ore", "0")))


def _passed_on(version: PlanVersion, month: Month) -> list[Decided]:
    decided = [scheme.aap(month)] if version.aap != PassOn.INCLUDED else []
    on = {kind for kind in SchemeCharge.Kind if getattr(version, kind) != PassOn.INCLUDED}
    decided += [charge for charge in scheme.charges(month) if charge.row["kind"] in on]
    return [_with_plus(each, plus_of(version, each.row["kind"])) for each in decided]


def _with_plus(each: Decided, plus: Plus) -> Decided:
    if plus == Plus():
        return each
    price = replace(each.price, unit_price=plus.on(each.price.unit_price))
    added = {"percent": format(plus.percent, "f"), "ore": format(plus.ore, "f")}
    return replace(each, price=price, row=each.row | {"plus": added, "passed_on": price_text(price.unit_price)})


def _plan_row(version: PlanVersion, tiers: list[PlanTier], own: list[PlanPrice]) -> PriceRow:
    row = {
        "id": str(version.id),
        "kind": "plan",
        "name": version.plan.name,
        "starts": version.starts.isoformat(),
        "currency": version.currency,
        "pass_on": {"aap": version.aap, "core_client": version.core_client, "udviklingsbidrag": version.udviklingsbidrag},
        "mode": version.mode,
        "period": version.period,
        "tiers": [[None if tier.up_to is None else str(tier.up_to), price_text(tier.price)] for tier in tiers],
        "subscription": None if version.subscription is None else price_text(version.subscription),
        "illustrative": version.illustrative,
    }
    if version.plus:
        row["plus"] = version.plus
    if own:
        row["prices"] = [[str(each.connection_id or ""), each.action, price_text(each.price)] for each in own]
    if version.minimum is not None:
        row["minimum"] = price_text(version.minimum)
    if version.discount is not None:
        row["discount"] = format(version.discount, "f")
        row["discount_until"] = version.discount_until.isoformat() if version.discount_until else None
    return row


def open_account(
    tenant: Tenant,
    *,
    buyer: Buyer | None = None,
    email: str = "",
    language: str = "da",
    first_month: Month | None = None,
    by: str = "system",
) -> BillingAccount:
    """The tenant's account, with the operator's default plan from `first_month` (this month) on. Again: nothing changes.

    Without `buyer` invoices name the tenant, whose address is then missing: it must be entered before a document can be approved.
    Where the operator has no plan at all, the illustrative one is made.
    """
    today = day_of(timezone.now())
    month = first_month or Month.of(today)
    plan = _default_plan(tenant.operator)
    with tenant_scope(tenant.id):
        account = accounts.open_account(tenant, email=email, language=language)
        if accounts.buyer_on(tenant.id, date.max) is None:
            accounts.change_buyer(account, buyer or Buyer(name=tenant.name), valid_from=min(month.first, today), by=by)
        if plan and not AccountPlan.objects.of(tenant.id).exists():
            assign_plan(account, plan, month, by=by)
    return account


def assign_plan(account: BillingAccount, plan: Plan, starts: Month, *, by: str) -> AccountPlan:
    """The account pays `plan` from that month on. As it is already: nothing changes. Raises PlanError where the month is closed."""
    with tenant_scope(account.tenant_id):
        known = assigned_on(account.tenant_id, starts)
        if known and known.plan_id == plan.id and (known.starts == starts.first or not _later(known, starts)):
            return known
        closed = BillingAccount.objects.of(account.tenant_id).values_list("closed_through", flat=True).get(id=account.id)
        if closed and starts.first <= closed:
            raise PlanError("%(starts)s is closed: a plan can begin in %(next)s", at="starts", starts=starts, next=Month.of(closed).next())
        assigned = AccountPlan.objects.create(
            tenant_id=account.tenant_id,
            operator_id=account.operator_id,
            account_id=account.id,
            plan=plan,
            starts=starts.first,
            entered_by=by,
        )
        facts = {"plan": plan.name, "starts": starts.first}
        audit.record(account.tenant_id, actor=by, action="account.plan", subject=f"account:{account.id}", after=audit.changed({}, facts)[1])
    return assigned


def _later(assigned: AccountPlan, starts: Month) -> bool:
    """Whether a newer assignment begins after `starts`, so that this one does not hold for good."""
    newer = AccountPlan.objects.of(assigned.tenant_id).filter(starts__gt=starts.first, entered_at__gt=assigned.entered_at)
    return newer.exists()


def refuse_one_off(account: BillingAccount, month: Month, *, quantity: Decimal, unit_price: Decimal, text: str) -> None:
    """Raises PlanError where such a line cannot be charged with that month's document."""
    if not text.strip():
        raise PlanError("a one-off line has a text", at="text")
    if quantity <= 0 or unit_price < 0 or max(decimals(quantity), decimals(unit_price)) > 2:
        raise PlanError("a one-off line has a quantity above 0 and a price of at least 0, both with at most 2 decimals", at="quantity")
    with tenant_scope(account.tenant_id):
        held = BillingAccount.objects.of(account.tenant_id).select_for_update(no_key=True).get(id=account.id)
        if held.closed_through and month.first <= held.closed_through:
            raise PlanError("%(month)s is closed: choose %(next)s", at="month", month=month, next=Month.of(held.closed_through).next())


def add_one_off(
    account: BillingAccount,
    month: Month,
    *,
    quantity: Decimal,
    unit_price: Decimal,
    text: str,
    by: str,
    approved_by: str,
    row: uuid.UUID | None = None,
) -> OneOff:
    """Charged with that month's document, once. Raises PlanError where the month is closed, or nobody else approves."""
    if not approved_by.strip() or (approved_by == by and settings.FOUR_EYES):
        raise PlanError("a one-off line is approved by somebody else than who enters it")
    with tenant_scope(account.tenant_id):
        refuse_one_off(account, month, quantity=quantity, unit_price=unit_price, text=text)
        line = OneOff.objects.create(
            id=row or uuid7(),
            tenant_id=account.tenant_id,
            operator_id=account.operator_id,
            account_id=account.id,
            month=month.first,
            quantity=quantity,
            unit_price=unit_price,
            text=text,
            entered_by=by,
            approved_by=approved_by,
        )
        facts = {"month": str(month), "quantity": quantity, "unit_price": unit_price, "text": text, "approved_by": approved_by}
        audit.record(account.tenant_id, actor=by, action="account.one_off", subject=f"one_off:{line.id}", after=audit.changed({}, facts)[1])
    return line


def _default_plan(operator: Operator) -> Plan | None:
    with operator_scope(operator.id, "the default plan"):
        every = list(Plan.objects.filter(operator=operator))
    return next((plan for plan in every if plan.is_default), None) if every else plans.illustrative(operator)
