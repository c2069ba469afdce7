"""The operator's own fee: tiers up to and including, graduated and volume, and where a month gets cheaper by one request more."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import fees
from billing.fees import Cliff, FeeTier, Mode, PlanError
from tests.billing.july import TIERS

PRICES = st.integers(0, 5_000_000).map(lambda millionths: Decimal(millionths).scaleb(-6))


@st.composite
def tiers(draw: st.DrawFn) -> tuple[FeeTier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 400), max_size=5)))
    return tuple(FeeTier(bound, draw(PRICES)) for bound in [*bounds, None])


@pytest.mark.parametrize(
    ("mode", "requests", "amount"),
    [
        (Mode.GRADUATED, 0, "0.00"),
        (Mode.GRADUATED, 1_000, "800.00"),
        (Mode.GRADUATED, 1_001, "800.60"),
        (Mode.VOLUME, 0, "0.00"),
        (Mode.VOLUME, 1_000, "800.00"),
        (Mode.VOLUME, 1_001, "600.60"),
        (Mode.VOLUME, 8_123, "4873.80"),
        (Mode.VOLUME, 10_000, "6000.00"),
        (Mode.VOLUME, 10_001, "4000.40"),
    ],
)
def test_a_tier_holds_up_to_and_including_its_bound(mode: Mode, requests: int, amount: str) -> None:
    assert fees.amount(TIERS, mode, requests) == Decimal(amount)


def test_cliffs_name_the_quantity_and_the_amount() -> None:
    assert fees.cliffs(TIERS, Mode.VOLUME) == [
        Cliff(1_000, Decimal("800.00"), Decimal("600.60")),
        Cliff(10_000, Decimal("6000.00"), Decimal("4000.40")),
    ]
    assert fees.cliffs(TIERS, Mode.VOLUME)[1].saved == Decimal("1999.60")
    assert fees.cliffs(TIERS, Mode.GRADUATED) == []


@given(tiers(), st.integers(0, 600))
def test_volume_prices_every_request_by_the_tier_that_their_number_reaches(plan: tuple[FeeTier, ...], requests: int) -> None:
    reached = next(tier for tier in plan if tier.up_to is None or requests <= tier.up_to)
    exact = Fraction(reached.unit_price) * requests
    assert fees.amount(plan, Mode.VOLUME, requests) == Decimal(int(exact * 100 + Fraction(1, 2))).scaleb(-2)


@given(tiers(), st.integers(0, 600), st.sampled_from(Mode))
def test_steps_hold_every_request_once(plan: tuple[FeeTier, ...], requests: int, mode: Mode) -> None:
    assert sum(step.quantity for step in fees.steps(plan, mode, requests)) == requests


@given(tiers(), st.integers(1, 600))
def test_a_month_gets_cheaper_only_at_a_cliff(plan: tuple[FeeTier, ...], requests: int) -> None:
    told = {cliff.quantity for cliff in fees.cliffs(plan, Mode.VOLUME)}
    cheaper = fees.amount(plan, Mode.VOLUME, requests + 1) < fees.amount(plan, Mode.VOLUME, requests)
    assert cheaper == (requests in told)


@pytest.mark.parametrize("bounds", [(1_000,), (None, None), (1_000, 1_000, None), (2_000, 1_000, None), (0, None)])
def test_tiers_that_do_not_join_are_refused(bounds: tuple[int | None, ...]) -> None:
    with pytest.raises(PlanError):
        fees.refuse_broken([FeeTier(bound, Decimal(1)) for bound in bounds])
