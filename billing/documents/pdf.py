"""A snapshot as PDF/A-3a and PDF/UA-1, made by typst. The same snapshot and time give the same bytes."""

import json
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


@cache
def _drawable() -> frozenset[int]:
    """The code points that the text faces have between them."""
    faces = (FONTS / "HankenGrotesk-Regular.ttf", FONTS / "Inter-Regular.ttf")
    return frozenset(point for face in faces for point in TTFont(face, lazy=True).getBestCmap())


def printable(value: Any) -> Any:
    """`value` with every character that no font has replaced by "?": one such character would fail the whole PDF/A document."""
    match value:
        case str():
            return "".join(character if ord(character) in _drawable() else "?" for character in value)
        case dict():
            return {key: printable(inner) for key, inner in value.items()}
        case list():
            return [printable(inner) for inner in value]
    return value


def render(snapshot: Snapshot, *, issued_at: datetime) -> bytes:
    """The document as PDF; `issued_at` becomes its creation time. A snapshot without number is marked as a draft.

    Raises typst.TypstError where the template is at fault, never for what names and addresses hold.
    """
    inputs = {"sheet": json.dumps(printable(sheet(snapshot)))}
    with _one_at_a_time:
        made = _compiler().compile(
            format="pdf", sys_inputs=inputs, pdf_standards=["a-3a", "ua-1"], timestamp=issued_at.astimezone(UTC).replace(microsecond=0)
        )
    if not isinstance(made, bytes):
        raise TypeError("typst gave no single file")
    return made
