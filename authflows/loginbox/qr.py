"""A QR code as the path of an SVG whose size is always the same, so that its frame can stand in a skeleton."""

from __future__ import annotations

import qrcode
from qrcode.constants import ERROR_CORRECT_L

# Version 8 at the lowest correction holds 192 bytes: any address of a phone page with half a channel behind it.
VERSION = 8
MODULES = 17 + 4 * VERSION


def path(text: str) -> str:
    """One `d` for a viewBox of MODULES × MODULES: a bar for each run of dark modules. Raises qrcode's DataOverflowError."""
    code = qrcode.QRCode(version=VERSION, error_correction=ERROR_CORRECT_L, border=0)
    code.add_data(text, optimize=0)
    code.make(fit=False)
    return "".join(bar for y, row in enumerate(code.modules) for bar in _bars(y, row))


def _bars(y: int, row: list[bool]) -> list[str]:
    bars, start = [], None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            bars.append(f"M{start} {y}h{x - start}v1h-{x - start}z")
            start = None
    return bars
