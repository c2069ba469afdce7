"""SVG by allow-list: a drawing is read as XML and written anew from what is on the lists; the rest is left out or refused.

No script, style sheet, link, animation, image, font or foreign content; references only to what the drawing itself defines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isfinite
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMESPACE = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
DRAWN = frozenset(("g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "use"))
DEFINED = frozenset(("defs", "symbol", "linearGradient", "radialGradient", "stop", "clipPath", "mask"))
TEXTS = frozenset(("title", "desc"))
ELEMENTS = frozenset(("svg",)) | DRAWN | DEFINED | TEXTS
SHAPE = frozenset(
    (
        *("d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "width", "height", "points", "transform"),
        *("viewBox", "preserveAspectRatio", "offset", "gradientUnits", "gradientTransform", "spreadMethod"),
        *("clipPathUnits", "maskUnits", "maskContentUnits"),
    )
)
PAINT = frozenset(
    (
        *("fill", "fill-rule", "fill-opacity", "clip-rule", "opacity", "color", "display", "visibility", "clip-path", "mask"),
        *("stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset"),
        *("stroke-opacity", "stop-color", "stop-opacity"),
    )
)
ATTRIBUTES = SHAPE | PAINT
NAME = re.compile(r"[A-Za-z_][\w.-]{0,99}", re.ASCII)
VALUE = re.compile(r"[\w\s.,#%()+-]*", re.ASCII)
LOCAL = re.compile(r"url\(\s*['\"]?#([A-Za-z_][\w.-]{0,99})['\"]?\s*\)", re.ASCII)
FUNCTIONS = frozenset(["rgb", "rgba", "hsl", "hsla", "matrix", "translate", "scale", "rotate", "skewX", "skewY"])
MOST_ELEMENTS, DEEPEST, MOST_USES = 2000, 32, 30
# Two of the same name in one drawing, or one inside the other, multiply what a browser has to draw.
NESTING = frozenset(("clipPath", "mask"))


class Unfit(Exception):
    """Not a drawing that can be served; `text` says why and what to do."""

    def __init__(self, text: str | Promise) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass
class _Writer:
    """What the parser has told so far. `skipped` counts the open elements of a part that is left out."""

    out: list[str] = field(default_factory=list)
    open: list[tuple[str, bool]] = field(default_factory=list)  # name, and whether it can be referred to
    skipped: int = 0
    elements: int = 0
    uses: int = 0
    size: tuple[int, int] = (0, 0)

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(self.open) + self.skipped >= DEEPEST:
            raise Unfit(_("The drawing is too complex. Simplify it, or use PNG."))
        namespace, _space, name = qualified.rpartition(" ")
        if not self.open and (namespace, name) != (NAMESPACE, "svg"):
            raise Unfit(_("This is not an SVG drawing."))
        if name == "style" and namespace == NAMESPACE:
            raise Unfit(_("The drawing has a style sheet. Export it with presentation attributes instead, or use PNG."))
        if self.skipped or namespace != NAMESPACE or name not in ELEMENTS or (name == "svg" and self.open):
            self.skipped += 1
            return
        kept = self._kept(name, attributes)
        self._guard(name, kept)
        self.open.append((name, "id" in kept))
        self.out.append(f"<{name}{''.join(f' {key}={quoteattr(value)}' for key, value in kept.items())}>")

    def end(self, _qualified: str) -> None:
        if self.skipped:
            self.skipped -= 1
            return
        self.out.append(f"</{self.open.pop()[0]}>")

    def text(self, text: str) -> None:
        if not self.skipped and self.open and self.open[-1][0] in TEXTS:
            self.out.append(escape(text))

    def _kept(self, name: str, attributes: dict[str, str]) -> dict[str, str]:
        if name == "svg":
            left, top, width, height = _view(attributes)
            self.size = round(width), round(height)
            painted = {key: value for key, value in attributes.items() if key in PAINT and _harmless(value)}
            box = {
                "xmlns": NAMESPACE,
                "width": str(self.size[0]),
                "height": str(self.size[1]),
                "viewBox": f"{left:g} {top:g} {width:g} {height:g}",
            }
            return box | painted
        kept = {key: value for key, value in attributes.items() if key in ATTRIBUTES and _harmless(value)}
        kept |= _declared(attributes.get("style", ""))
        if name != "use" and NAME.fullmatch(attributes.get("id", "")):
            kept["id"] = attributes["id"]
        target = attributes.get("href", attributes.get(f"{XLINK} href", ""))
        if name in ("use", "linearGradient", "radialGradient") and NAME.fullmatch(target.removeprefix("#")) and target.startswith("#"):
            kept["href"] = target
        return kept

    def _guard(self, name: str, kept: dict[str, str]) -> None:
        """Against drawings that multiply: what is used uses nothing itself, and what cuts is not cut."""
        inside = {each for each, _referable in self.open}
        if name == "use":
            self.uses += 1
            if self.uses > MOST_USES or any(referable for _name, referable in self.open):
                raise Unfit(_("The drawing refers to its parts too often. Export it with its shapes expanded, or use PNG."))
        cuts = "mask" in kept or "clip-path" in kept
        if (cuts and (inside | {name}) & NESTING) or (name in NESTING and inside & NESTING):
            raise Unfit(_("The drawing has masks inside masks. Export it with its shapes expanded, or use PNG."))


def cleaned(source: bytes) -> tuple[str, int, int]:
    """The drawing written anew, its width and its height. Raises Unfit."""
    writer = _Writer()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = writer.start, writer.end, writer.text
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(source, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unfit(_("The drawing is damaged: it is not well-formed XML.")) from None
    return "".join(writer.out), *writer.size


def _no_doctype(*_declaration: object) -> None:
    raise Unfit(_("The drawing has a document type. Export it without one, or use PNG."))


def _harmless(value: str) -> bool:
    """Numbers, words and colours; a reference only to a part of the same drawing."""
    rest = LOCAL.sub("", value)
    return bool(VALUE.fullmatch(rest)) and set(re.findall(r"([\w-]*)\(", rest)) <= FUNCTIONS


def _declared(style: str) -> dict[str, str]:
    """What a style attribute says, as attributes."""
    pairs = (part.partition(":") for part in style.split(";"))
    declared = {key.strip(): value.strip() for key, _colon, value in pairs}
    return {key: value for key, value in declared.items() if key in PAINT and _harmless(value)}


def _view(attributes: dict[str, str]) -> tuple[float, float, float, float]:
    """Of viewBox, or of width and height where it has none."""
    said = attributes.get("viewBox") or f"0 0 {attributes.get('width', '')} {attributes.get('height', '')}"
    try:
        left, top, width, height = (float(number.removesuffix("px")) for number in said.replace(",", " ").split())
    except ValueError:
        raise Unfit(_("The drawing does not say how large it is: give it a viewBox.")) from None
    if not all(map(isfinite, (left, top, width, height))) or not (1 <= width <= 10_000 and 1 <= height <= 10_000):
        raise Unfit(_("The drawing does not say how large it is: give it a viewBox."))
    return left, top, width, height
