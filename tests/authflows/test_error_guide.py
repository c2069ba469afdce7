"""Every error that we answer with is explained, in the code's own list and in docs/errors.md."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from authflows import error_guide
from authflows.error_guide import DESCRIPTIONS, GUIDE, JSON, PAGES, REDIRECTS
from authflows.errors import ENDINGS
from authflows.loginbox.explanations import EXPLANATIONS

ROOT = Path(__file__).resolve().parents[2]
# What makes an error, and which of its arguments is the code.
MAKERS = {"PageError": 0, "JsonError": 0, "RedirectError": 0, "Unusable": 0, "refuse": 0, "refusal": 1, "_invalid": 0}


def written() -> Iterator[tuple[str, str]]:
    """Who makes it, and the code, wherever one stands in the source."""
    for path in (ROOT / "authflows").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            maker = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = MAKERS.get(maker, len(node.args))
            code = node.args[place] if place < len(node.args) else None
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and " " not in code.value:
                yield maker, code.value


def codes(*lists: tuple[error_guide.Explained, ...]) -> set[str]:
    return {each.code for errors in lists for each in errors}


def test_the_document_is_the_list() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == error_guide.markdown(), "manage.py describe_errors > docs/errors.md"


@pytest.mark.parametrize(
    ("makers", "explained"),
    [
        ({"PageError"}, codes(PAGES)),
        ({"JsonError", "_invalid"}, codes(JSON)),
        ({"RedirectError", "refuse", "Unusable"}, codes(REDIRECTS)),
        ({"refusal"}, codes(REDIRECTS, JSON)),
    ],
)
def test_every_code_in_the_source_is_explained(makers: set[str], explained: set[str]) -> None:
    used = {code for maker, code in written() if maker in makers}
    assert used
    assert used - explained == set()


def test_every_way_that_a_login_ends_is_explained() -> None:
    assert codes(DESCRIPTIONS) == {ending.description for ending in ENDINGS.values()}
    assert {ending.error for ending in ENDINGS.values()} <= codes(REDIRECTS)


def test_every_page_has_words_for_the_person_too() -> None:
    assert codes(PAGES) == set(EXPLANATIONS) | {"no_cookie"}


def test_every_anchor_is_its_own_and_every_explanation_says_something() -> None:
    anchors = Counter(place.prefix + each.code for place in GUIDE for each in place.errors)
    assert max(anchors.values()) == 1
    for place in GUIDE:
        for each in place.errors:
            assert each.cause.endswith(".")
            assert each.remedy.endswith(".")
