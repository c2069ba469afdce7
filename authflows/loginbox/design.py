"""A tenant's design as one document: what may stand around the box, and nothing else (security checklist 55).

    {"format": "broker-portal-design-1", "layout": "split", "content_on_phones": false, "kinds": ["login"],
     "values": {"heading": "figtree", "body": "figtree", "weight": 620, "radius": "small", "light": {"panel": "#17313a", …}, "dark": {…}},
     "texts": {"da": {"heading": "…", "text": "…", "points": ["…"], "cpr_consent": "…",
                      "links": [{"title": "…", "links": [["Label", "https://…"]]}]}, "en": {…}, "kl": {…}}}

An exported document also carries `logo`: null, or {"media_type": "image/png", "base64": "…"}.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from authflows.loginbox import theme

FORMAT = "broker-portal-design-1"
LAYOUTS = ("split", "centred", "topbar")
KINDS = ("login", "approve", "sign")
LANGUAGES = ("da", "en", "kl")
LONGEST = {"heading": 80, "text": 240, "cpr_consent": 2000}
POINTS, LONGEST_POINT = 4, 120
GROUPS, LONGEST_TITLE = 3, 40
LINKS, LONGEST_LABEL, LONGEST_URL = 6, 40, 500
LARGEST_DOCUMENT = 600_000
# A text that turns the reading direction can make an address look like another.
TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: a path as $.values.light.panel."""

    path: str
    text: str | Promise

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class Malformed(Exception):
    """A document that is no design; nothing of it is taken."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems[:5]))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Design:
    layout: str
    content_on_phones: bool
    kinds: tuple[str, ...]
    values: dict[str, Any]
    texts: dict[str, Any]

    def document(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "layout": self.layout,
            "content_on_phones": self.content_on_phones,
            "kinds": list(self.kinds),
            "values": self.values,
            "texts": self.texts,
        }


PLAIN = Design("centred", False, ("login",), theme.PLAIN, {})
_MEMBERS = frozenset((*PLAIN.document(), "logo"))
_VALUES = frozenset(theme.PLAIN)
_TEXTS = frozenset((*LONGEST, "points", "links"))


def read(document: Any) -> Design:
    """Raises Malformed."""
    if found := list(_problems(document)):
        raise Malformed(found)
    texts = {language: _tidy(text) for language, text in document["texts"].items()}
    kinds = tuple(kind for kind in KINDS if kind in document["kinds"])
    return Design(document["layout"], document["content_on_phones"], kinds, document["values"], texts)


def parse(text: bytes) -> dict[str, Any]:
    """The JSON of a document, not yet checked to be a design. Raises Malformed."""
    if len(text) > LARGEST_DOCUMENT:
        raise Malformed([Problem("$", _("The file is too large."))])
    try:
        found = json.loads(text.decode(), object_pairs_hook=_without_repeats, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise Malformed([Problem("$", _("This is not JSON as RFC 8259 has it, in UTF-8 and with each name once."))]) from None
    if not isinstance(found, dict):
        raise Malformed([Problem("$", _("Must be an object."))])
    return found


def _without_repeats(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("repeated name")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _problems(document: Any) -> Iterator[Problem]:
    if not isinstance(document, Mapping):
        yield Problem("$", _("Must be an object."))
        return
    yield from _unknown("$", document, _MEMBERS)
    if document.get("format") != FORMAT:
        yield Problem("$.format", _("This is not a design that this program exported."))
    if document.get("layout") not in LAYOUTS:
        yield Problem("$.layout", _("Must be split, centred or topbar."))
    if not isinstance(document.get("content_on_phones"), bool):
        yield Problem("$.content_on_phones", _("Must be true or false."))
    kinds = document.get("kinds")
    if not isinstance(kinds, list) or any(kind not in KINDS for kind in kinds) or len(kinds) != len(set(map(str, kinds))):
        yield Problem("$.kinds", _("Must be a list of login, approve and sign."))
    yield from _of_values(document.get("values"))
    yield from _of_texts(document.get("texts"))


def _of_values(values: Any) -> Iterator[Problem]:
    if not isinstance(values, Mapping):
        yield Problem("$.values", _("Must be an object."))
        return
    yield from _unknown("$.values", values, _VALUES)
    for scheme in ("light", "dark"):
        yield from _unknown(f"$.values.{scheme}", values.get(scheme), frozenset(theme.COLOURS))
    for name in theme.problems(dict(values)):
        colour = name.startswith(("light.", "dark."))
        yield Problem(f"$.values.{name}", _("Write a colour as #1b5648.") if colour else _("This value is not on the list."))


def _of_texts(texts: Any) -> Iterator[Problem]:
    if not isinstance(texts, Mapping):
        yield Problem("$.texts", _("Must be an object."))
        return
    yield from _unknown("$.texts", texts, frozenset(LANGUAGES))
    for language in LANGUAGES:
        if language in texts:
            yield from _of_language(f"$.texts.{language}", texts[language])


def _of_language(path: str, text: Any) -> Iterator[Problem]:
    if not isinstance(text, Mapping):
        yield Problem(path, _("Must be an object."))
        return
    yield from _unknown(path, text, _TEXTS)
    for name, longest in LONGEST.items():
        yield from _of_text(f"{path}.{name}", text.get(name, ""), longest, lines=name == "cpr_consent")
    yield from _each(f"{path}.points", text.get("points", []), POINTS, lambda at, point: _of_text(at, point, LONGEST_POINT))
    yield from _each(f"{path}.links", text.get("links", []), GROUPS, _of_group)


def _of_group(path: str, group: Any) -> Iterator[Problem]:
    if not isinstance(group, Mapping):
        yield Problem(path, _("Must be an object."))
        return
    yield from _unknown(path, group, frozenset(("title", "links")))
    yield from _of_text(f"{path}.title", group.get("title", ""), LONGEST_TITLE)
    yield from _each(f"{path}.links", group.get("links"), LINKS, _of_link)


def _of_link(path: str, link: Any) -> Iterator[Problem]:
    if not isinstance(link, list) or len(link) != 2:
        yield Problem(path, _("Must be a text and an address."))
        return
    yield from _of_text(f"{path}[0]", link[0], LONGEST_LABEL)
    if not isinstance(link[1], str) or not is_address(link[1]):
        yield Problem(f"{path}[1]", _("Must be an address that begins with https://."))
    elif isinstance(link[0], str) and not link[0].strip():
        yield Problem(f"{path}[0]", _("A link needs a text."))


def is_address(url: str) -> bool:
    """Of a page to link to: https, without user name, in the characters of RFC 3986."""
    if len(url) > LONGEST_URL or not url.isascii() or any(character <= " " or character in "\"'<>\\^`{|}\x7f" for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0
    except ValueError:
        return False


def _of_text(path: str, text: Any, longest: int, *, lines: bool = False) -> Iterator[Problem]:
    if not isinstance(text, str):
        yield Problem(path, _("Must be a text."))
    elif len(text) > longest:
        yield Problem(path, _("The text is too long."))
    elif any(_hidden(character) for character in (text.replace("\n", "") if lines else text)):
        yield Problem(path, _("There is a character in it that cannot be seen."))


def _hidden(character: str) -> bool:
    return character in TURNS or unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")


def _each(path: str, items: Any, most: int, check: Any) -> Iterator[Problem]:
    if not isinstance(items, list):
        yield Problem(path, _("Must be a list."))
    elif len(items) > most:
        yield Problem(path, _("There are too many of them."))
    else:
        for number, item in enumerate(items):
            yield from check(f"{path}[{number}]", item)


def _unknown(path: str, found: Any, known: frozenset[str]) -> Iterator[Problem]:
    if isinstance(found, Mapping):
        for name in sorted(set(found) - known)[:3]:
            yield Problem(f"{path}.{name[:40]}", _("There is no such value in a design."))


def _tidy(text: Mapping[str, Any]) -> dict[str, Any]:
    """Without spaces at the ends and without what is empty."""
    found: dict[str, Any] = {name: text.get(name, "").strip() for name in LONGEST}
    found["points"] = [point.strip() for point in text.get("points", []) if point.strip()]
    groups = ({"title": group.get("title", "").strip(), "links": group["links"]} for group in text.get("links", []))
    found["links"] = [group for group in groups if group["links"]]
    return {name: value for name, value in found.items() if value}
