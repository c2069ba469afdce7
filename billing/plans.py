"""Entering what the operator decides: plans in dated versions, and the illustrative prices that an installation begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from billing import fees
from billing.fees import Cliff, FeeTier, Mode, Period, PlanError, Plus
from billing.models import (
    AapDecision,
    AccountPlan,
    BillingAccount,
    ContractYear,
    PassOn,
    Plan,
    PlanPrice,
    PlanTier,
    PlanVersion,
    SchemeCharge,
)
from billing.periods import Month, default_contract_year
from billing.pricing import ActionPrice
from billing.pricing import Plan as Checked
from tenants import audit
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant

COMPONENTS = ("aap", "core_client", "udviklingsbidrag")


@dataclass(frozen=True, slots=True)
class Terms:
    """A version of a plan as it is entered. `plus`: by component, what is added to a price that is passed on at cost plus."""

    currency: str = "DKK"
    pass_on: Mapping[str, str] = field(default_factory=dict)
    plus: Mapping[str, Plus] = field(default_factory=dict)
    tiers: Sequence[FeeTier] = ()
    mode: Mode = Mode.GRADUATED
    period: Period = Period.MONTH
    prices: Sequence[ActionPrice] = ()
    subscription: Decimal | None = None
    minimum: Decimal | None = None
    discount: Decimal | None = None
    discount_until: date | None = None

    def cliffs(self) -> list[Cliff]:
        return fees.cliffs(self.tiers, self.mode)


def enter_plan(
    operator: Operator, name: str, starts: Month, terms: Terms, *, by: str, reason: str = "", illustrative: bool = False
) -> tuple[PlanVersion, bool]:
    """(version, whether it is new), in the operator's scope. The same again: nothing changes. Raises PlanError.

    A version never begins in a month that an account of the plan has closed, and what was entered is never changed.
    """
    _check(name, terms)
    plan, _ = Plan.objects.get_or_create(operator=operator, name=name)
    columns = _columns(terms)
    known = PlanVersion.objects.filter(plan=plan, starts=starts.first).first()
    if known:
        if _entered(known) != _wanted(columns, terms):
            raise PlanError(
                "plan %(name)s from %(starts)s on is entered already with other prices: let a new version begin later",
                at="starts",
                name=name,
                starts=starts,
            )
        return known, False
    if closed := _closed_month(plan, starts):
        raise PlanError(
            "an account of plan %(name)s has closed %(closed)s: a version can begin in %(next)s",
            at="starts",
            name=name,
            closed=closed,
            next=closed.next(),
        )
    version = PlanVersion.objects.create(
        operator=operator, plan=plan, starts=starts.first, entered_by=by, reason=reason, illustrative=illustrative, **columns
    )
    PlanTier.objects.bulk_create([PlanTier(operator=operator, version=version, up_to=t.up_to, price=t.unit_price) for t in terms.tiers])
    PlanPrice.objects.bulk_create(
        [
            PlanPrice(operator=operator, version=version, connection_id=p.connection, action=p.action, price=p.unit_price)
            for p in terms.prices
        ]
    )
    facts = {"plan": name, "starts": starts.first, **{key: value for key, value in columns.items() if value not in (None, {})}}
    audit.record_for_operator(
        operator.id, actor=by, action="plan.entered", subject=f"plan:{version.id}", after=audit.changed({}, facts)[1], reason=reason
    )
    return version, True


def _check(name: str, terms: Terms) -> None:
    if not name.strip():
        raise PlanError("a plan has a name", at="name")
    for component, how in terms.pass_on.items():
        if component not in COMPONENTS or how not in PassOn.values:
            raise PlanError("%(component)s is passed on at_cost, at_cost_plus or included, not %(how)s", component=component, how=how)
        if (how == PassOn.AT_COST_PLUS) != (component in terms.plus):
            raise PlanError("%(component)s: at_cost_plus, and only that, says how much more", component=component)
    if terms.discount_until and terms.discount_until != Month.of(terms.discount_until).last:
        raise PlanError("a discount ends with a month, not on %(discount_until)s", at="discount_until", discount_until=terms.discount_until)
    if len({(each.connection, each.action) for each in terms.prices}) != len(terms.prices):
        raise PlanError("two prices for the same connection and action")
    Checked(
        row="",
        name=name,
        currency=terms.currency,
        tiers=tuple(terms.tiers),
        subscription=terms.subscription,
        mode=terms.mode,
        period=terms.period,
        prices=tuple(terms.prices),
        minimum=terms.minimum,
        discount=terms.discount,
        discount_until=terms.discount_until,
    )


def _columns(terms: Terms) -> dict[str, Any]:
    passed = {component: terms.pass_on.get(component, PassOn.AT_COST.value) for component in COMPONENTS}
    plus = {
        component: {"percent": format(added.percent.normalize(), "f"), "ore": format(added.ore.normalize(), "f")}
        for component, added in terms.plus.items()
    }
    return passed | {
        "currency": terms.currency,
        "plus": plus,
        "mode": terms.mode.value,
        "period": terms.period.value,
        "subscription": terms.subscription,
        "minimum": terms.minimum,
        "discount": terms.discount,
        "discount_until": terms.discount_until,
    }


def _wanted(columns: dict[str, Any], terms: Terms) -> dict[str, Any]:
    tiers = {tier.up_to: tier.unit_price for tier in terms.tiers}
    return columns | {"tiers": tiers, "prices": {(each.connection, each.action): each.unit_price for each in terms.prices}}


def _entered(version: PlanVersion) -> dict[str, Any]:
    names = (*COMPONENTS, "currency", "plus", "mode", "period", "subscription", "minimum", "discount", "discount_until")
    rows = PlanPrice.objects.filter(version=version)
    return {name: getattr(version, name) for name in names} | {
        "tiers": {tier.up_to: tier.price for tier in PlanTier.objects.filter(version=version)},
        "prices": {(str(row.connection_id) if row.connection_id else None, row.action): row.price for row in rows},
    }


def _closed_month(plan: Plan, starts: Month) -> Month | None:
    """The last closed month from `starts` on of an account that pays the plan, in the operator's scope."""
    ours = Tenant.objects.filter(operator_id=plan.operator_id).values("id")
    paying = AccountPlan.objects.filter(tenant_id__in=ours, plan=plan).values("tenant_id")
    closed = BillingAccount.objects.filter(tenant_id__in=paying, closed_through__gte=starts.first).order_by("-closed_through").first()
    return Month.of(closed.closed_through) if closed and closed.closed_through else None


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
