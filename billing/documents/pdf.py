"""A snapshot as PDF/A-3a and PDF/UA-1, made by typst. The same snapshot and time give the same bytes."""

import json
import unicodedata
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import typst
from fontTools.ttLib import TTFont

from billing.documents.sheet import sheet
from billing.documents.snapshot import Snapshot

FONTS = Path(__file__).parent / "fonts"
TEMPLATES = Path(__file__).parent / "templates"
_one_at_a_time = Lock()  # a Compiler keeps the inputs of its last call


@cache
def _compiler() -> typst.Compiler:
    """Knows our fonts and our folder only: not the system's fonts, no packages from the network."""
    return typst.Compiler(str(TEMPLATES / "document.typ"), root=str(TEMPLATES), font_paths=typst.Fonts(False, False, [str(FONTS)]))


def _drawn(character: str) -> str:
    if ord(character) in _drawable():
        return character
    return " " if character.isspace() else "?"


@cache
def _drawable() -> frozenset[int]:
    """The code points that the text faces have between them."""
    points: set[int] = set()
    for face in ("HankenGrotesk-Regular.ttf", "Inter-Regular.ttf"):
        with TTFont(FONTS / face) as font:
            points.update(font.getBestCmap())
    return frozenset(points)


def printable(value: Any) -> Any:
    """`value` in characters that our fonts have, spaces for white space and "?" for the rest: one other would fail the whole document."""
    match value:
        case str():
            return "".join(map(_drawn, unicodedata.normalize("NFC", value)))
        case dict():
            return {key: printable(inner) for key, inner in value.items()}
        case list():
            return [printable(inner) for inner in value]
    return value


def render(snapshot: Snapshot, *, issued_at: datetime) -> bytes:
    """The document as PDF; `issued_at` becomes its creation time. A snapshot without number is marked as a draft.

    Raises typst.TypstError where the template is at fault, never for what names and addresses hold.
    """
    return render_sheet(sheet(snapshot), at=issued_at)


def render_sheet(filled: dict[str, Any], *, at: datetime) -> bytes:
    """What a sheet holds, as the template places it; `at` becomes the creation time."""
    inputs = {"sheet": json.dumps(printable(filled))}
    with _one_at_a_time:
        made = _compiler().compile(
            format="pdf", sys_inputs=inputs, pdf_standards=["a-3a", "ua-1"], timestamp=at.astimezone(UTC).replace(microsecond=0)
        )
    if not isinstance(made, bytes):
        raise TypeError("typst gave no single file")
    return made
