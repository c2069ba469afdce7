"""A tenant's theme as CSS: validated values in, one stylesheet out; nothing a tenant types is ever CSS (security checklist 55)."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any

from django.templatetags.static import static

from authflows.configuration import ThemeValues

COLOURS = (
    *("panel", "panel-ink", "panel-ink-2", "page", "page-ink", "page-ink-2", "card", "card-ink", "card-ink-2"),
    *("line", "line-control", "hover", "action", "action-hover", "on-action", "link"),
)
COLOUR = re.compile(r"#[0-9a-f]{6}")
FONTS = {
    "hanken-grotesk": ("Hanken Grotesk", "hanken-grotesk-latin-wght-normal.woff2", "system-ui, sans-serif"),
    "source-serif-4": ("Source Serif 4", "source-serif-4-latin-wght-normal.woff2", "Georgia, serif"),
    "figtree": ("Figtree", "figtree-latin-wght-normal.woff2", "system-ui, sans-serif"),
    "inter": ("Inter", "inter-latin-wght-normal.woff2", "system-ui, sans-serif"),
    "open-sans": ("Open Sans", "open-sans-latin-wght-normal.woff2", "system-ui, sans-serif"),
    "source-sans-3": ("Source Sans 3", "source-sans-3-latin-wght-normal.woff2", "system-ui, sans-serif"),
    "lora": ("Lora", "lora-latin-wght-normal.woff2", "Georgia, serif"),
    "system-ui": ("", "", "system-ui, sans-serif"),
}
RADII = {"none": "0", "small": "0.25rem", "medium": "0.625rem"}

# Where a tenant has no theme: the product's own quiet colours.
PLAIN: dict[str, Any] = {
    "heading": "hanken-grotesk",
    "body": "hanken-grotesk",
    "weight": 620,
    "radius": "small",
    "light": {
        "panel": "#17313a",
        "panel-ink": "#ffffff",
        "panel-ink-2": "#cfdde1",
        "page": "#f2f5f5",
        "page-ink": "#142126",
        "page-ink-2": "#4c5b61",
        "card": "#ffffff",
        "card-ink": "#142126",
        "card-ink-2": "#4c5b61",
        "line": "#d5dddf",
        "line-control": "#758389",
        "hover": "#eaf1f2",
        "action": "#0f5d70",
        "action-hover": "#0b4756",
        "on-action": "#ffffff",
        "link": "#0f5d70",
    },
    "dark": {
        "panel": "#0e2229",
        "panel-ink": "#ffffff",
        "panel-ink-2": "#b9cbd1",
        "page": "#101719",
        "page-ink": "#e8eef0",
        "page-ink-2": "#a6b4b9",
        "card": "#172124",
        "card-ink": "#e8eef0",
        "card-ink-2": "#a6b4b9",
        "line": "#303b3f",
        "line-control": "#7f8d92",
        "hover": "#1f2d31",
        "action": "#7cc4d6",
        "action-hover": "#a3d8e5",
        "on-action": "#08222a",
        "link": "#7cc4d6",
    },
}


def problems(values: dict[str, Any]) -> list[str]:
    """What is wrong with a theme's values; empty where they may be published."""
    wrong = [name for name in ("heading", "body") if values.get(name) not in tuple(FONTS)]
    wrong += [] if values.get("radius") in tuple(RADII) else ["radius"]
    wrong += [] if isinstance(values.get("weight"), int) and 300 <= values["weight"] <= 900 else ["weight"]
    for scheme in ("light", "dark"):
        colours = values.get(scheme)
        known = colours if isinstance(colours, dict) else {}
        wrong += [f"{scheme}.{name}" for name in COLOURS if not COLOUR.fullmatch(str(known.get(name, "")))]
    return wrong


def stylesheet(values: dict[str, Any]) -> str:
    """The CSS of validated values. Raises ValueError where they are not."""
    if problems(values):
        raise ValueError(f"theme: {', '.join(problems(values))}")
    faces = "".join(_face(name) for name in dict.fromkeys((values["heading"], values["body"])))
    colours = "".join(f"--brand-{name}: light-dark({values['light'][name]}, {values['dark'][name]}); " for name in COLOURS)
    return (
        f"{faces}@layer theme {{ :root {{ --brand-heading: {_family(values['heading'])}; --brand-body: {_family(values['body'])}; "
        f"--brand-heading-weight: {values['weight']}; --brand-radius: {RADII[values['radius']]}; {colours}}} }}\n"
    )


def _family(name: str) -> str:
    family, _, fallback = FONTS[name]
    return f'"{family}", {fallback}' if family else fallback


def _face(name: str) -> str:
    family, file, _ = FONTS[name]
    if not file:
        return ""
    url = static(f"vendor/fonts/{file}")
    return f'@font-face {{ font-family: "{family}"; font-weight: 200 900; font-display: swap; src: url("{url}") format("woff2"); }}\n'


@lru_cache(maxsize=512)
def _published(version: str, css: str) -> tuple[str, str]:
    return hashlib.sha256(css.encode()).hexdigest(), css


def published(theme: ThemeValues | None) -> tuple[str, str]:
    """(name of the immutable file, its text)."""
    return _published(theme.version if theme else "plain", stylesheet(theme.values if theme else PLAIN))
