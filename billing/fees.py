"""The operator's own fee by the number of requests, in graduated or volume tiers, and what it adds to prices that it passes on. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.money import add, amount_of, exact, round_price, unit_price
from billing.refusals import Refusal


class Mode(StrEnum):
    GRADUATED = "graduated"  # each request costs what its own tier says
    VOLUME = "volume"  # all requests cost what the tier says that their number reaches


class Period(StrEnum):
    """What the requests are counted over."""

    MONTH = "month"
    YEAR = "year"  # MitID's contract year


class PlanError(Refusal, ValueError):
    """A plan or a price that cannot be used."""


@dataclass(frozen=True, slots=True)
class FeeTier:
    """`unit_price` holds up to and including request number `up_to`; None is without end."""

    up_to: int | None
    unit_price: Decimal

    def __post_init__(self) -> None:
        unit_price(self.unit_price)


@dataclass(frozen=True, slots=True)
class Step:
    """So many requests at the price of the tier that has `below` requests before it."""

    below: int
    quantity: int
    tier: FeeTier


@dataclass(frozen=True, slots=True)
class Cliff:
    """One request more than `quantity` makes the period cheaper by `saved`."""

    quantity: int
    amount: Decimal
    next_amount: Decimal

    @property
    def saved(self) -> Decimal:
        return add(self.amount, -self.next_amount)


@dataclass(frozen=True, slots=True)
class Plus:
    """What the operator adds to a price that it passes on: a percentage of it, and ore per request."""

    percent: Decimal = Decimal(0)
    ore: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if exact(self.percent) < 0 or exact(self.ore) < 0:
            raise PlanError("what is added to a price is not negative")

    def on(self, price: Decimal) -> Decimal:
        """With 6 decimals, half up."""
        return round_price(price + price * self.percent / 100 + self.ore / 100)


def refuse_broken(tiers: Sequence[FeeTier]) -> None:
    """Raises PlanError unless each tier ends above the one before and the last, and only that, is without end."""
    lower = 0
    for tier in tiers[:-1]:
        if tier.up_to is None or tier.up_to <= lower:
            raise PlanError("each tier ends above the one before, and only the last is without end")
        lower = tier.up_to
    if tiers and tiers[-1].up_to is not None:
        raise PlanError("the last tier is without end")


def steps(tiers: Sequence[FeeTier], mode: Mode, requests: int) -> Iterator[Step]:
    """Each tier that has a quantity; of volume tiers the one that is reached."""
    below = 0
    for tier in tiers:
        reached = requests if tier.up_to is None else min(requests, tier.up_to)
        if mode is Mode.VOLUME:
            if requests and reached == requests:
                yield Step(below, requests, tier)
                return
        elif reached > below:
            yield Step(below, reached - below, tier)
        below = max(below, reached)


def amount(tiers: Sequence[FeeTier], mode: Mode, requests: int) -> Decimal:
    """Each tier rounded, as its line is."""
    return add(*(amount_of(step.quantity, step.tier.unit_price) for step in steps(tiers, mode, requests)))


def cliffs(tiers: Sequence[FeeTier], mode: Mode) -> list[Cliff]:
    """Where one request more makes the period cheaper: at the bounds of volume tiers whose price falls."""
    found = []
    for tier in tiers:
        if tier.up_to is not None:
            at, after = amount(tiers, mode, tier.up_to), amount(tiers, mode, tier.up_to + 1)
            if after < at:
                found.append(Cliff(tier.up_to, at, after))
    return found
