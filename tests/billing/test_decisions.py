"""What MitID decides: tables without gap and overlap, prices by band, two people for a final one. All prices are illustrative."""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction

from billing import decisions, scheme
from billing.decisions import Cell, DecisionError
from billing.models import AapCell, AapDecision, AapTable, ContractYear
from billing.periods import Month, default_contract_year

MILLION = 1_000_000
REQUESTS = (0, 500 * MILLION, 600 * MILLION, 700 * MILLION, 800 * MILLION, None)
AUTHENTICATORS = (0, 1_000_000, 1_200_000, 1_400_000, None)
PRICES = (
    ("0.300", "0.315", "0.330", "0.345"),
    ("0.265", "0.278", "0.291", "0.304"),
    ("0.235", "0.247", "0.259", "0.271"),
    ("0.212", "0.223", "0.234", "0.245"),
    ("0.195", "0.205", "0.215", "0.225"),
)
SOURCE = "illustrative"


def table(prices: tuple[tuple[str, ...], ...] = PRICES) -> list[Cell]:
    cells = []
    for row, (low, high) in zip(prices, pairwise(REQUESTS), strict=True):
        for price, (fewest, most) in zip(row, pairwise(AUTHENTICATORS), strict=True):
            cells.append(Cell(low or 0, high, fewest or 0, most, Decimal(price)))
    return cells


def year(number: int) -> ContractYear:
    period = default_contract_year(number)
    return ContractYear.objects.get_or_create(number=number, defaults={"first": period.first, "last": period.last})[0]


@pytest.fixture
def fifth(db: None) -> ContractYear:
    """1 July 2025 to 30 June 2026: over."""
    return year(5)


def enter(of: ContractYear, cells: list[Cell] | None = None, reason: str = "") -> AapTable:
    return decisions.enter_table(of, cells or table(), source=SOURCE, by="staff:1", reason=reason, illustrative=True)


@pytest.mark.parametrize(
    ("requests", "authenticators", "price"),
    [
        (650 * MILLION, 1_250_000, "0.259"),
        (600 * MILLION, 1_250_000, "0.259"),
        (600 * MILLION - 1, 1_250_000, "0.291"),
        (720 * MILLION, 1_100_000, "0.223"),
        (580 * MILLION, 1_300_000, "0.291"),
        (0, 0, "0.300"),
        (10**12, 10**9, "0.225"),
        (700 * MILLION, 1_200_000, "0.234"),
    ],
)
def test_a_price_is_looked_up_by_band(requests: int, authenticators: int, price: str) -> None:
    assert decisions.look_up(table(), requests, authenticators) == Decimal(price)


def test_the_table_is_asked_for_the_totals_of_the_whole_scheme(fifth: ContractYear) -> None:
    entered = enter(fifth)
    decision = decisions.decide(fifth, "provisional", requests=650 * MILLION, authenticators=1_250_000, source=SOURCE, by="staff:1")
    assert (decision.price, decision.table) == (Decimal("0.259"), entered)
    assert scheme.aap(Month(2025, 7)).row["basis"] == "table"


def test_the_same_table_again_is_the_same_table(fifth: ContractYear) -> None:
    assert enter(fifth) == enter(fifth)


@pytest.mark.parametrize("left_out", [0, 7, 19])
def test_a_gap_is_refused_by_the_database(fifth: ContractYear, left_out: int) -> None:
    cells = table()
    del cells[left_out]
    with pytest.raises(DecisionError, match="leaves a gap"):
        enter(fifth, cells)
    assert not AapTable.objects.filter(contract_year=fifth).exists()


def test_an_overlap_is_refused_by_the_database(fifth: ContractYear) -> None:
    with pytest.raises(DecisionError, match="overlap"):
        enter(fifth, [*table(), Cell(550 * MILLION, 560 * MILLION, 0, 1_000_000, Decimal("0.265"))])


def test_nothing_is_added_to_a_table_afterwards(fifth: ContractYear) -> None:
    entered = enter(fifth)
    with pytest.raises(IntegrityError), transaction.atomic():
        AapCell.objects.create(
            table=entered, serial=entered.serial, requests_from=0, requests_to=5, authenticators_from=0, authenticators_to=5, price=1
        )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS billing_aaptable_whole IMMEDIATE")
    with pytest.raises(IntegrityError), transaction.atomic():
        AapTable.objects.create(contract_year=fifth, serial=10**6, source=SOURCE, entered_by="staff:1", illustrative=True)


def test_the_wrong_way_needs_a_reason(fifth: ContractYear) -> None:
    dearer = (*PRICES[:2], ("0.295", *PRICES[2][1:]), *PRICES[3:])
    with pytest.raises(DecisionError, match="runs the wrong way"):
        enter(fifth, table(dearer))
    assert enter(fifth, table(dearer), reason="as announced").reason == "as announced"


