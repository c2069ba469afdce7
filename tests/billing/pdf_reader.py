"""Reads a tagged PDF as a screen reader does: the structure tree in order, each element with its own text."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf

_HEX = re.compile(rb"<([0-9A-Fa-f]+)>")


@dataclass(frozen=True)
class Element:
    role: str
    text: str
    scope: str = ""


class Reader:
    def __init__(self, content: bytes) -> None:
        self.pdf = pikepdf.open(io.BytesIO(content))
        self.by_mark: dict[tuple[int, int], str] = {}
        self.pages = [self._read_page(index) for index in range(len(self.pdf.pages))]
        self._index = {page.obj.objgen: index for index, page in enumerate(self.pdf.pages)}
        self.elements = list(self._walk(self.pdf.Root.StructTreeRoot.K, 0))

    @property
    def text(self) -> str:
        """All tagged text in reading order, without footers and other artifacts; one space for any white space."""
        return " ".join(" ".join(element.text for element in self.elements).split())

    def texts(self, role: str) -> list[str]:
        return [element.text for element in self.elements if element.role == role]

    def fonts(self) -> Iterator[pikepdf.Object]:
        for page in self.pdf.pages:
            yield from page.Resources.Font.values()

    def _read_page(self, index: int) -> str:
        """Fills `by_mark`; gives everything drawn on the page, artifacts included."""
        page = self.pdf.pages[index]
        maps = {name: _unicode_map(font) for name, font in page.Resources.Font.items()}
        open_marks: list[int | None] = []
        current: dict[int, str] = {}
        drawn: list[str] = []
        for instruction in pikepdf.parse_content_stream(page):
            operands = instruction.operands
            match str(instruction.operator):
                case "Tf":
                    current = maps[str(operands[0])]
                case "BDC" | "BMC":
                    properties = operands[1] if len(operands) > 1 else None
                    open_marks.append(
                        int(properties.MCID) if isinstance(properties, pikepdf.Dictionary) and "/MCID" in properties else None
                    )
                case "EMC":
                    open_marks.pop()
                case "Tj" | "TJ":
                    shown = _shown(operands[0], current)
                    drawn.append(shown)
                    for mark in open_marks:
                        if mark is not None:
                            self.by_mark[index, mark] = self.by_mark.get((index, mark), "") + shown
        return "".join(drawn)

    def _walk(self, node: object, page: int) -> Iterator[Element]:
        if isinstance(node, pikepdf.Array):
            for child in node:
                yield from self._walk(child, page)
        elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
            page = self._index[node.Pg.objgen] if "/Pg" in node else page
            kids = node.get("/K", pikepdf.Array())
            yield Element(str(node.S)[1:], self._own_text(kids, page), _scope(node))
            yield from self._walk(kids, page)

    def _own_text(self, kids: object, page: int) -> str:
        parts = []
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, int):
                parts.append(self.by_mark.get((page, kid), ""))
            elif isinstance(kid, pikepdf.Dictionary) and "/MCID" in kid:
                at = self._index[kid.Pg.objgen] if "/Pg" in kid else page
                parts.append(self.by_mark.get((at, int(kid.MCID)), ""))
        return " ".join(part for part in parts if part)


def _scope(node: pikepdf.Dictionary) -> str:
    attributes = node.get("/A", pikepdf.Array())
    for attribute in attributes if isinstance(attributes, pikepdf.Array) else [attributes]:
        if "/Scope" in attribute:
            return str(attribute.Scope)[1:]
    return ""


def _shown(operand: pikepdf.Object, glyphs: dict[int, str]) -> str:
    strings = operand if isinstance(operand, pikepdf.Array) else [operand]
    raw = b"".join(bytes(part) for part in strings if isinstance(part, pikepdf.String))
    return "".join(glyphs.get(int.from_bytes(raw[n : n + 2], "big"), "") for n in range(0, len(raw), 2))


def _unicode_map(font: pikepdf.Object) -> dict[int, str]:
    """Glyph number to text, from the font's ToUnicode map."""
    glyphs: dict[int, str] = {}
    for section, body in re.findall(rb"begin(bfchar|bfrange)(.*?)endbf", font.ToUnicode.read_bytes(), re.DOTALL):
        numbers = [number.decode() for number in _HEX.findall(body)]
        if section == b"bfchar":
            for glyph, characters in zip(numbers[::2], numbers[1::2], strict=True):
                glyphs[int(glyph, 16)] = bytes.fromhex(characters).decode("utf-16-be")
        else:
            for first, last, character in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
                glyphs |= {glyph: chr(int(character, 16) + glyph - int(first, 16)) for glyph in range(int(first, 16), int(last, 16) + 1)}
    return glyphs
