"""From counts and prices to the lines of one account and month. Pure; SQL says how many, rows say at what price."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.fees import FeeTier, Mode, Period, PlanError, Step, refuse_broken, steps
from billing.money import ORE, add, amount_of, exact, one_currency, unit_price
from billing.periods import Month


class LineKind(StrEnum):
    """The component that a line charges for. Stored in documents: a value is never renamed."""

    AAP = "aap"
    CORE_CLIENT = "core_client"
    UDVIKLINGSBIDRAG = "udviklingsbidrag"
    FEE = "fee"
    ACTION = "action"
    DISCOUNT = "discount"
    MINIMUM = "minimum"
    SUBSCRIPTION = "subscription"
    ONE_OFF = "one_off"


class Unit(StrEnum):
    REQUEST = "request"
    MONTH = "month"
    PIECE = "piece"


@dataclass(frozen=True, slots=True)
class ActionCount:
    """Requests by what may have a price of its own."""

    connection: str
    action: str
    requests: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What one account has to pay for in one month.

    `actions`: its requests by connection and action; `models`: those by the core client by usage model, as far as they are told apart.
    """

    requests: int
    core_client_requests: int
    actions: tuple[ActionCount, ...] = ()
    models: Mapping[str, int] | None = None

    def core_client_of(self, model: str) -> int:
        return self.core_client_requests if self.models is None else self.models.get(model, 0)

    def __post_init__(self) -> None:
        if not 0 <= self.core_client_requests <= self.requests:
            raise ValueError(f"impossible usage: {self.core_client_requests} of {self.requests} requests by the core client")
        if sum(each.requests for each in self.actions) > self.requests or any(each.requests < 0 for each in self.actions):
            raise ValueError(f"impossible usage: {self.actions} of {self.requests} requests")


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
    usage_model: str = "standard"

    def __post_init__(self) -> None:
        unit_price(self.unit_price)
        if self.kind not in (LineKind.CORE_CLIENT, LineKind.UDVIKLINGSBIDRAG):
            raise PlanError("%(kind)s is not a charge of the scheme", kind=self.kind)
        if self.until is not None and self.until != Month.of(self.until).last:
            raise PlanError("a charge ends with a month, not on %(until)s", until=self.until)


