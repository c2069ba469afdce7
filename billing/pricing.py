"""From counts and prices to the lines of one account and month. Pure; SQL says how many, rows say at what price."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.money import amount_of, exact, one_currency, unit_price
from billing.periods import Month


class LineKind(StrEnum):
    """The component that a line charges for. Stored in documents: a value is never renamed."""

    AAP = "aap"
    CORE_CLIENT = "core_client"
    UDVIKLINGSBIDRAG = "udviklingsbidrag"
    FEE = "fee"
    SUBSCRIPTION = "subscription"


class Unit(StrEnum):
    REQUEST = "request"
    MONTH = "month"


class PlanError(ValueError):
    """A plan or a price that cannot be used."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one account has to pay for in one month."""

    requests: int
    core_client_requests: int

    def __post_init__(self) -> None:
        if not 0 <= self.core_client_requests <= self.requests:
            raise ValueError(f"impossible usage: {self.core_client_requests} of {self.requests} requests by the core client")


@dataclass(frozen=True, slots=True)
class AapPrice:
    """The decision that counts for the month. `row` is its id; the settled price is `final`."""

    row: str
    unit_price: Decimal
    contract_year: int
    year_ends: date
    settled_by: date
    final: bool = False

    def __post_init__(self) -> None:
        unit_price(self.unit_price)


@dataclass(frozen=True, slots=True)
class SchemeCharge:
    """A surcharge of the scheme per request. `until` is its last day, a month's last, after which nothing is charged."""

    row: str
    kind: LineKind
    unit_price: Decimal
    until: date | None = None

    def __post_init__(self) -> None:
        unit_price(self.unit_price)
        if self.kind not in (LineKind.CORE_CLIENT, LineKind.UDVIKLINGSBIDRAG):
            raise PlanError(f"{self.kind} is not a charge of the scheme")
        if self.until is not None and self.until != Month.of(self.until).last:
            raise PlanError(f"a charge ends with a month, not on {self.until}")


@dataclass(frozen=True, slots=True)
class SchemePrices:
    """What MitID decides for one month, passed on at cost."""

    currency: str
    aap: AapPrice | None = None
    charges: tuple[SchemeCharge, ...] = ()


@dataclass(frozen=True, slots=True)
class FeeTier:
    """`unit_price` holds up to and including request number `up_to`; None is without end."""

    up_to: int | None
    unit_price: Decimal

    def __post_init__(self) -> None:
        unit_price(self.unit_price)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator decides for one month: its own fee in graduated tiers, and a subscription. Every part may be absent."""

    row: str
    name: str
    currency: str
    tiers: tuple[FeeTier, ...] = ()
    subscription: Decimal | None = None

    def __post_init__(self) -> None:
        if self.subscription is not None:
            unit_price(self.subscription)
        lower = 0
        for tier in self.tiers[:-1]:
            if tier.up_to is None or tier.up_to <= lower:
                raise PlanError(f"plan {self.name}: each tier ends above the one before, and only the last is without end")
            lower = tier.up_to
        if self.tiers and self.tiers[-1].up_to is not None:
            raise PlanError(f"plan {self.name}: the last tier is without end")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document, in no language: `text` and `detail` are keys of `documents.texts`, `parameters` what they fill in.

    `tier_from` and `tier_to` are the first and last request number at this price; `price_rows` the ids of the rows it was made from.
    """

    kind: LineKind
    currency: str
    first_day: date
    last_day: date
    quantity: Decimal
    unit: Unit
    unit_price: Decimal
    amount: Decimal
    text: str
    detail: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    tier_from: int | None = None
    tier_to: int | None = None
    price_rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.amount != amount_of(self.quantity, self.unit_price):
            raise ValueError(f"{self.kind}: {self.quantity} x {self.unit_price} is not {self.amount}")


def price(plan: Plan, scheme: SchemePrices, usage: Usage, month: Month) -> list[Line]:
    """The month's lines: one per component and tier that has a quantity. No usage and no subscription gives none.

    Raises CurrencyError where plan and scheme have different currencies.
    """
    one_currency(plan.currency, scheme.currency)
    return [*_aap(scheme, usage, month), *_charges(scheme, usage, month), *_fee(plan, usage, month), *_subscription(plan, month)]


def _line(
    kind: LineKind,
    currency: str,
    month: Month,
    quantity: int,
    price_each: Decimal,
    row: str,
    *,
    unit: Unit = Unit.REQUEST,
    detail: str | None = None,
    parameters: Mapping[str, str] | None = None,
    tier: tuple[int | None, int | None] = (None, None),
) -> Line:
    return Line(
        kind=kind,
        currency=currency,
        first_day=month.first,
        last_day=month.last,
        quantity=exact(quantity),
        unit=unit,
        unit_price=price_each,
        amount=amount_of(quantity, price_each),
        text=kind.value,
        detail=detail,
        parameters=parameters or {},
        tier_from=tier[0],
        tier_to=tier[1],
        price_rows=(row,),
    )


def _aap(scheme: SchemePrices, usage: Usage, month: Month) -> Iterator[Line]:
    aap = scheme.aap
    if aap is None or not usage.requests:
        return
    parameters = {"contract_year": str(aap.contract_year), "year_ends": aap.year_ends.isoformat(), "settled_by": aap.settled_by.isoformat()}
    detail = "aap.final" if aap.final else "aap.provisional"
    yield _line(LineKind.AAP, scheme.currency, month, usage.requests, aap.unit_price, aap.row, detail=detail, parameters=parameters)


def _charges(scheme: SchemePrices, usage: Usage, month: Month) -> Iterator[Line]:
    for charge in scheme.charges:
        quantity = usage.core_client_requests if charge.kind is LineKind.CORE_CLIENT else usage.requests
        if not quantity or (charge.until is not None and charge.until < month.first):
            continue
        detail = "charge.until" if charge.until else None
        parameters = {"until": charge.until.isoformat()} if charge.until else {}
        yield _line(charge.kind, scheme.currency, month, quantity, charge.unit_price, charge.row, detail=detail, parameters=parameters)


def graduated(tiers: Iterable[FeeTier], requests: int) -> Iterator[tuple[int, int, FeeTier]]:
    """(requests below the tier, requests in it, the tier), for each tier that is reached."""
    below = 0
    for tier in tiers:
        reached = requests if tier.up_to is None else min(requests, tier.up_to)
        if reached > below:
            yield below, reached - below, tier
            below = reached


def _fee(plan: Plan, usage: Usage, month: Month) -> Iterator[Line]:
    for below, quantity, tier in graduated(plan.tiers, usage.requests):
        bounds = (below + 1, tier.up_to)
        if tier.up_to is not None:
            detail, parameters = "fee.tier", {"tier_from": str(below + 1), "tier_to": str(tier.up_to)}
        elif below:
            detail, parameters = "fee.above", {"above": str(below)}
        else:
            detail, parameters = None, {}
        yield _line(
            LineKind.FEE, plan.currency, month, quantity, tier.unit_price, plan.row, detail=detail, parameters=parameters, tier=bounds
        )


def _subscription(plan: Plan, month: Month) -> Iterator[Line]:
    if not plan.subscription:
        return
    parameters = {"plan": plan.name, "month": str(month)}
    yield _line(
        LineKind.SUBSCRIPTION,
        plan.currency,
        month,
        1,
        plan.subscription,
        plan.row,
        unit=Unit.MONTH,
        detail="month",
        parameters=parameters,
    )
