"""Amounts in one currency: exact decimals, one rounding rule, no floats.

An *amount* has 2 decimals, a *unit price* up to 6. PostgreSQL's `round(numeric, 2)` gives the same result as `round_amount`.
"""

from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation

from billing.refusals import Refusal

ORE = Decimal("0.01")
PRICE_DECIMALS = 6

# Own contexts, because the ambient one (28 digits, half even) may be changed by any library.
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_ROUNDING = Context(prec=60, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


class PriceError(Refusal, ValueError):
    """A figure that cannot be a price."""


class CurrencyError(Refusal, ValueError):
    """Two currencies met in one sum, one plan or one document."""


def exact(value: Decimal | int) -> Decimal:
    """`value` as a finite Decimal. Raises TypeError for a float (or anything else), ValueError for NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(f"money is Decimal, not {type(value).__name__}")
    decimal = Decimal(value)
    if not decimal.is_finite():
        raise ValueError(f"money is finite, not {decimal}")
    return decimal


def round_amount(value: Decimal) -> Decimal:
    """`value` with 2 decimals, half away from zero: the only place where money is rounded."""
    rounded = exact(value).quantize(ORE, context=_ROUNDING)
    return abs(rounded) if rounded.is_zero() else rounded


def round_price(value: Decimal) -> Decimal:
    """`value` with at most 6 decimals, half away from zero: a unit price that was computed."""
    return exact(value).quantize(Decimal(1).scaleb(-PRICE_DECIMALS), context=_ROUNDING)


def amount_of(quantity: Decimal | int, unit_price: Decimal) -> Decimal:
    return round_amount(_EXACT.multiply(exact(quantity), exact(unit_price)))


def add(*amounts: Decimal) -> Decimal:
    """The exact sum, with 2 decimals; raises ValueError where an amount has more."""
    total = Decimal("0.00")
    for amount in amounts:
        if round_amount(amount) != amount:
            raise ValueError(f"{amount} is not an amount: more than 2 decimals")
        total = _EXACT.add(total, amount)
    return round_amount(total)


def unit_price(value: Decimal | int) -> Decimal:
    """A price per unit: not negative and with at most 6 decimals, else PriceError."""
    price = exact(value)
    if price < 0:
        raise PriceError("a unit price is not negative: %(price)s", price=price)
    if decimals(price) > PRICE_DECIMALS:
        raise PriceError("a unit price has at most %(decimals)s decimals: %(price)s", decimals=PRICE_DECIMALS, price=price)
    return price


def decimals(value: Decimal) -> int:
    """How many decimals `value` needs: 0.2590 needs 3, 4900.00 none."""
    return len(format(value, "f").partition(".")[2].rstrip("0"))


def amount_text(amount: Decimal) -> str:
    """Canonical form of an amount: "7502.58". Raises ValueError where rounding would change it."""
    if round_amount(amount) != amount:
        raise ValueError(f"{amount} is not an amount: more than 2 decimals")
    return format(round_amount(amount), "f")


def price_text(price: Decimal) -> str:
    """Canonical form of a unit price, 2 to 6 decimals: "0.259", "0.80", "4900.00"."""
    return format(unit_price(price), f".{max(2, decimals(price))}f")


def quantity_text(quantity: Decimal) -> str:
    """Canonical form of a quantity, without trailing zeros: "8123", "1.5"."""
    return format(exact(quantity), f".{decimals(quantity)}f")


def one_currency(*codes: str) -> str:
    """The code that all of `codes` are. Raises CurrencyError otherwise."""
    if len(set(codes)) != 1:
        raise CurrencyError("expected one currency, found %(currencies)s", currencies=", ".join(sorted(set(codes))) or "none")
    return codes[0]