@dataclass(frozen=True, slots=True)
class SchemePrices:
    """What MitID decides for one month, passed on at cost."""

    currency: str
    aap: AapPrice | None = None
    charges: tuple[SchemeCharge, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionPrice:
    """The price of requests of one connection (None: any) and action ("": any), which then do not count in the tiers."""

    row: str
    connection: str | None
    action: str
    unit_price: Decimal

    def __post_init__(self) -> None:
        unit_price(self.unit_price)

    def holds(self, counted: ActionCount) -> bool:
        return self.connection in (None, counted.connection) and self.action in ("", counted.action)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator decides for one month: its own fee, and a subscription. Every part may be absent.

    `minimum`: of the month's fee without the subscription. `discount`: percent of that fee, in months up to that of `discount_until`.
    """

    row: str
    name: str
    currency: str
    tiers: tuple[FeeTier, ...] = ()
    subscription: Decimal | None = None
    mode: Mode = Mode.GRADUATED
    period: Period = Period.MONTH
    prices: tuple[ActionPrice, ...] = ()
    minimum: Decimal | None = None
    discount: Decimal | None = None
    discount_until: date | None = None

    def __post_init__(self) -> None:
        for part in (self.subscription, self.minimum, self.discount):
            if part is not None:
                unit_price(part)
        if self.discount is not None and self.discount > 100:
            raise PlanError("plan %(name)s: a discount of %(discount)s percent", name=self.name, discount=self.discount)
        if self.period is Period.YEAR and (self.minimum or self.discount):
            raise PlanError("plan %(name)s: a monthly minimum or discount needs a fee that is counted per month", name=self.name)
        refuse_broken(self.tiers)

    def price_of(self, counted: ActionCount) -> ActionPrice | None:
        """The most telling one: of connection and action, then of the connection, then of the action."""
        holding = [each for each in self.prices if each.holds(counted)]
        return max(holding, key=lambda each: (each.connection is not None, each.action != ""), default=None)

    def in_tiers(self, usage: Usage) -> int:
        return usage.requests - sum(each.requests for each in usage.actions if self.price_of(each))


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
    by_difference: bool = False

    def __post_init__(self) -> None:
        # Usage that came late is charged by difference of rounded sums: an ore from its own product at most.
        if abs(self.amount - amount_of(self.quantity, self.unit_price)) > (ORE if self.by_difference else 0):
            raise ValueError(f"{self.kind}: {self.quantity} x {self.unit_price} is not {self.amount}")

    def turned(self) -> "Line":
        """As it stands on a credit note."""
        return replace(self, quantity=-self.quantity, amount=-self.amount)


def price(plan: Plan, scheme: SchemePrices, usage: Usage, month: Month) -> list[Line]:
    """The month's lines: one per component and tier that has a quantity. No usage and no fixed fee gives none.

    A fee that is counted over the contract year is not among them: `year_fee`. Raises CurrencyError where plan and scheme have different
    currencies.
    """
    one_currency(plan.currency, scheme.currency)
    fee = [*_actions(plan, usage, month)]
    if plan.period is Period.MONTH:
        fee = [*_fee(plan, plan.in_tiers(usage), month.first, month.last), *fee]
    return [*_aap(scheme, usage, month), *_charges(scheme, usage, month), *fee, *_adjusted(plan, fee, month), *_subscription(plan, month)]


def year_fee(plan: Plan, requests: int, first_day: date, last_day: date) -> list[Line]:
    """The fee of so many requests in the tiers, counted from `first_day` on: a contract year's, or since the plan's prices began in it."""
    return list(_fee(plan, requests, first_day, last_day))


Key = tuple[LineKind, str, int | None, int | None, Decimal]


def difference(now: Iterable[Line], billed: Iterable[Line]) -> list[Line]:
    """What `now` charges and `billed` has not: a line per component, tier and price, negative where too much was billed."""
    owed: dict[Key, tuple[Line, Decimal, Decimal]] = {}
    for line, sign in [(line, 1) for line in now] + [(line, -1) for line in billed]:
        key = (line.kind, str(line.parameters.get("action", "")), line.tier_from, line.tier_to, line.unit_price)
        first, quantity, amount = owed.get(key, (line, Decimal(0), Decimal(0)))
        owed[key] = (first, quantity + sign * line.quantity, add(amount, sign * line.amount))
    return [
        line if (quantity, amount) == (line.quantity, line.amount) else replace(line, quantity=quantity, amount=amount, by_difference=True)
        for line, quantity, amount in owed.values()
        if quantity or amount
    ]


def _line(
    kind: LineKind,
    currency: str,
    days: tuple[date, date],
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
        first_day=days[0],
        last_day=days[1],
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


def _days(month: Month) -> tuple[date, date]:
    return month.first, month.last


def _aap(scheme: SchemePrices, usage: Usage, month: Month) -> Iterator[Line]:
    aap = scheme.aap
    if aap is None or not usage.requests:
        return
    parameters = {"contract_year": str(aap.contract_year), "year_ends": aap.year_ends.isoformat(), "settled_by": aap.settled_by.isoformat()}
    detail = "aap.final" if aap.final else "aap.provisional"
    yield _line(LineKind.AAP, scheme.currency, _days(month), usage.requests, aap.unit_price, aap.row, detail=detail, parameters=parameters)


def _charges(scheme: SchemePrices, usage: Usage, month: Month) -> Iterator[Line]:
    for charge in scheme.charges:
        quantity = usage.core_client_of(charge.usage_model) if charge.kind is LineKind.CORE_CLIENT else usage.requests
        if not quantity or (charge.until is not None and charge.until < month.first):
            continue
        detail = "charge.until" if charge.until else None
        parameters = {"until": charge.until.isoformat()} if charge.until else {}
        yield _line(
            charge.kind, scheme.currency, _days(month), quantity, charge.unit_price, charge.row, detail=detail, parameters=parameters
        )


def _fee(plan: Plan, requests: int, first_day: date, last_day: date) -> Iterator[Line]:
    for step in steps(plan.tiers, plan.mode, requests):
        detail, parameters = _tier_text(plan.mode, step)
        bounds = (step.below + 1, step.tier.up_to)
        days, each = (first_day, last_day), step.tier.unit_price
        yield _line(LineKind.FEE, plan.currency, days, step.quantity, each, plan.row, detail=detail, parameters=parameters, tier=bounds)


def _tier_text(mode: Mode, step: Step) -> tuple[str | None, dict[str, str]]:
    if step.tier.up_to is not None:
        return f"fee.{'volume' if mode is Mode.VOLUME else 'tier'}", {"tier_from": str(step.below + 1), "tier_to": str(step.tier.up_to)}
    if step.below:
        return f"fee.{'volume_above' if mode is Mode.VOLUME else 'above'}", {"above": str(step.below)}
    return None, {}


def _actions(plan: Plan, usage: Usage, month: Month) -> Iterator[Line]:
    """One line per price; the connections and actions that share it are added up."""
    counts: dict[ActionPrice, int] = {}
    for counted in usage.actions:
        if found := plan.price_of(counted):
            counts[found] = counts.get(found, 0) + counted.requests
    for each, quantity in sorted(counts.items(), key=lambda item: (item[0].action, item[0].connection or "")):
        if quantity:
            parameters = {"action": each.action, "connection": each.connection or ""}
            detail = "action" if each.action else None
            yield _line(
                LineKind.ACTION, plan.currency, _days(month), quantity, each.unit_price, each.row, detail=detail, parameters=parameters
            )


def _adjusted(plan: Plan, fee: Iterable[Line], month: Month) -> Iterator[Line]:
    """The discount on the fee, and then what it lacks of the minimum."""
    charged = add(*(line.amount for line in fee))
    if plan.discount and (plan.discount_until is None or month.first <= plan.discount_until):
        off = amount_of(charged, plan.discount / 100)
        if off:
            parameters = {"percent": format(plan.discount.normalize(), "f")}
            yield _line(
                LineKind.DISCOUNT, plan.currency, _days(month), -1, off, plan.row, unit=Unit.MONTH, detail="percent", parameters=parameters
            )
        charged = add(charged, -off)
    if plan.minimum and charged < plan.minimum:
        lacking = add(plan.minimum, -charged)
        parameters = {"month": str(month)}
        yield _line(
            LineKind.MINIMUM, plan.currency, _days(month), 1, lacking, plan.row, unit=Unit.MONTH, detail="month", parameters=parameters
        )


def _subscription(plan: Plan, month: Month) -> Iterator[Line]:
    if not plan.subscription:
        return
    parameters = {"plan": plan.name, "month": str(month)}
    yield _line(
        LineKind.SUBSCRIPTION,
        plan.currency,
        _days(month),
        1,
        plan.subscription,
        plan.row,
        unit=Unit.MONTH,
        detail="month",
        parameters=parameters,
    )
