"""What holds for every template: it parses, says what it expects, keeps to the content security policy, and its drawings exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(path.relative_to(ROOT / "templates").as_posix() for path in (ROOT / "templates").rglob("*.html"))
STATIC = sorted(path for path in (ROOT / "static").rglob("*") if path.suffix in {".css", ".js", ".svg"})
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)|data:", re.IGNORECASE)
NO_CONTEXT_OF_THEIR_OWN = ("allauth/",)


def source(name: str) -> str:
    return (ROOT / "templates" / name).read_text()


def drawings(name: str) -> set[str]:
    return set(re.findall(r'{% icon "([^"]+)"', source(name))) | set(re.findall(r'loginbox/icon\.html" with name="([^"]+)"', source(name)))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_parses(name: str) -> None:
    assert get_template(name)


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.split("/")[0] != "email"])
def test_nothing_stands_inline(name: str) -> None:
    assert INLINE.findall(source(name)) == []


@pytest.mark.parametrize("name", [name for name in TEMPLATES if not name.startswith(NO_CONTEXT_OF_THEIR_OWN)])
def test_a_template_says_at_its_top_what_it_is(name: str) -> None:
    assert source(name).startswith("{# ")


def test_the_sprite_holds_exactly_the_drawings_that_are_used() -> None:
    sprite = (ROOT / "static" / "vendor" / "icons.svg").read_text()

    used = set().union(*(drawings(name) for name in TEMPLATES))

    assert set(re.findall(r'<symbol id="([^"]+)"', sprite)) == used


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_our_files_fetch_nothing_from_elsewhere(path: Path) -> None:
    addresses = re.findall(r"""url\(\s*["']?([^"')]+)|@import|\b(https?://[^\s"')]+)""", path.read_text())

    assert [url or absolute for url, absolute in addresses if not url.startswith("../") and absolute != "http://www.w3.org/2000/svg"] == []
