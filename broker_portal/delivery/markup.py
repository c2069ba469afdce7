"""An e-mail's HTML, made of its text: the same facts in the same order. No images, no web fonts, nothing that is fetched.

The text's parts are apart by empty lines: the heading first; lines of "name   value" are facts; a line that ends with a colon before an
address is a button; what stands after "--" says why somebody gets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

FONT = "font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
FACT = re.compile(r"^(\S.*?)\s{2,}(\S.*)$")
PAGE = (
    '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<title>{}</title></head><body style="margin:0;padding:32px 16px;background:#f5f7f7;color:#12201f;'
    + FONT
    + ';font-size:16px;line-height:24px">'
    '<main style="max-width:600px;margin:0 auto;background:#ffffff;border:1px solid #dde3e3;border-radius:10px">'
    '<p style="margin:0;padding:20px 32px;border-bottom:1px solid #dde3e3;font-size:14px;line-height:20px;color:#40504f"><b>{}</b></p>'
    '<div style="padding:28px 32px 32px">{}</div></main>'
    '<footer style="max-width:536px;margin:0 auto;padding:20px 32px 0;font-size:13px;line-height:20px;color:#566664">{}</footer>'
    "</body></html>"
)
HEADING = '<h1 style="margin:0 0 12px;font-size:24px;line-height:32px;font-weight:600">{}</h1>'
PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
SMALL = '<p style="margin:0 0 8px">{}</p>'
TABLE = '<table style="width:100%;margin:8px 0 24px;border-collapse:collapse;font-size:14px;line-height:20px"><tbody>{}</tbody></table>'
ROW = (
    '<tr><th scope="row" style="width:38%;padding:8px 16px 8px 0;border-bottom:1px solid #dde3e3;text-align:left;'
    'font-weight:400;color:#566664">'
    '{}</th><td style="padding:8px 0;border-bottom:1px solid #dde3e3">{}</td></tr>'
)
BUTTON = (
    '<p style="margin:0 0 24px"><a href="{}" style="display:inline-block;border:solid #0c5f76;border-width:11px 20px;border-radius:6px;'
    'background:#0c5f76;color:#ffffff;font-weight:600;text-decoration:none">{}</a></p>'
)


def of_text(text: str, *, subject: str, sender: str, language: str) -> str:
    """`text` as it is sent, without its subject."""
    body, _, why = text.partition("\n--\n")
    parts = [part.strip("\n") for part in re.split(r"\n{2,}", body.strip("\n"))]
    shown = format_html_join("", "{}", ((each,) for each in _shown(parts)))
    foot = format_html_join("", SMALL, ((line,) for line in why.strip().splitlines()))
    return format_html(PAGE, language, subject, sender, shown, foot)


def _shown(parts: list[str]) -> Iterator[SafeString]:
    yield format_html(HEADING, parts[0])
    for part in parts[1:]:
        lines = part.splitlines()
        facts = [match.groups() for line in lines if (match := FACT.match(line))]
        if len(facts) == len(lines):
            yield format_html(TABLE, format_html_join("", ROW, facts))
        elif len(lines) == 2 and lines[0].endswith(":") and lines[1].startswith(("https://", "http://")):
            yield format_html(BUTTON, lines[1], lines[0].removesuffix(":"))
        else:
            yield format_html(PARAGRAPH, " ".join(lines))
