"""What a contract year comes to when its price is final, with accounts and with the supplier. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from billing.fees import Plus
from billing.money import ORE, add, amount_of, round_amount


@dataclass(frozen=True, slots=True)
class Billed:
    """AAP lines of one unit price, less what was credited of them."""

    unit_price: Decimal
    requests: int


@dataclass(frozen=True, slots=True)
class Due:
    """One account's year under one VAT treatment. `requests`: all that are known now, by what is added to the price that is passed on.
    `settled`: what months' documents and earlier settlements of the year came to; `earlier`: the latter."""

    requests: Mapping[Plus, int]
    settled: Decimal
    billed: tuple[Billed, ...] = ()
    earlier: Decimal = Decimal("0.00")

    @property
    def quantity(self) -> int:
        return sum(self.requests.values())

    def final_amount(self, price: Decimal) -> Decimal:
        """round(final × requests): of all requests of the year, whatever their months were rounded to."""
        return add(*(amount_of(requests, plus.on(price)) for plus, requests in self.requests.items()))

    def delta(self, price: Decimal) -> Decimal:
        """Not (final − provisional) × requests: monthly rounding makes them differ by some ore."""
        return add(self.final_amount(price), -self.settled)


@dataclass(frozen=True, slots=True)
class Bridge:
    """From the settlement with accounts to the one with the supplier: their difference is the sum of these.

    `voided`: what the supplier charges and nobody pays. `included`: kept (below zero) or borne on plans that include the AAP.
    `unbilled`: what the supplier has been paid for and no account has been billed for before. `prices`: what accounts pay beside the
    provisional and the final price themselves. `rest` is what nothing explains.
    """

    rounding: Decimal
    included: Decimal
    voided: Decimal
    unbilled: Decimal
    prices: Decimal
    rest: Decimal


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests of the year that the supplier charges for: all, those voided, those of plans that include the AAP, those of no plan."""

    requested: int
    voided: int
    included: int
    without_plan: int


def bridge(expected: Decimal, dues: Iterable[Due], counts: Counts, *, provisional: Decimal, final: Decimal, roundings: int) -> Bridge:
    """`expected`: the settlement with the supplier; `roundings`: how many amounts were rounded on the way, half an ore at most each."""
    every = list(dues)
    step = final - provisional
    billed = sum(part.requests for due in every for part in due.billed)
    at_cost = sum(due.quantity for due in every)
    passed = sum(((plus.on(final) - final) * n for due in every for plus, n in due.requests.items()), Decimal(0))
    paid = sum(((part.unit_price - provisional) * part.requests for due in every for part in due.billed), Decimal(0))
    voided = round_amount(step * counts.voided)
    included = round_amount(step * counts.included)
    unbilled = round_amount(step * counts.without_plan - provisional * (at_cost - billed))
    prices = round_amount(paid - passed)
    left = add(expected, *(-due.delta(final) - due.earlier for due in every), -voided, -included, -unbilled, -prices)
    if abs(left) > ORE / 2 * (roundings + 4):
        return Bridge(Decimal("0.00"), included, voided, unbilled, prices, left)
    if counts.included:
        # What is kept or borne is what remains of the supplier's settlement once the accounts have had theirs, to the ore.
        return Bridge(Decimal("0.00"), add(included, left), voided, unbilled, prices, Decimal("0.00"))
    return Bridge(left, included, voided, unbilled, prices, Decimal("0.00"))
