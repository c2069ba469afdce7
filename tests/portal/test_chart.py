"""The usage chart: what is drawn is what is counted, and what is not counted is never drawn as 0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.utils.html import conditional_escape
from hypothesis import given
from hypothesis import strategies as st

from broker_portal.usage.chart import HEIGHT, Chart, Series, Words, apart, draw, gaps, points, scale

SVG = "{http://www.w3.org/2000/svg}"
WORDS = Words("Anmodninger pr. dag", "Flest den 3. november: 40.", "Ikke beregnet endnu")
FIRST = date(2026, 11, 2)  # a Monday


def november(count: int) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(count)]


NAMES = ("Anmodninger", "Gennemført", "Afbrudt", "Fejlet")


def chart_of(*values: Sequence[int | None], names: Sequence[str] = NAMES, locale: str = "da_DK") -> Chart:
    series = [Series(name, list(column)) for name, column in zip(names, values, strict=False)]
    return draw(november(len(values[0])), series, WORDS, locale)


def tree(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def line(svg: str, tone: str) -> str:
    found = next(path for path in tree(svg).iter(f"{SVG}path") if path.get("class") == f"line {tone}")
    return str(found.get("d"))


def texts(svg: str, css: str | None = None) -> list[str]:
    return [str(text.text) for text in tree(svg).iter(f"{SVG}text") if text.get("class") == css]


def test_a_month_is_drawn_day_by_day_in_both_drawings() -> None:
    chart = chart_of([10, 20, 40, 0])

    assert line(chart.wide, "s1") == f"M120.0 {HEIGHT * 0.75}L360.0 {HEIGHT * 0.5}L600.0 0.0L840.0 {HEIGHT}.0"
    assert len(re.findall("[ML]", line(chart.narrow, "s1"))) == 4


def test_the_table_holds_the_same_figures_as_the_picture() -> None:
    chart = chart_of([10, 20, None], [9, 18, None])

    assert chart.columns == ("Anmodninger", "Gennemført")
    assert [row.values for row in chart.rows] == [(10, 9), (20, 18), (None, None)]
    assert [row.day for row in chart.rows] == november(3)


def test_a_year_is_drawn_by_week_where_days_would_crowd() -> None:
    chart = chart_of([7] * 364)

    assert len(re.findall("[ML]", line(chart.wide, "s1"))) == 364
    assert len(re.findall("[ML]", line(chart.narrow, "s1"))) == 52


def test_a_week_is_the_mean_of_its_computed_days_so_that_a_cut_week_does_not_dip() -> None:
    values = [10] * 70 + [10, 10, None, None, None, None, None]

    last = points(november(77), values, 20, by_week=True)[-1]

    assert last.y == 50


def test_what_is_not_computed_breaks_the_line_and_is_hatched_and_said() -> None:
    chart = chart_of([10, None, None, 30])

    assert line(chart.wide, "s1").count("M") == 2
    assert [(box.get("x"), box.get("width")) for box in tree(chart.wide).iter(f"{SVG}rect")] == [("25.00%", "50.00%")] * 2
    assert texts(chart.wide, "gap") == ["Ikke beregnet endnu"]
    assert chart.missing


def test_a_month_that_is_wholly_computed_has_no_hatching() -> None:
    chart = chart_of([10, 0, 30])

    assert "pattern" not in chart.wide
    assert not chart.missing


def test_a_chart_of_nothing_computed_draws_no_line_and_no_name() -> None:
    chart = chart_of([None, None])

    assert line(chart.wide, "s1") == ""
    assert texts(chart.wide, "name") == []


def test_colour_is_never_alone_each_line_has_its_dash_and_its_name() -> None:
    chart = chart_of([10, 20], [9, 18], [1, 2], [3, 1])

    dashes = [path.get("stroke-dasharray") for path in tree(chart.wide).iter(f"{SVG}path") if str(path.get("class")).startswith("line")]
    assert len(set(dashes)) == 4
    assert sorted(texts(chart.wide, "name")) == ["Afbrudt", "Anmodninger", "Fejlet", "Gennemført"]


def test_the_picture_has_a_title_and_says_its_finding() -> None:
    root = tree(chart_of([10, 20]).wide)

    named = {element.get("id"): element.text for element in root if element.tag in {f"{SVG}title", f"{SVG}desc"}}
    assert [named[name] for name in str(root.get("aria-labelledby")).split()] == [WORDS.title, WORDS.finding]
    assert root.get("role") == "img"


def test_text_never_scales_because_the_outer_drawing_has_no_view_box() -> None:
    chart = chart_of([10, 20])

    for svg, inner in ((chart.wide, f"0 0 960 {HEIGHT}"), (chart.narrow, f"0 0 400 {HEIGHT}")):
        root = tree(svg)
        assert root.get("viewBox") is None
        assert [nested.get("viewBox") for nested in root.iter(f"{SVG}svg")][1:] == [inner]
        assert not list(next(nested for nested in root if nested.tag == f"{SVG}svg").iter(f"{SVG}text"))


def test_nothing_needs_an_exception_in_the_content_security_policy() -> None:
    chart = chart_of([10, None], [9, None])

    assert not re.search(r"style=|<style|<script|\son\w+=|data:", chart.wide + chart.narrow)


def test_names_are_escaped_once_and_the_drawing_is_not() -> None:
    chart = chart_of([1, 2], names=['<b>"Nord" & Syd</b>'])

    assert texts(chart.wide, "name") == ['<b>"Nord" & Syd</b>']
    assert str(conditional_escape(chart.wide)) == str(chart.wide)


def test_figures_and_days_follow_the_language() -> None:
    danish, english = chart_of([12_000, 9_000]), chart_of([12_000, 9_000], locale="en_GB")

    assert {"10.000", "2. nov."} <= set(texts(danish.wide))
    assert {"10,000", "2 Nov"} <= set(texts(english.wide))


@pytest.mark.parametrize(
    ("days", "series"),
    [
        ([], [Series("a", [])]),
        (november(2), []),
        (november(2), [Series("a", [1])]),
        (november(1), [Series(str(n), [1]) for n in range(5)]),
    ],
)
def test_a_chart_without_sense_is_refused(days: list[date], series: list[Series]) -> None:
    with pytest.raises(ValueError, match="a chart needs days"):
        draw(days, series, WORDS, "da_DK")


@given(st.integers(min_value=0, max_value=10**9))
def test_the_axis_reaches_the_peak_in_at_most_four_steps(peak: int) -> None:
    step, top = scale(peak)

    assert top >= max(peak, 1)
    assert top % step == 0
    assert top // step <= 4


@given(st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=4))
def test_names_never_overlap_and_keep_their_order(wanted: list[float]) -> None:
    placed = apart(wanted, 8)

    ordered = [placed[i] for i in sorted(range(len(wanted)), key=lambda i: wanted[i])]
    assert all(later - earlier >= 8 - 1e-9 for earlier, later in pairwise(ordered))
    assert max(placed) <= 100


def test_gaps_are_runs_of_days_on_which_any_series_is_missing() -> None:
    assert gaps([Series("a", [1, None, None, 1]), Series("b", [1, 1, None, None])]) == [(1, 3)]
    assert gaps([Series("a", [None, 1, None])]) == [(0, 0), (2, 2)]
