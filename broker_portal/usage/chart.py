"""One set of daily figures, drawn twice and kept as a table: 960 wide by day, 400 wide by week when days would crowd.

The outer SVG has no viewBox and places its text in percent, so text never shrinks with the page; only the lines stand in an
inner SVG that stretches. Classes and presentation attributes only: nothing here needs an exception in the content security
policy. Pure: no clock, no I/O, no translation; the caller brings its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import groupby, pairwise
from math import floor, log10

from babel.dates import format_skeleton
from babel.numbers import format_compact_decimal, format_decimal

DASHES = ("", "7 4", "2 3", "9 3 2 3")
CROWDED = 62
"""More days than this are drawn by week in the narrow drawing, and get one label a month."""
HEIGHT = 240


class Markup(str):
    """Text that is HTML already; Django's escaping asks for `__html__`."""

    def __html__(self) -> str:
        return self


@dataclass(frozen=True)
class Series:
    name: str
    values: Sequence[int | None]
    """One a day; None is a day that is not computed yet, never the same as 0."""


@dataclass(frozen=True)
class Words:
    """The caller's language. `finding` says what the picture shows, for those who do not see it."""

    title: str
    finding: str
    missing: str


@dataclass(frozen=True)
class Row:
    day: date
    values: tuple[int | None, ...]


@dataclass(frozen=True)
class Chart:
    title: str
    finding: str
    wide: Markup
    narrow: Markup
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    missing: bool


@dataclass(frozen=True)
class Point:
    """x and y in percent of the plot; y is None where nothing is computed."""

    x: float
    y: float | None


@dataclass(frozen=True)
class Drawing:
    name: str
    width: int
    label_gap: float
    label_every: int


WIDE = Drawing("wide", 960, 8.0, 1)
NARROW = Drawing("narrow", 400, 10.0, 2)


def draw(days: Sequence[date], series: Sequence[Series], words: Words, locale: str, ident: str = "usage") -> Chart:
    """Draw one to four series over consecutive days. `ident` prefixes ids, for pages with more than one chart."""
    if not days or not 1 <= len(series) <= len(DASHES) or any(len(s.values) != len(days) for s in series):
        raise ValueError(f"a chart needs days, 1 to {len(DASHES)} series and one value a day in each")
    step, top = scale(max((v for s in series for v in s.values if v is not None), default=0))
    wide, narrow = (_svg(drawing, days, series, words, locale, ident, step, top) for drawing in (WIDE, NARROW))
    rows = tuple(Row(day, tuple(s.values[i] for s in series)) for i, day in enumerate(days))
    missing = any(None in row.values for row in rows)
    return Chart(words.title, words.finding, wide, narrow, tuple(s.name for s in series), rows, missing)


