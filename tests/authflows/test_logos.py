"""A logo is drawn anew from what was uploaded; what hides in a file, or would flood a browser, is refused or gone."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from authflows.loginbox import logos
from authflows.loginbox.logos import Refused

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 80 20">{}</svg>'
MARK = '<path d="M3 19 11 6l5 8" fill="#1b5648"/>'


def image(form: str = "PNG", size: tuple[int, int] = (300, 100)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#1b5648").save(out, form)
    return out.getvalue()


def drawn(inside: str) -> str:
    return logos.cleaned(SVG.format(inside).encode()).content.decode()


def header_only(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_raster_image_comes_out_as_a_png_of_ours(form: str) -> None:
    logo = logos.cleaned(image(form))
    assert (logo.media_type, logo.width, logo.height) == ("image/png", 300, 100)
    with Image.open(io.BytesIO(logo.content)) as again:
        assert again.format == "PNG"
        assert again.info == {}


def test_a_large_image_is_made_smaller() -> None:
    logo = logos.cleaned(image(size=(4000, 1000)))
    assert (logo.width, logo.height) == (640, 160)


def test_a_progressive_jpeg_is_read_to_its_end() -> None:
    out = io.BytesIO()
    Image.effect_noise((200, 80), 80).convert("RGB").save(out, "JPEG", progressive=True, quality=95)
    assert logos.cleaned(out.getvalue()).width == 200


def test_what_a_picture_says_beside_its_pixels_is_gone() -> None:
    out = io.BytesIO()
    Image.new("RGB", (30, 10)).save(out, "JPEG", comment=b"<script>alert(1)</script>", exif=Image.Exif())
    assert b"script" not in logos.cleaned(out.getvalue()).content


@pytest.mark.parametrize(
    "upload",
    [
        b"",
        b"GIF89a/*" + b"\0" * 50,
        b"%PDF-1.7",
        b"MZ",
        image()[:-20],
        image("JPEG")[:300],
        image("WEBP")[:40],
        image() + b"<script>alert(1)</script>",
        image("JPEG") + b"PK\x03\x04 a jar",
        image("WEBP") + b"<html>",
        b"<html>" + image(),
        b"\x00" * 200_001,
        header_only(60_000, 60_000),
        header_only(4097, 1),
        header_only(4000, 4000),
    ],
    ids=[
        *("empty", "GIF and script", "PDF", "program", "PNG cut off", "JPEG cut off", "WebP cut off", "PNG and HTML", "JPEG and archive"),
        *("WebP and HTML", "HTML and PNG", "oversized", "flood", "too wide", "too many pixels"),
    ],
)
def test_what_is_no_logo_is_refused_with_what_to_do(upload: bytes) -> None:
    with pytest.raises(Refused) as refused:
        logos.cleaned(upload)
    assert str(refused.value.text).endswith(".")


def test_a_drawing_keeps_its_shapes_paint_and_size() -> None:
    logo = logos.cleaned(SVG.format(f'<g style="fill:#123c34; position:fixed">{MARK}</g><title>Fjord</title>').encode())
    assert (logo.media_type, logo.width, logo.height) == ("image/svg+xml", 80, 20)
    assert logo.content.decode() == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20" viewBox="0 0 80 20"><g fill="#123c34">'
        '<path d="M3 19 11 6l5 8" fill="#1b5648"></path></g><title>Fjord</title></svg>'
    )


def test_a_gradient_of_its_own_stays() -> None:
    text = drawn('<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs><rect fill="url(#a)"/>')
    assert '<linearGradient id="a">' in text
    assert 'fill="url(#a)"' in text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<script xlink:href="https://x.example/x.js"/>',
        '<rect onload="alert(1)" onclick="alert(1)"/>',
        '<a href="javascript:alert(1)"><rect/></a>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></body></foreignObject>',
        '<image href="https://x.example/pixel.png"/>',
        '<use href="https://x.example/x.svg#a"/>',
        '<use xlink:href="data:image/svg+xml;base64,PHN2Zy8+"/>',
        '<rect fill="url(https://x.example/x)"/>',
        '<rect style="fill:url(//x.example/x);background:url(x)"/>',
        '<rect fill="red" style="fill: expression(alert(1))"/>',
        '<animate attributeName="href" values="javascript:alert(1)"/>',
        '<set attributeName="onclick" to="alert(1)"/>',
        '<filter id="f"><feImage href="https://x.example/x"/></filter>',
        "<text>Log in with <tspan>your code</tspan></text>",
        '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>',
        "<title><script>alert(1)</script></title>",
        "<title>&lt;script&gt;</title>",
        '<svg onload="alert(1)"><script>alert(1)</script></svg>',
    ],
)
def test_what_a_drawing_may_not_have_is_left_out(hostile: str) -> None:
    text = drawn(MARK + hostile)
    assert MARK.replace("/>", "></path>") in text
    for trace in ("<script", "alert", "example", "javascript", "data:", "<image", "foreign", "onload", "expression", "<text", "<a", "<set"):
        assert trace not in text, trace


@pytest.mark.parametrize(
    "source",
    [
        SVG.format("<path"),
        SVG.format("<style>@import url(https://x.example)</style>"),
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG.format("<title>&a;</title>"),
        '<!DOCTYPE svg SYSTEM "file:///etc/passwd">' + SVG.format(MARK),
        "<html><body>x</body></html>",
        "<svg><path/></svg>",
        '<svg xmlns="http://www.w3.org/2000/svg"><path/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 nan 1"/>',
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1e9 1"/>',
        SVG.format("<g>" * 40 + "</g>" * 40),
        SVG.format(MARK * 2001),
        SVG.format('<g id="a"><use href="#b"/><use href="#b"/></g>'),
        SVG.format('<g id="a"/>' + '<use href="#a"/>' * 31),
        SVG.format('<mask id="a"><rect mask="url(#b)"/></mask>'),
        SVG.format('<mask id="a" mask="url(#b)"/>'),
        "<?xml version='1.0' encoding='x-unknown'?>" + SVG.format(MARK),
    ],
)
def test_a_drawing_that_cannot_be_made_safe_is_refused(source: str) -> None:
    with pytest.raises(Refused):
        logos.cleaned(source.encode())


def test_a_drawing_in_another_encoding_is_written_in_utf_8() -> None:
    source = "<?xml version='1.0' encoding='iso-8859-1'?>" + SVG.format("<title>Blåvand</title>")
    assert "Blåvand" in logos.cleaned(source.encode("iso-8859-1")).content.decode()