def test_an_announced_price_that_is_not_the_tables_needs_a_reason(fifth: ContractYear) -> None:
    enter(fifth)
    totals = {"requests": 650 * MILLION, "authenticators": 1_250_000, "source": SOURCE, "by": "staff:1", "price": Decimal("0.26")}
    with pytest.raises(DecisionError, match="give the reason"):
        decisions.decide(fifth, "provisional", **totals)  # type: ignore[arg-type]
    assert decisions.decide(fifth, "provisional", **totals, reason="letter").table is None  # type: ignore[arg-type]


def test_a_final_price_waits_for_somebody_else(fifth: ContractYear) -> None:
    enter(fifth)
    final = decisions.decide(fifth, "final", requests=720 * MILLION, authenticators=1_100_000, source=SOURCE, by="anna@tidevand.example")
    assert (scheme.final(5), scheme.waiting(5)) == (None, [final])
    with pytest.raises(DecisionError, match="somebody else"):
        decisions.approve(final, by="Anna@tidevand.example")
    decisions.approve(final, by="bo@tidevand.example")
    assert (scheme.final(5), scheme.waiting(5)) == (final, [])


def test_a_year_that_goes_on_has_no_final_price(db: None) -> None:
    with pytest.raises(DecisionError, match="not final before that"):
        decisions.decide(year(6), "final", requests=1, authenticators=1, source=SOURCE, by="staff:1", price=Decimal("0.2"))


def test_the_newest_decision_counts_and_the_old_one_stays(fifth: ContractYear) -> None:
    enter(fifth)
    for requests in (650 * MILLION, 690 * MILLION, 710 * MILLION):
        decisions.decide(fifth, "provisional", requests=requests, authenticators=1_250_000, source=SOURCE, by="staff:1")
    newest = scheme.provisional(5)
    assert newest is not None
    assert (newest.requests, newest.price) == (710 * MILLION, Decimal("0.234"))
    assert AapDecision.objects.filter(contract_year=fifth).count() == 3


def test_years_of_any_length_and_four_tables_need_no_code_between_them(db: None) -> None:
    """Years 1 (14 months), 2, 9 and 10, each with prices of its own: rows only."""
    found = {}
    for number, off in ((1, "0.000"), (2, "0.010"), (9, "0.020"), (10, "0.030")):
        cells = [Cell(c.requests_from, c.requests_to, c.authenticators_from, c.authenticators_to, c.price - Decimal(off)) for c in table()]
        enter(year(number), cells)
        decision = decisions.decide(
            year(number), "provisional", requests=650 * MILLION, authenticators=1_250_000, source=SOURCE, by="staff:1"
        )
        period = default_contract_year(number)
        months = {Month.of(period.first), Month.of(period.last)}
        found[number] = {scheme.aap(month).row["unit_price"] for month in months}
        assert {scheme.aap(month).row["id"] for month in months} == {str(decision.id)}
    assert found == {1: {"0.259"}, 2: {"0.249"}, 9: {"0.239"}, 10: {"0.229"}}


def test_contract_years_do_not_overlap_or_move(db: None) -> None:
    decisions.enter_year(20, date(2040, 7, 1), date(2041, 6, 30))
    for number, first, last in ((20, date(2040, 7, 1), date(2041, 7, 31)), (21, date(2041, 6, 1), date(2042, 6, 30))):
        with pytest.raises(DecisionError, match=r"cannot be moved|overlaps year 20"):
            decisions.enter_year(number, first, last)
    with pytest.raises(DecisionError, match="whole months"):
        decisions.enter_year(22, date(2042, 7, 2), date(2043, 6, 30))


def test_a_charge_that_has_ended_stays_ended(db: None) -> None:
    """Also where an older one of its kind named no end."""
    decisions.enter_charge("udviklingsbidrag", Decimal("0.02"), date(2021, 6, 1), source=SOURCE, by="staff:1", usage_model="package")
    decisions.enter_charge(
        "udviklingsbidrag", Decimal("0.01"), date(2024, 1, 1), until=date(2025, 10, 31), source=SOURCE, by="staff:1", usage_model="package"
    )
    told = [
        [c.row["unit_price"] for c in scheme.charges(month) if c.row["usage_model"] == "package"]
        for month in (Month(2023, 12), Month(2025, 10), Month(2025, 11))
    ]
    assert told == [["0.02"], ["0.01"], []]
    decisions.enter_charge("udviklingsbidrag", Decimal("0.03"), date(2021, 6, 1), source=SOURCE, by="staff:1", usage_model="package")
    corrected = [c.row["unit_price"] for c in scheme.charges(Month(2023, 12)) if c.row["usage_model"] == "package"]
    assert corrected == ["0.03"], "of those that start together the newest counts"