def scale(peak: int) -> tuple[int, int]:
    """Step and top of an axis from 0: 1, 2 or 5 times a power of ten, at most four steps."""
    magnitude = 10 ** max(floor(log10(max(peak, 1) / 4)), 0)
    step: int = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude * 4 >= peak)
    return step, step * max(-(-peak // step), 1)


def apart(wanted: Sequence[float], gap: float, limit: float = 100.0) -> list[float]:
    """Positions as near as possible to those wanted, in the same order, at least `gap` apart and none beyond `limit`."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = list(wanted)
    for before, i in pairwise(order):
        placed[i] = max(placed[i], placed[before] + gap)
    ceiling = limit
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return placed


def points(days: Sequence[date], values: Sequence[int | None], top: int, *, by_week: bool) -> list[Point]:
    """One point a day; or one a week, at the mean of its computed days, so that a week cut by the period does not dip."""
    places = [(index + 0.5) * 100 / len(days) for index in range(len(days))]
    keyed = [(day.isocalendar()[:2] if by_week else (index,), index) for index, day in enumerate(days)]
    found = []
    for _, group in groupby(keyed, key=lambda pair: pair[0]):
        indexes = [index for _, index in group]
        known = [value for index in indexes if (value := values[index]) is not None]
        y = 100 - sum(known) / len(known) * 100 / top if known else None
        found.append(Point(sum(places[i] for i in indexes) / len(indexes), y))
    return found


def gaps(series: Sequence[Series]) -> list[tuple[int, int]]:
    """Runs (first, last) of days on which at least one series is not computed."""
    open_days = [any(s.values[i] is None for s in series) for i in range(len(series[0].values))]
    runs = []
    for is_open, group in groupby(enumerate(open_days), key=lambda pair: pair[1]):
        indexes = [index for index, _ in group]
        if is_open:
            runs.append((indexes[0], indexes[-1]))
    return runs


def _svg(
    drawing: Drawing,
    days: Sequence[date],
    series: Sequence[Series],
    words: Words,
    locale: str,
    ident: str,
    step: int,
    top: int,
) -> Markup:
    key = f"{ident}-{drawing.name}"
    by_week = drawing is NARROW and len(days) > CROWDED
    lines = [points(days, s.values, top, by_week=by_week) for s in series]
    parts = [
        f'<svg class="chart chart-{drawing.name}" role="img" aria-labelledby="{key}-t {key}-d" data-days="{len(days)}">',
        f'<title id="{key}-t">{escape(words.title)}</title><desc id="{key}-d">{escape(words.finding)}</desc>',
        *_gap_parts(drawing, key, len(days), gaps(series), words.missing),
        *_scale_parts(step, top, locale),
        *_day_parts(drawing, days, locale),
        *_name_parts(drawing, series, lines),
        f'<svg viewBox="0 0 {drawing.width} {HEIGHT}" preserveAspectRatio="none" width="100%" height="100%" overflow="visible">',
        *(_line(drawing, number, line) for number, line in enumerate(lines)),
        "</svg></svg>",
    ]
    return Markup("".join(parts))


def _gap_parts(drawing: Drawing, key: str, count: int, runs: Sequence[tuple[int, int]], word: str) -> Iterable[str]:
    if not runs:
        return
    yield (
        f'<defs><pattern id="{key}-h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path class="hatch" d="M3 0V6"/></pattern></defs>'
    )
    for first, last in runs:
        x, width = first * 100 / count, (last - first + 1) * 100 / count
        box = f'x="{x:.2f}%" y="0" width="{width:.2f}%" height="100%"'
        yield f'<rect class="missing" {box}/><rect fill="url(#{key}-h)" {box}/>'
        if width * drawing.width > 100 * 130:
            yield f'<text class="gap" x="{x + width / 2:.2f}%" y="50%" text-anchor="middle">{escape(word)}</text>'


def _scale_parts(step: int, top: int, locale: str) -> Iterable[str]:
    for value in range(0, top + 1, step):
        y = 100 - value * 100 / top
        text = format_compact_decimal(value, locale=locale) if step >= 100_000 else format_decimal(value, locale=locale)
        yield f'<line class="{"grid" if value else "axis"}" x1="0" x2="100%" y1="{y:.2f}%" y2="{y:.2f}%"/>'
        yield f'<text x="0" y="{y:.2f}%" dx="-10" dy="4" text-anchor="end">{escape(text)}</text>'


def _day_parts(drawing: Drawing, days: Sequence[date], locale: str) -> Iterable[str]:
    crowded = len(days) > CROWDED
    marks = [i for i, day in enumerate(days) if (day.day == 1 if crowded else i % (7 if len(days) > 10 else 1) == 0)]
    for index in marks[:: drawing.label_every]:
        text = format_skeleton("MMM" if crowded else "MMMd", days[index], locale=locale)
        x = (index + 0.5) * 100 / len(days)
        yield f'<text x="{x:.2f}%" y="100%" dy="20" text-anchor="middle">{escape(text)}</text>'


def _name_parts(drawing: Drawing, series: Sequence[Series], lines: Sequence[Sequence[Point]]) -> Iterable[str]:
    """The series' names at the right edge, pushed apart, each joined to the end of its line."""
    ends = [(s.name, next((p for p in reversed(line) if p.y is not None), None)) for s, line in zip(series, lines, strict=True)]
    drawn = [(name, end.x, end.y) for name, end in ends if end is not None and end.y is not None]
    for (name, x, y), at in zip(drawn, apart([y for _, _, y in drawn], drawing.label_gap), strict=True):
        yield f'<line class="leader" x1="{x:.2f}%" y1="{y:.2f}%" x2="100%" y2="{at:.2f}%"/>'
        yield f'<text class="name" x="100%" y="{at:.2f}%" dx="6" dy="4">{escape(name)}</text>'


def _line(drawing: Drawing, number: int, line: Sequence[Point]) -> str:
    """The line itself, broken where nothing is computed, and a dot at the end of every piece."""
    tone, dash = f"s{number + 1}", f' stroke-dasharray="{DASHES[number]}"' if DASHES[number] else ""
    pieces = [
        [f"{p.x * drawing.width / 100:.1f} {p.y * HEIGHT / 100:.1f}" for p in group if p.y is not None]
        for known, group in groupby(line, key=lambda p: p.y is not None)
        if known
    ]
    path = "".join("M" + "L".join(piece) for piece in pieces)
    dots = "".join(f"M{piece[-1]}h0" for piece in pieces)
    return (
        f'<path class="line {tone}"{dash} vector-effect="non-scaling-stroke" d="{path}"/>'
        f'<path class="end {tone}" vector-effect="non-scaling-stroke" d="{dots}"/>'
    )
