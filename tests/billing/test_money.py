"""Amounts are exact, rounded in one place, and never floats."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import (
    CurrencyError,
    add,
    amount_of,
    amount_text,
    one_currency,
    price_text,
    quantity_text,
    round_amount,
    unit_price,
)


def decimal_of(numerator: int, decimals: int) -> Decimal:
    return Decimal(numerator).scaleb(-decimals)


def half_up_in_integers(numerator: int, decimals: int) -> int:
    """Hundredths of numerator / 10^decimals, by integer arithmetic alone."""
    scale: int = 10**decimals
    ore, rest = divmod(abs(numerator) * 100, scale)
    ore += 2 * rest >= scale
    return ore if numerator >= 0 else -ore


@given(st.integers(-(10**18), 10**18), st.integers(0, 12))
def test_rounding_equals_integer_arithmetic(numerator: int, decimals: int) -> None:
    rounded = round_amount(decimal_of(numerator, decimals))
    assert int(rounded.scaleb(2)) == half_up_in_integers(numerator, decimals)
    assert rounded.as_tuple().exponent == -2


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        ("0.005", "0.01"),
        ("0.125", "0.13"),
        ("-0.125", "-0.13"),
        ("1875.645", "1875.65"),
        ("2.675", "2.68"),
        ("-0.004", "0.00"),
        ("7", "7.00"),
    ],
)
def test_half_an_ore_goes_away_from_zero(exact: str, rounded: str) -> None:
    assert str(round_amount(Decimal(exact))) == rounded


@given(st.integers(0, 10**15), st.integers(0, 10**12))
def test_a_line_is_the_exact_product_rounded_once_in_any_context(quantity: int, millionths: int) -> None:
    price = decimal_of(millionths, 6)
    with localcontext() as context:
        context.prec = 5
        amount = amount_of(quantity, price)
    assert int(amount.scaleb(2)) == half_up_in_integers(quantity * millionths, 6)


@pytest.mark.parametrize("value", [1.0, 0.1, float("nan"), "1.00", None, True])
def test_only_decimals_and_whole_numbers_are_money(value: object) -> None:
    for function in (round_amount, unit_price):
        with pytest.raises(TypeError):
            function(value)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        amount_of(value, Decimal(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        add(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_not_money(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        round_amount(Decimal(value))


@given(st.lists(st.integers(-(10**14), 10**14)))
def test_a_sum_is_exact(ore: list[int]) -> None:
    assert add(*(decimal_of(n, 2) for n in ore)) == decimal_of(sum(ore), 2)


def test_an_unrounded_amount_is_not_added() -> None:
    with pytest.raises(ValueError, match="more than 2 decimals"):
        add(Decimal("1.00"), Decimal("0.005"))


def test_a_unit_price_has_six_decimals_and_no_sign() -> None:
    assert unit_price(Decimal("0.259000")) == Decimal("0.259")
    assert unit_price(Decimal("0.123456")) == Decimal("0.123456")
    for refused in ("0.1234567", "-0.01"):
        with pytest.raises(ValueError, match="a unit price"):
            unit_price(Decimal(refused))


def test_canonical_texts_do_not_depend_on_how_a_value_was_written() -> None:
    assert {price_text(Decimal(p)) for p in ("0.259", "0.2590", "0.259000")} == {"0.259"}
    assert [price_text(Decimal(p)) for p in ("0.8", "4900", "0", "4.9E+3")] == ["0.80", "4900.00", "0.00", "4900.00"]
    assert [quantity_text(Decimal(q)) for q in ("8123", "8123.000", "1.50", "1E+6")] == ["8123", "8123", "1.5", "1000000"]
    assert [amount_text(Decimal(a)) for a in ("7502.58", "7502.5", "-0.00", "7502.580")] == ["7502.58", "7502.50", "0.00", "7502.58"]
    with pytest.raises(ValueError, match="more than 2 decimals"):
        amount_text(Decimal("7502.585"))


def test_two_currencies_do_not_meet() -> None:
    assert one_currency("DKK", "DKK") == "DKK"
    with pytest.raises(CurrencyError, match="DKK, EUR"):
        one_currency("DKK", "EUR", "DKK")
    with pytest.raises(CurrencyError, match="none"):
        one_currency()
