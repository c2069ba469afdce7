"""Which level a login must reach, and which one it reached: pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflows import levels
from authflows.levels import NSIS, Level

LEVELS = st.sampled_from(Level)


def test_levels_are_ordered_and_named_as_nsis_names_them() -> None:
    assert Level.LOW < Level.SUBSTANTIAL < Level.HIGH
    assert [level.uri.removeprefix(NSIS) for level in Level] == ["Low", "Substantial", "High"]


@pytest.mark.parametrize(
    ("acr_values", "level"),
    [
        ("", None),
        ("high", Level.HIGH),
        (NSIS + "Substantial", Level.SUBSTANTIAL),
        (NSIS + "High low", Level.LOW),
        ("urn:unknown high", Level.HIGH),
        ("HIGH", None),
        ("https://data.gov.dk/concept/core/nsis/", None),
        ("urn:grn:authn:dk:mitid:high", None),
    ],
)
def test_any_of_the_acr_values_that_we_know_is_enough(acr_values: str, level: Level | None) -> None:
    assert levels.asked(acr_values) is level


@given(LEVELS)
def test_a_level_is_understood_as_it_is_written(level: Level) -> None:
    assert levels.parse(level.uri) is levels.parse(level.word) is level


@given(st.text())
def test_nothing_else_is_a_level(text: str) -> None:
    assert levels.parse(text) is None or text in {level.word for level in Level} | {level.uri for level in Level}


@given(st.none() | LEVELS, st.none() | LEVELS)
def test_what_is_required_is_never_below_the_client_s_minimum(asked: Level | None, minimum: Level | None) -> None:
    required = levels.required(asked, minimum)
    assert required >= (minimum or Level.LOW)
    assert required >= (asked or Level.LOW)
    assert required in (asked, minimum, levels.DEFAULT)


@given(LEVELS, LEVELS, LEVELS, LEVELS)
def test_a_login_is_as_strong_as_its_weakest_part(ial: Level, aal: Level, cap: Level, needed: Level) -> None:
    reached = levels.loa(ial, aal, cap)
    assert reached <= ial
    assert reached <= aal
    assert reached <= cap
    assert levels.accept(reached, needed) == (ial >= needed and aal >= needed and cap >= needed)
