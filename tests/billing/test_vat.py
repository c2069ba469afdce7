"""VAT is taken of the sum, once per rate."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import CurrencyError
from billing.vat import Totals, Treatment, VatPart, total
from tests.billing.july import lines


@dataclass(frozen=True)
class Charge:
    amount: Decimal
    currency: str = "DKK"


def charges(*ore: int) -> list[Charge]:
    return [Charge(Decimal(n).scaleb(-2)) for n in ore]


def test_july_of_the_worked_example() -> None:
    assert total(lines(), Treatment.STANDARD, currency="DKK") == Totals(
        currency="DKK",
        treatment=Treatment.STANDARD,
        net=Decimal("7502.58"),
        vat_by_rate=(VatPart(Decimal(25), Decimal("7502.58"), Decimal("1875.65")),),
        vat=Decimal("1875.65"),
        gross=Decimal("9378.23"),
    )


def test_vat_is_rounded_on_the_sum_and_not_line_by_line() -> None:
    """Three lines of 0.02 carry 0.015 together, which is 0.02; line by line it would be 3 x 0.01."""
    assert total(charges(2, 2, 2), Treatment.STANDARD, currency="DKK").vat == Decimal("0.02")


@given(st.lists(st.integers(0, 10**12)))
def test_totals_add_up(ore: list[int]) -> None:
    totals = total(charges(*ore), Treatment.STANDARD, currency="DKK")
    assert int(totals.net.scaleb(2)) == sum(ore)
    assert int(totals.vat.scaleb(2)) == (sum(ore) + 2) // 4
    assert totals.gross == totals.net + totals.vat
    assert sum(part.vat for part in totals.vat_by_rate) == totals.vat
    assert sum(part.net for part in totals.vat_by_rate) == totals.net


@pytest.mark.parametrize("treatment", [Treatment.REVERSE_CHARGE, Treatment.OUTSIDE_SCOPE])
def test_abroad_we_charge_no_vat(treatment: Treatment) -> None:
    totals = total(charges(156_701), treatment, currency="DKK")
    assert (totals.net, totals.vat, totals.gross) == (Decimal("1567.01"), Decimal("0.00"), Decimal("1567.01"))
    assert totals.vat_by_rate == (VatPart(Decimal(0), Decimal("1567.01"), Decimal("0.00")),)


def test_no_lines_are_zeros_in_the_documents_currency() -> None:
    totals = total([], Treatment.STANDARD, currency="DKK")
    assert (totals.currency, str(totals.net), str(totals.vat), str(totals.gross)) == ("DKK", "0.00", "0.00", "0.00")


def test_a_line_in_another_currency_is_refused() -> None:
    with pytest.raises(CurrencyError, match="DKK, EUR"):
        total([*charges(100), Charge(Decimal("1.00"), "EUR")], Treatment.STANDARD, currency="DKK")
