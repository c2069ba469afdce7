"""Days, hours and months as Copenhagen's calendar has them, and MitID's contract years.

Instants are timezone-aware; results are UTC. Every period is half-open in instants: [starts_at, ends_at).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
SETTLED_WITHIN = timedelta(days=70)  # nemlog-in.dk/broker/priser: no later than 70 days after 30 June


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant


def day_of(instant: datetime) -> date:
    """The service day: the date in Copenhagen at that instant."""
    return _aware(instant).astimezone(COPENHAGEN).date()


def hour_of(instant: datetime) -> datetime:
    """The UTC hour that holds the instant. Copenhagen is a whole number of hours from UTC, so no hour lies in two days."""
    return _aware(instant).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def starts_at(day: date) -> datetime:
    """Midnight in Copenhagen, as UTC."""
    return datetime.combine(day, time.min, COPENHAGEN).astimezone(UTC)


def hours_of(day: date) -> Iterator[datetime]:
    """The day's UTC hours: 24, or 23 and 25 on the days when the clock is changed."""
    hour, end = starts_at(day), starts_at(day + timedelta(days=1))
    while hour < end:
        yield hour
        hour += timedelta(hours=1)


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """One calendar month in Copenhagen; written "2026-11"."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not 1 <= self.month <= 12 or not 1900 <= self.year <= 9998:
            raise ValueError(f"no such month: {self.year}-{self.month}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "2026-11" exactly; raises ValueError otherwise."""
        year, dash, month = text.partition("-")
        if not (dash and len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdigit()):
            raise ValueError(f"a month is written YYYY-MM, not {text!r}")
        return cls(int(year), int(month))

    @classmethod
    def of(cls, day: date) -> Self:
        return cls(day.year, day.month)

    @classmethod
    def at(cls, instant: datetime) -> Self:
        return cls.of(day_of(instant))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    def __contains__(self, day: date) -> bool:
        return (day.year, day.month) == (self.year, self.month)

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return self.next().first - timedelta(days=1)

    @property
    def starts_at(self) -> datetime:
        return starts_at(self.first)

    @property
    def ends_at(self) -> datetime:
        return starts_at(self.next().first)

    def days(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(self.last.day))

    def next(self) -> "Month":
        return Month(self.year + 1, 1) if self.month == 12 else Month(self.year, self.month + 1)

    def previous(self) -> "Month":
        return Month(self.year - 1, 12) if self.month == 1 else Month(self.year, self.month - 1)


def is_over(month: Month, now: datetime) -> bool:
    return _aware(now) >= month.ends_at


def posted_month(day: date, closed_through: Month | None) -> Month:
    """The month whose document carries usage of `day`: its own while open for that tenant, else the first open one.

    A tenant's months close in order, so `closed_through`, its last closed month, says which are open.
    """
    own = Month.of(day)
    return own if closed_through is None else max(own, closed_through.next())


@dataclass(frozen=True, slots=True)
class ContractYear:
    """A year of MitID's price agreement, of any length; both days belong to it."""

    number: int
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first.day != 1 or self.last < self.first or (self.last + timedelta(days=1)).day != 1:
            raise ValueError(f"contract year {self.number} is not made of whole months: {self.first} to {self.last}")

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def settled_by(self) -> date:
        return self.last + SETTLED_WITHIN


def default_contract_year(number: int) -> ContractYear:
    """The published calendar: year 1 is 1 May 2021 to 30 June 2022, then 1 July to 30 June."""
    if number < 1:
        raise ValueError(f"contract years begin with 1, not {number}")
    first = date(2021, 5, 1) if number == 1 else date(2020 + number, 7, 1)
    return ContractYear(number, first, date(2021 + number, 6, 30))


def contract_year_of(day: date, years: Iterable[ContractYear]) -> ContractYear:
    """The one of `years` that holds `day`. Raises LookupError where none or more than one does."""
    holding = [year for year in years if day in year]
    if len(holding) != 1:
        raise LookupError(f"{len(holding)} contract years hold {day}")
    return holding[0]
