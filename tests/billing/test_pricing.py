"""What a month costs: the worked example to the ore, and what must hold for every plan and count."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.fees import FeeTier, PlanError
from billing.money import CurrencyError, add
from billing.periods import Month
from billing.pricing import AapPrice, Line, LineKind, Plan, SchemeCharge, SchemePrices, Unit, Usage, price
from tests.billing.july import JULY, PLAN, SCHEME, TIERS, YEAR, lines

NOTHING = SchemePrices("DKK")
PRICES = st.integers(0, 5_000_000).map(lambda millionths: Decimal(millionths).scaleb(-6))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    bounds = sorted(draw(st.sets(st.integers(1, 400), max_size=5)))
    tiers = tuple(FeeTier(bound, draw(PRICES)) for bound in [*bounds, None])
    return Plan("row", "Any", "DKK", tiers)


def fee(requests: int, plan: Plan = PLAN) -> list[Line]:
    return price(plan, NOTHING, Usage(requests, 0), JULY)


def fee_amount(requests: int, plan: Plan = PLAN) -> Decimal:
    return add(*(line.amount for line in fee(requests, plan)))


def test_july_of_the_worked_example() -> None:
    assert [(line.kind, int(line.quantity), str(line.unit_price), str(line.amount)) for line in lines()] == [
        (LineKind.AAP, 8_123, "0.259", "2103.86"),
        (LineKind.CORE_CLIENT, 8_123, "0.03", "243.69"),
        (LineKind.UDVIKLINGSBIDRAG, 8_123, "0.01", "81.23"),
        (LineKind.FEE, 1_000, "0.80", "800.00"),
        (LineKind.FEE, 7_123, "0.60", "4273.80"),
    ]
    assert add(*(line.amount for line in lines())) == Decimal("7502.58")


@pytest.mark.parametrize(
    ("requests", "amount"),
    [(0, "0.00"), (1, "0.80"), (999, "799.20"), (1_000, "800.00"), (1_001, "800.60"), (10_000, "6200.00"), (10_001, "6200.40")],
)
def test_a_tier_holds_up_to_and_including_its_bound(requests: int, amount: str) -> None:
    assert fee_amount(requests) == Decimal(amount)


@pytest.mark.parametrize(
    ("counts", "settled"),
    [
        ((401000, 398120, 405777, 412345, 420010, 433210, 389999, 377654, 401234, 395500, 389123, 388373), "1246397.37"),
        ((8123, 8230, 8311, 8402, 8555, 9001, 7989, 7765, 8122, 8101, 8044, 8122), "25580.16"),
        ((101, 99, 97, 103, 110, 140, 95, 88, 92, 91, 94, 93), "311.59"),
    ],
)
def test_twelve_months_of_aap_of_the_worked_example(counts: tuple[int, ...], settled: str) -> None:
    amounts = [line.amount for n in counts for line in lines(n) if line.kind is LineKind.AAP]
    assert len(amounts) == 12
    assert add(*amounts) == Decimal(settled)


@given(plans(), st.integers(0, 600))
def test_every_request_is_priced_once_by_its_own_tier(plan: Plan, requests: int) -> None:
    """The oracle walks request by request and shares nothing with the tiers' arithmetic."""
    by_tier: dict[int, Fraction] = {}
    for number in range(1, requests + 1):
        index = next(i for i, tier in enumerate(plan.tiers) if tier.up_to is None or number <= tier.up_to)
        by_tier[index] = by_tier.get(index, Fraction(0)) + Fraction(plan.tiers[index].unit_price)
    ore = [int(amount * 100 + Fraction(1, 2)) for amount in by_tier.values()]
    assert [int(line.amount.scaleb(2)) for line in fee(requests, plan)] == ore


@given(plans(), st.integers(0, 10**7))
def test_tiers_join_and_add_up(plan: Plan, requests: int) -> None:
    charged = fee(requests, plan)
    assert sum(line.quantity for line in charged) == requests
    next_number = 1
    for line in charged:
        assert line.tier_from == next_number
        last = next_number + int(line.quantity) - 1
        assert line.tier_to is None or last <= line.tier_to
        next_number = last + 1
    assert all(line.tier_to == line.tier_from + line.quantity - 1 for line in charged[:-1] if line.tier_from)


@given(plans(), st.integers(0, 10**6), st.integers(0, 1000))
def test_one_more_request_never_makes_a_month_cheaper(plan: Plan, requests: int, more: int) -> None:
    assert fee_amount(requests + more, plan) >= fee_amount(requests, plan)


def test_a_line_says_where_its_price_comes_from_in_no_language() -> None:
    aap, core_client, udviklingsbidrag, first, second = lines()
    assert [line.price_rows for line in (aap, core_client, udviklingsbidrag, first)] == [
        ("aap-6",),
        ("charge-1",),
        ("charge-2",),
        ("plan-1",),
    ]
    assert (aap.text, aap.detail) == ("aap", "aap.provisional")
    assert aap.parameters == {"contract_year": "6", "year_ends": "2027-06-30", "settled_by": "2027-09-08"}
    assert udviklingsbidrag.parameters == {"until": "2027-10-31"}
    assert (second.detail, second.parameters) == ("fee.tier", {"tier_from": "1001", "tier_to": "10000"})
    assert (second.tier_from, second.tier_to) == (1_001, 10_000)
    assert {(line.first_day, line.last_day, line.currency) for line in lines()} == {(date(2026, 7, 1), date(2026, 7, 31), "DKK")}


