"""A tenant's design: values that were checked, never anything that a tenant typed as CSS (security.md B.1 55)."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from authflows.configuration import ThemeValues
from authflows.loginbox import theme
from authflows.loginbox.theme import COLOURS, PLAIN

# Fonts are named by their hashes, which the collected static files tell.
pytestmark = pytest.mark.usefixtures("ground")

BAD = [
    ("heading", "Comic Sans"),
    ("heading", 'x"; } body { display: none'),
    ("body", ""),
    ("radius", "99px"),
    ("weight", "bold"),
    ("weight", 5000),
    ("weight", True),
    ("light", None),
    ("light", {}),
    ("dark", "#000000"),
]
BAD_COLOURS = [
    "red",
    "#fff",
    "#FFFFFF",
    "#12345g",
    "url(https://x.example)",
    "#123456; background: url(x)",
    "#123456\n",
    "",
    None,
    0x123456,
]


def changed(name: str, value: Any) -> dict[str, Any]:
    return copy.deepcopy(PLAIN) | {name: value}


def test_the_plain_design_is_sound() -> None:
    assert theme.problems(PLAIN) == []


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_that_is_not_on_the_list_is_refused(name: str, value: Any) -> None:
    wrong = changed(name, value)
    assert theme.problems(wrong)
    with pytest.raises(ValueError, match=name):
        theme.stylesheet(wrong)


@pytest.mark.parametrize("colour", BAD_COLOURS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_colour_is_six_hexadecimal_digits(scheme: str, colour: Any) -> None:
    wrong = changed(scheme, PLAIN[scheme] | {"action": colour})
    assert theme.problems(wrong) == [f"{scheme}.action"]


def test_the_stylesheet_sets_every_colour_and_loads_nothing_from_elsewhere() -> None:
    css = theme.stylesheet(PLAIN)
    assert set(re.findall(r"--brand-([a-z0-9-]+): light-dark", css)) == set(COLOURS)
    assert all(address.startswith("/static/") for address in re.findall(r'url\("([^"]*)"', css))
    assert "@import" not in css


def test_a_stylesheet_is_named_by_its_text() -> None:
    first = theme.published(None)
    other = theme.published(ThemeValues("fjord-1", "split", changed("radius", "none"), {}))
    assert first == theme.published(None)
    assert first[0] != other[0]
    assert re.fullmatch("[0-9a-f]{64}", other[0])
