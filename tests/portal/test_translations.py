"""Every text that people see exists in Danish. The msgids are English; Django's and allauth's own texts bring their own."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("broker_portal", "tenants", "authflows", "billing")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_noop": None,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# What billing refuses carries its text to the page: the first argument, as it is.
REFUSALS = {
    "Refusal",
    "Refused",
    "DecisionError",
    "PlanError",
    "AccountError",
    "PriceMissing",
    "PriceError",
    "CurrencyError",
    "PartyError",
    "LineFault",
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>|\[\[\w+\]\]")


@dataclass(frozen=True)
class Text:
    """One translatable text and where it stands; `ids` is the singular and, where there is one, the plural."""

    place: str
    context: str | None
    ids: tuple[str, ...]


def found_in(path: Path, source: str) -> Iterator[Text]:
    place = str(path.relative_to(ROOT))
    refusals = dict.fromkeys(REFUSALS) if place.startswith("billing/") and path.name != "refusals.py" else {}
    for line, found, _, context in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS | refusals):
        ids = (found,) if isinstance(found, str) else tuple(found)
        yield Text(f"{place}:{line}", context, ids)


def texts() -> list[Text]:
    templates = [path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"}]
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    found = [text for path in templates for text in found_in(path, templatize(path.read_text(), origin=str(path)))]
    return found + [text for path in modules for text in found_in(path, path.read_text())]


def catalogue(language: str) -> Catalog:
    with (ROOT / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def translations(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def is_translated(catalog: Catalog, text: Text) -> bool:
    message = catalog.get(text.ids if len(text.ids) > 1 else text.ids[0], text.context)
    if message is None or message.fuzzy:
        return False
    strings = translations(message)
    return all(strings) and len(strings) == len(text.ids)


def test_texts_are_found_in_templates_and_code() -> None:
    places = {text.place.split("/")[0] for text in texts()}

    assert {"templates", "broker_portal"} <= places


def test_every_text_has_a_danish_translation() -> None:
    danish = catalogue("da")

    missing = sorted({(text.ids[0], text.place) for text in texts() if not is_translated(danish, text)})

    assert not missing, "add to locale/da/LC_MESSAGES/django.po:\n" + "\n".join(f"  {ids!r}  ({place})" for ids, place in missing)


def refusals_in(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
            yield node


def test_what_billing_refuses_is_a_text_of_the_catalogue() -> None:
    modules = {path: ast.parse(path.read_text()) for path in (ROOT / "billing").rglob("*.py") if path.name != "refusals.py"}
    calls = [(path.name, call) for path, tree in modules.items() for call in refusals_in(tree)]

    put_together = [f"{name}:{call.lineno}" for name, call in calls if not isinstance(call.args[0], ast.Constant)]

    assert (len(calls) > 50, put_together) == (True, [])


def test_no_translation_outlives_its_text() -> None:
    used = {(text.context, text.ids[0]) for text in texts()}

    kept = [(message.context, message.id if isinstance(message.id, str) else message.id[0]) for message in catalogue("da") if message.id]

    assert [entry for entry in kept if entry not in used] == []


@pytest.mark.parametrize("language", ["da", "en"])
def test_translations_keep_placeholders_tags_and_markers(language: str) -> None:
    broken = []
    for message in catalogue(language):
        ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        for source, target in zip(ids, translations(message), strict=False):
            if source and target and sorted(PLACEHOLDER.findall(source)) != sorted(PLACEHOLDER.findall(target)):
                broken.append((source, target))

    assert broken == []


def test_danish_keeps_to_its_own_typography() -> None:
    """No exclamation marks and no pleading: the voice says what happened, what it means and what to do."""
    strings = [string for message in catalogue("da") if message.id for string in translations(message)]

    assert [string for string in strings if "!" in string or "venligst" in string.lower()] == []
