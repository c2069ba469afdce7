"""Logos: what was uploaded is read and drawn anew, so that nothing of the file itself is ever served (security checklist 56).

Raster images come out as PNG, drawings as SVG of the allow-list in `svg`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from authflows.loginbox import svg

LARGEST = 200_000
LONGEST_SIDE = 4096
MOST_PIXELS = 8_000_000
BOX = (640, 240)  # a logo is shown at 160 x 40 CSS pixels at most
FORMATS = ("PNG", "JPEG", "WEBP")
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError)
FLOOD = (Image.DecompressionBombError, Image.DecompressionBombWarning)
TOO_MANY_PIXELS = _("The image has too many pixels: 4096 on a side at most. Save it smaller.")


class Refused(Exception):
    """Not a logo that can be shown; `text` says why and what to do."""

    def __init__(self, text: str | Promise) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True, slots=True)
class Logo:
    media_type: str
    content: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def cleaned(upload: bytes) -> Logo:
    """Raises Refused."""
    if len(upload) > LARGEST:
        raise Refused(_("The logo may be 200 kB at most. Save it smaller, or as SVG."))
    start = upload.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return _drawing(upload) if start == b"<" else _raster(upload)


def _drawing(upload: bytes) -> Logo:
    try:
        text, width, height = svg.cleaned(upload)
    except svg.Unfit as unfit:
        raise Refused(unfit.text) from None
    return Logo("image/svg+xml", text.encode(), width, height)


def _raster(upload: bytes) -> Logo:
    try:
        with Image.open(io.BytesIO(upload), formats=FORMATS) as image:
            _measured(image)
            if END[str(image.format)](upload) != len(upload):
                raise Refused(_("Something follows the image in the file. Save the image anew, and upload that."))
            image.load()
            drawn = ImageOps.exif_transpose(image).convert("RGBA")
    except UnidentifiedImageError:
        raise Refused(_("This is not an image that we can read. Use SVG, PNG, JPEG or WebP.")) from None
    except FLOOD:
        raise Refused(TOO_MANY_PIXELS) from None
    except UNREADABLE:
        raise Refused(_("The image is damaged. Save it anew, and upload that.")) from None
    drawn.thumbnail(BOX, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return Logo("image/png", out.getvalue(), drawn.width, drawn.height)


def _measured(image: Image.Image) -> None:
    """Of what the header says, before a pixel is decoded."""
    width, height = image.size
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise Refused(TOO_MANY_PIXELS)


def _end_of_png(data: bytes) -> int:
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    return -1


def _end_of_jpeg(data: bytes) -> int:
    """Past the first end-of-image marker (ITU-T T.81 annex B): segments carry their length, coded data hides no marker."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return -1
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        at += 2 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            at = _end_of_coded_data(data, at)
    return at + 2 if data[at : at + 2] == b"\xff\xd9" else -1


def _end_of_coded_data(data: bytes, at: int) -> int:
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2
    return len(data)


def _end_of_webp(data: bytes) -> int:
    return 8 + int.from_bytes(data[4:8], "little")


END: dict[str, Callable[[bytes], int]] = {"PNG": _end_of_png, "JPEG": _end_of_jpeg, "WEBP": _end_of_webp}
