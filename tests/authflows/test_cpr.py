"""What a CPR number looks like, and until when one may be tried."""

import uuid
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from authflows import cpr, cpr_matching

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("720485-9998", "7204859998"),
        (" 7204859998 ", "7204859998"),
        ("720485 9998", "7204859998"),
        ("6101604000", "6101604000"),  # 1 January 1960, without modulus 11
        ("8902241111", "8902241111"),  # 29 February 1924
        ("8902230111", None),  # 29 February 1923
        ("8912264111", None),  # 29 December 2026 is yet to come
        ("8411264111", "8411264111"),  # 24 November 2026 is today
        ("7213850111", None),
        ("0000000000", None),
        ("720485999", None),
        ("72048599980", None),
        ("٧٢٠٤٨٥٩٩٩٨", None),
        ("", None),
    ],
)
def test_a_number_is_a_date_and_four_digits(typed: str, number: str | None) -> None:
    assert cpr.number(typed, TODAY) == number


@pytest.mark.parametrize(
    ("seventh", "year", "born"), [("0", "99", 1999), ("4", "36", 2036), ("4", "37", 1937), ("5", "57", 2057), ("5", "58", 1858)]
)
def test_the_seventh_digit_tells_the_century(seventh: str, year: str, born: int) -> None:
    """Nobody is born tomorrow."""
    number = f"6101{year}{seventh}000"
    assert cpr.number(number, date(born, 1, 1)) == number
    assert cpr.number(number, date(born - 1, 12, 31)) is None


def test_numbers_are_tried_for_a_quarter_of_an_hour() -> None:
    then = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert cpr.in_time(then, then + timedelta(minutes=15))
    assert not cpr.in_time(then, then + timedelta(minutes=15, seconds=1))


def test_later_nothing_is_compared_and_no_try_taken() -> None:
    nobody_is_asked: Any = SimpleNamespace()
    with pytest.raises(cpr_matching.Over) as over:
        cpr_matching.compare(nobody_is_asked, uuid.uuid4(), datetime.now(UTC) - timedelta(minutes=15, seconds=1), "7204859998")
    assert over.value.why == "cpr_too_late"
