"""Days and months are Copenhagen's, whatever the clock does there."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import (
    ContractYear,
    Month,
    contract_year_of,
    day_of,
    default_contract_year,
    hour_of,
    hours_of,
    is_over,
    posted_month,
    starts_at,
)

DAYS = st.dates(date(2021, 1, 1), date(2060, 12, 31))
MONTHS = st.builds(Month, st.integers(2000, 2100), st.integers(1, 12))
MILLISECOND = timedelta(milliseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-06-30T21:59:59.999Z", date(2026, 6, 30)),
        ("2026-06-30T22:00:00Z", date(2026, 7, 1)),
        ("2026-10-31T22:59:59.999Z", date(2026, 10, 31)),
        ("2026-10-31T23:00:00Z", date(2026, 11, 1)),
        ("2026-11-01T00:30:00+02:00", date(2026, 10, 31)),
    ],
)
def test_the_service_day_is_the_date_in_copenhagen(instant: str, day: date) -> None:
    assert day_of(utc(instant)) == day
    assert Month.at(utc(instant)) == Month.of(day)


def test_an_instant_without_zone_has_no_day() -> None:
    naive = datetime(2026, 11, 1, 12)  # noqa: DTZ001
    for refused in (day_of, hour_of, lambda instant: is_over(Month(2026, 10), instant)):
        with pytest.raises(ValueError, match="time zone"):
            refused(naive)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)])
def test_a_day_has_as_many_hours_as_the_clock_gives_it(day: date, hours: int) -> None:
    assert len(list(hours_of(day))) == hours


@given(DAYS)
def test_hours_fill_the_day_and_lie_in_no_other(day: date) -> None:
    hours = list(hours_of(day))
    assert hours[0] == starts_at(day)
    assert hours[-1] + timedelta(hours=1) == starts_at(day + timedelta(days=1))
    assert all(later - earlier == timedelta(hours=1) for earlier, later in pairwise(hours))
    for hour in hours:
        assert {day_of(hour), day_of(hour + timedelta(hours=1) - MILLISECOND)} == {day}
        assert hour_of(hour + timedelta(minutes=59, seconds=59)) == hour


def test_the_two_hours_at_two_o_clock_are_two() -> None:
    """On 25 October 2026 02:30 happens twice; in UTC it is 00:30 and 01:30."""
    assert hour_of(utc("2026-10-25T02:30:00+02:00")) != hour_of(utc("2026-10-25T02:30:00+01:00"))


@given(st.datetimes(datetime(2021, 1, 1), datetime(2060, 1, 1), timezones=st.just(timezone(timedelta(hours=-7)))))  # noqa: DTZ001
def test_every_instant_lies_in_exactly_its_month(instant: datetime) -> None:
    month = Month.at(instant)
    assert month.starts_at <= instant < month.ends_at
    assert day_of(instant) in month
    assert is_over(month.previous(), instant)
    assert not is_over(month, instant)


@given(MONTHS)
def test_months_follow_each_other_without_gap(month: Month) -> None:
    assert month.next().previous() == month
    assert month.ends_at == month.next().starts_at
    assert Month.parse(str(month)) == month
    days = list(month.days())
    assert (days[0], days[-1]) == (month.first, month.last)
    assert all(day in month for day in days)
    assert month.first - timedelta(days=1) not in month
    assert month.last + timedelta(days=1) not in month


def test_a_month_is_written_one_way() -> None:
    assert str(Month(2026, 7)) == "2026-07"
    assert Month(2026, 2).last == date(2026, 2, 28)
    assert Month(2026, 10).starts_at == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert Month(2026, 10).ends_at == datetime(2026, 10, 31, 23, tzinfo=UTC)
    for refused in ("2026-13", "2026-00", "2026-7", "2026", "26-07", "2026-07-01", "2026/07", "-026-07", "\uff12026-07", "", "0000-01"):
        with pytest.raises(ValueError, match="month"):
            Month.parse(refused)


def test_a_month_is_over_at_midnight_in_copenhagen() -> None:
    assert not is_over(Month(2026, 10), utc("2026-10-31T22:59:59.999Z"))
    assert is_over(Month(2026, 10), utc("2026-10-31T23:00:00Z"))


def test_usage_is_posted_to_its_own_month_until_that_is_closed() -> None:
    late = date(2026, 8, 31)
    assert posted_month(late, None) == Month(2026, 8)
    assert posted_month(late, Month(2026, 7)) == Month(2026, 8)
    assert posted_month(late, Month(2026, 8)) == Month(2026, 9)
    assert posted_month(late, Month(2026, 12)) == Month(2027, 1)


@given(DAYS, MONTHS)
def test_nothing_is_posted_to_a_closed_month_nor_before_it_happened(day: date, closed_through: Month) -> None:
    posted = posted_month(day, closed_through)
    assert posted > closed_through
    assert posted >= Month.of(day)


def test_contract_years_run_from_july_but_the_first() -> None:
    assert default_contract_year(1) == ContractYear(1, date(2021, 5, 1), date(2022, 6, 30))
    assert default_contract_year(2) == ContractYear(2, date(2022, 7, 1), date(2023, 6, 30))
    assert default_contract_year(10) == ContractYear(10, date(2030, 7, 1), date(2031, 6, 30))
    assert default_contract_year(5).settled_by == date(2026, 9, 8)
    with pytest.raises(ValueError, match="begin with 1"):
        default_contract_year(0)


def test_the_contract_year_turns_at_copenhagens_midnight() -> None:
    years = [default_contract_year(number) for number in range(1, 12)]
    assert contract_year_of(day_of(utc("2026-06-30T21:59:59.999Z")), years).number == 5
    assert contract_year_of(day_of(utc("2026-06-30T22:00:00Z")), years).number == 6
    with pytest.raises(LookupError, match="0 contract years"):
        contract_year_of(date(2021, 4, 30), years)
    with pytest.raises(LookupError, match="2 contract years"):
        contract_year_of(date(2026, 7, 1), [*years, default_contract_year(6)])


def test_a_contract_year_is_made_of_whole_months() -> None:
    for first, last in (
        (date(2026, 7, 2), date(2027, 6, 30)),
        (date(2026, 7, 1), date(2027, 6, 29)),
        (date(2027, 7, 1), date(2026, 6, 30)),
    ):
        with pytest.raises(ValueError, match="whole months"):
            ContractYear(6, first, last)
