"""Contrast of a design's colours by WCAG 2.2 (success criteria 1.4.3 and 1.4.11), and the nearest colour that passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TEXT = 4.5
EDGE = 3.0
# Foreground, background, what it must reach, and what a person calls the two. Each stands on a page of ours.
PAIRS: tuple[tuple[str, str, float, Promise], ...] = (
    ("panel-ink", "panel", TEXT, _("Text on the panel")),
    ("panel-ink-2", "panel", TEXT, _("Quiet text on the panel")),
    ("page-ink", "page", TEXT, _("Text on the page")),
    ("page-ink-2", "page", TEXT, _("Quiet text on the page")),
    ("card-ink", "card", TEXT, _("Text on a card")),
    ("card-ink-2", "card", TEXT, _("Quiet text on a card")),
    ("card-ink", "hover", TEXT, _("Text under the pointer")),
    ("card-ink-2", "hover", TEXT, _("Quiet text under the pointer")),
    ("on-action", "action", TEXT, _("Text on the button")),
    ("on-action", "action-hover", TEXT, _("Text on the button under the pointer")),
    ("link", "card", TEXT, _("Link on a card")),
    ("link", "hover", TEXT, _("Link under the pointer")),
    ("line-control", "card", EDGE, _("Edge of a field on a card")),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """`ratio` is cut to one decimal, never rounded up; `better` is the foreground to use instead, or empty where the pair passes."""

    scheme: str
    foreground: str
    background: str
    name: Promise
    ratio: float
    needs: float
    better: str

    @property
    def passes(self) -> bool:
        return not self.better


def ratio(one: str, other: str) -> float:
    """From 1 to 21. Colours are #rrggbb."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def nearest(foreground: str, background: str, needs: float) -> str:
    """The foreground, moved towards white or black by as little as makes it pass."""
    steps = ((step, _mixed(foreground, end, step)) for step in range(256) for end in (0, 255))
    return next(colour for _step, colour in steps if ratio(colour, background) >= needs)


def pairs(values: Mapping[str, Any]) -> list[Pair]:
    """Every pair of both schemes, of values that theme.problems has nothing against."""
    found = []
    for scheme in ("light", "dark"):
        colours = values[scheme]
        for foreground, background, needs, name in PAIRS:
            reached = ratio(colours[foreground], colours[background])
            better = "" if reached >= needs else nearest(colours[foreground], colours[background], needs)
            found.append(Pair(scheme, foreground, background, name, int(reached * 10) / 10, needs, better))
    return found


def failing(values: Mapping[str, Any]) -> list[Pair]:
    return [pair for pair in pairs(values) if not pair.passes]


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(colour: str, end: int, step: int) -> str:
    """`step` 255ths of the way from a colour to black (0) or white (255)."""
    return "#" + "".join(f"{round(channel + (end - channel) * step / 255):02x}" for channel in _channels(colour))
