"""What the operator decides: who pays which plan from when, and how the scheme's prices reach the account."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone

from billing import accounts, scheme
from billing.accounts import Buyer
from billing.models import AapDecision, AccountPlan, BillingAccount, ContractYear, PassOn, Plan, PlanTier, PlanVersion, SchemeCharge
from billing.money import one_currency, price_text
from billing.periods import Month, day_of, default_contract_year
from billing.pricing import AapPrice, FeeTier, LineKind, SchemePrices
from billing.pricing import Plan as PlanPrice
from billing.pricing import SchemeCharge as ChargePrice
from billing.scheme import Decided, PriceMissing, PriceRow
from tenants import audit
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Operator, Tenant


@dataclass(frozen=True, slots=True)
class MonthPrices:
    """Everything that one account's month is priced by. `rows` are the price rows as documents keep them."""

    plan: PlanPrice
    scheme: SchemePrices
    rows: tuple[PriceRow, ...]
    core_client_model: str | None

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
    tiers = list(PlanTier.objects.filter(version=version).order_by("up_to"))
    plan = PlanPrice(
        row=str(version.id),
        name=version.plan.name,
        currency=version.currency,
        tiers=tuple(FeeTier(tier.up_to, tier.price) for tier in tiers),
        subscription=version.subscription,
    )
    decided = _passed_on(version, month) if used else []
    prices = [each.price for each in decided]
    scheme_prices = SchemePrices(
        currency=one_currency(*(each.row["currency"] for each in decided)) if decided else version.currency,
        aap=next((price for price in prices if isinstance(price, AapPrice)), None),
        charges=tuple(price for price in prices if isinstance(price, ChargePrice)),
    )
    core_client = next((each.usage_model for each in decided if each.row["kind"] == LineKind.CORE_CLIENT), None)
    return MonthPrices(plan, scheme_prices, (*(each.row for each in decided), _plan_row(version, tiers)), core_client)


def _version(tenant_id: uuid.UUID, month: Month) -> PlanVersion:
    assigned = AccountPlan.objects.of(tenant_id).filter(starts__lte=month.first).order_by("-starts").first()
    if assigned is None:
        raise PriceMissing(f"the account has no plan in {month}: choose one")
    versions = PlanVersion.objects.filter(plan_id=assigned.plan_id, starts__lte=month.first)
    version = versions.select_related("plan").order_by("-starts").first()
    if version is None:
        raise PriceMissing(f"the account's plan has no prices in {month}: enter a version that starts before it")
    return version


def _passed_on(version: PlanVersion, month: Month) -> list[Decided]:
    decided = [scheme.aap(month)] if version.aap == PassOn.AT_COST else []
    at_cost = {kind for kind in SchemeCharge.Kind if getattr(version, kind) == PassOn.AT_COST}
    return decided + [charge for charge in scheme.charges(month) if charge.row["kind"] in at_cost]


def _plan_row(version: PlanVersion, tiers: list[PlanTier]) -> PriceRow:
    return {
        "id": str(version.id),
        "kind": "plan",
        "name": version.plan.name,
        "starts": version.starts.isoformat(),
        "currency": version.currency,
        "pass_on": {"aap": version.aap, "core_client": version.core_client, "udviklingsbidrag": version.udviklingsbidrag},
        "tiers": [[None if tier.up_to is None else str(tier.up_to), price_text(tier.price)] for tier in tiers],
        "subscription": None if version.subscription is None else price_text(version.subscription),
        "illustrative": version.illustrative,
    }


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
    """The account pays `plan` from that month on; a month that is closed stays as it is."""
    with tenant_scope(account.tenant_id):
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


def _default_plan(operator: Operator) -> Plan | None:
    with operator_scope(operator.id, "the default plan"):
        plans = list(Plan.objects.filter(operator=operator))
    return next((plan for plan in plans if plan.is_default), None) if plans else illustrative(operator)


ILLUSTRATIVE_TIERS = ((1_000, "0.80"), (10_000, "0.60"), (None, "0.40"))
ILLUSTRATIVE_AAP = "0.259"
ILLUSTRATIVE_YEARS = range(1, 8)
ILLUSTRATIVE_CHARGES = (("core_client", "0.03", None), ("udviklingsbidrag", "0.01", date(2027, 10, 31)))
ILLUSTRATIVE_SOURCE = "illustrative: MitID has published no amounts"


def illustrative(operator: Operator) -> Plan:
    """Prices to try the product with, none of them real: contract years, AAP, charges and a default plan. Again: nothing changes."""
    _illustrative_scheme()
    start = default_contract_year(1).first
    with operator_scope(operator.id, "illustrative prices"):
        plan, _ = Plan.objects.get_or_create(operator=operator, name="Standard", defaults={"is_default": True})
        version, made = PlanVersion.objects.get_or_create(
            plan=plan, starts=start, defaults={"operator": operator, "illustrative": True, "entered_by": "system"}
        )
        if made:
            PlanTier.objects.bulk_create(
                [PlanTier(operator=operator, version=version, up_to=up_to, price=Decimal(price)) for up_to, price in ILLUSTRATIVE_TIERS]
            )
    return plan


def _illustrative_scheme() -> None:
    for number in ILLUSTRATIVE_YEARS:
        period = default_contract_year(number)
        year, _ = ContractYear.objects.get_or_create(number=number, defaults={"first": period.first, "last": period.last})
        if not AapDecision.objects.filter(contract_year=year).exists():
            AapDecision.objects.create(
                contract_year=year,
                kind=AapDecision.Kind.PROVISIONAL,
                requests=650_000_000,
                authenticators=1_250_000,
                price=Decimal(ILLUSTRATIVE_AAP),
                source=ILLUSTRATIVE_SOURCE,
                entered_by="system",
                illustrative=True,
            )
    for kind, price, until in ILLUSTRATIVE_CHARGES:
        if not SchemeCharge.objects.filter(kind=kind).exists():
            SchemeCharge.objects.get_or_create(
                kind=kind,
                usage_model="standard",
                starts=default_contract_year(1).first,
                defaults={
                    "price": Decimal(price),
                    "until": until,
                    "source": ILLUSTRATIVE_SOURCE,
                    "entered_by": "system",
                    "illustrative": True,
                },
            )