def test_the_last_tier_and_a_flat_fee_read_differently() -> None:
    assert [(line.detail, line.parameters) for line in fee(10_001)][-1] == ("fee.above", {"above": "10000"})
    flat = fee(5, Plan("row", "Flat", "DKK", (FeeTier(None, Decimal("0.50")),)))
    assert [(line.detail, line.quantity, line.amount) for line in flat] == [(None, Decimal(5), Decimal("2.50"))]


def test_a_final_price_says_so() -> None:
    assert SCHEME.aap
    final = replace(SCHEME, aap=replace(SCHEME.aap, final=True))
    assert price(PLAN, final, Usage(1, 0), JULY)[0].detail == "aap.final"


def test_the_core_client_surcharge_follows_the_requests_it_is_priced_for() -> None:
    charged = {line.kind: line.quantity for line in price(PLAN, SCHEME, Usage(100, 7), JULY)}
    assert charged == {LineKind.AAP: 100, LineKind.CORE_CLIENT: 7, LineKind.UDVIKLINGSBIDRAG: 100, LineKind.FEE: 100}


def test_the_development_contribution_ends_with_its_last_day() -> None:
    def kinds(month: Month) -> set[LineKind]:
        return {line.kind for line in price(PLAN, SCHEME, Usage(100, 0), month)}

    assert LineKind.UDVIKLINGSBIDRAG in kinds(Month(2027, 10))
    assert LineKind.UDVIKLINGSBIDRAG not in kinds(Month(2027, 11))


def test_a_charge_ends_with_a_month() -> None:
    with pytest.raises(PlanError, match="ends with a month"):
        SchemeCharge("row", LineKind.UDVIKLINGSBIDRAG, Decimal("0.01"), until=date(2027, 10, 30))


def test_a_month_without_usage_has_the_subscription_alone() -> None:
    assert price(PLAN, SCHEME, Usage(0, 0), JULY) == []
    (line,) = price(replace(PLAN, subscription=Decimal(299)), SCHEME, Usage(0, 0), JULY)
    assert (line.kind, line.unit, line.detail) == (LineKind.SUBSCRIPTION, Unit.MONTH, "month")
    assert (line.quantity, line.amount) == (Decimal(1), Decimal("299.00"))
    assert line.parameters == {"plan": "Start", "month": "2026-07"}


def test_every_part_may_be_absent() -> None:
    assert price(Plan("row", "Free", "DKK"), NOTHING, Usage(10_000, 10_000), JULY) == []


def test_plan_and_scheme_have_one_currency() -> None:
    with pytest.raises(CurrencyError):
        price(replace(PLAN, currency="EUR"), SCHEME, Usage(1, 0), JULY)


@pytest.mark.parametrize(
    "tiers",
    [
        (FeeTier(1_000, Decimal("0.80")),),
        (FeeTier(None, Decimal("0.80")), FeeTier(None, Decimal("0.60"))),
        (FeeTier(1_000, Decimal("0.80")), FeeTier(1_000, Decimal("0.60")), FeeTier(None, Decimal(0))),
        (FeeTier(0, Decimal("0.80")), FeeTier(None, Decimal("0.60"))),
        (FeeTier(1_000, Decimal("0.80")), FeeTier(500, Decimal("0.60")), FeeTier(None, Decimal(0))),
    ],
)
def test_tiers_that_do_not_join_make_no_plan(tiers: tuple[FeeTier, ...]) -> None:
    with pytest.raises(PlanError, match="tier"):
        Plan("row", "Wrong", "DKK", tiers)


def test_floats_and_negative_or_too_fine_prices_make_no_price() -> None:
    for refused, error in ((0.8, TypeError), (Decimal("-0.80"), ValueError), (Decimal("0.0000001"), ValueError)):
        with pytest.raises(error):
            FeeTier(None, refused)  # type: ignore[arg-type]
        with pytest.raises(error):
            AapPrice("row", refused, 6, YEAR.last, YEAR.settled_by)  # type: ignore[arg-type]
        with pytest.raises(error):
            SchemeCharge("row", LineKind.CORE_CLIENT, refused)  # type: ignore[arg-type]
        with pytest.raises(error):
            Plan("row", "Wrong", "DKK", TIERS, subscription=refused)  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="not a charge"):
        SchemeCharge("row", LineKind.FEE, Decimal(1))


def test_counts_that_cannot_be_are_refused() -> None:
    for requests, core_client in ((-1, 0), (5, 6), (5, -1)):
        with pytest.raises(ValueError, match="impossible usage"):
            Usage(requests, core_client)


def test_a_lines_amount_is_its_quantity_times_its_price() -> None:
    with pytest.raises(ValueError, match="is not"):
        replace(lines()[0], amount=Decimal("2103.87"))
