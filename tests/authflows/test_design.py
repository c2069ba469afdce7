"""A design is a document of values: what is wrong in one is told by its path, and what is low in contrast by its pair."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from authflows.loginbox import contrast, design, theme
from authflows.loginbox.design import FORMAT, Malformed

COLOUR = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
TEXTS: dict[str, Any] = {
    "da": {
        "heading": "Log på netbanken",
        "points": ["Ring alle dage."],
        "links": [{"title": "Banken", "links": [["Kontakt", "https://fjordbank.example/kontakt"]]}],
        "cpr_consent": "Vi spørger om dit CPR-nummer.\nVi gemmer det ikke.",
    }
}


def document(**changed: Any) -> dict[str, Any]:
    plain = {"format": FORMAT, "layout": "split", "content_on_phones": False, "kinds": ["login"], "values": theme.PLAIN, "texts": TEXTS}
    return copy.deepcopy(plain) | changed


def paths(found: Any) -> list[str]:
    with pytest.raises(Malformed) as refused:
        design.read(found)
    return [problem.path for problem in refused.value.problems]


def language(**text: Any) -> dict[str, Any]:
    return document(texts={"da": text})


def test_what_is_exported_is_read_again() -> None:
    read = design.read(document())
    assert design.read(design.parse(json.dumps(read.document()).encode())) == read
    assert read.texts == TEXTS


def test_empty_texts_are_left_out() -> None:
    read = design.read(language(heading="  ", text="", points=[" "], links=[{"title": "Empty", "links": []}]))
    assert read.texts == {"da": {}}


@pytest.mark.parametrize(
    ("found", "path"),
    [
        ([], "$"),
        (None, "$"),
        (document(format="x"), "$.format"),
        (document(css="body {}"), "$.css"),
        (document(layout="full"), "$.layout"),
        (document(layout=["split"]), "$.layout"),
        (document(content_on_phones="no"), "$.content_on_phones"),
        (document(kinds="login"), "$.kinds"),
        (document(kinds=[{}]), "$.kinds"),
        (document(kinds=["login", "login"]), "$.kinds"),
        (document(values=None), "$.values"),
        (document(values=theme.PLAIN | {"css": "x"}), "$.values.css"),
        (document(values=theme.PLAIN | {"heading": []}), "$.values.heading"),
        (document(values=theme.PLAIN | {"radius": {}}), "$.values.radius"),
        (document(values=theme.PLAIN | {"light": theme.PLAIN["light"] | {"link": "url(//x.example)"}}), "$.values.light.link"),
        (document(values=theme.PLAIN | {"dark": theme.PLAIN["dark"] | {"extra": "#ffffff"}}), "$.values.dark.extra"),
        (document(texts=[]), "$.texts"),
        (document(texts={"de": {}}), "$.texts.de"),
        (document(texts={"da": "Hej"}), "$.texts.da"),
        (language(html="<b>"), "$.texts.da.html"),
        (language(heading=["Log på"]), "$.texts.da.heading"),
        (language(heading="x" * 81), "$.texts.da.heading"),
        (language(heading="two\nlines"), "$.texts.da.heading"),
        (language(text="turned \u202e round"), "$.texts.da.text"),
        (language(text="half \ud800"), "$.texts.da.text"),
        (language(cpr_consent="x" * 2001), "$.texts.da.cpr_consent"),
        (language(points="one"), "$.texts.da.points"),
        (language(points=["x"] * 5), "$.texts.da.points"),
        (language(points=[7]), "$.texts.da.points[0]"),
        (language(links=[["Contact", "https://x.example"]]), "$.texts.da.links[0]"),
        (language(links=[{"title": "x"}]), "$.texts.da.links[0].links"),
        (language(links=[{"links": ["https://x.example"]}]), "$.texts.da.links[0].links[0]"),
        (language(links=[{"links": [["Contact", "javascript:alert(1)"]]}]), "$.texts.da.links[0].links[0][1]"),
        (language(links=[{"links": [["Contact", "http://x.example"]]}]), "$.texts.da.links[0].links[0][1]"),
        (language(links=[{"links": [["Contact", "https://mitid.dk@x.example"]]}]), "$.texts.da.links[0].links[0][1]"),
        (language(links=[{"links": [["Contact", 'https://x.example/"onclick="x']]}]), "$.texts.da.links[0].links[0][1]"),
        (language(links=[{"links": [["Contact", "https://x.example:99999/"]]}]), "$.texts.da.links[0].links[0][1]"),
        (language(links=[{"links": [["Contact", "https://[x"]]}]), "$.texts.da.links[0].links[0][1]"),
        (language(links=[{"links": [["", "https://x.example"]]}]), "$.texts.da.links[0].links[0][0]"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(found: Any, path: str) -> None:
    assert paths(found) == [path]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b'{"layout": "split", "layout": "topbar"}', b" " * 600_001, b"[]", b'"x"'],
    ids=["empty", "cut off", "not UTF-8", "deep", "NaN", "a name twice", "huge", "a list", "a text"],
)
def test_malformed_json_is_refused_whole(text: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        design.parse(text)
    assert [problem.path for problem in refused.value.problems] == ["$"]


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#777777", 1), ("#0060e6", "#ffffff", 5.5)])
def test_contrast_is_wcag_s(one: str, other: str, ratio: float) -> None:
    assert contrast.ratio(one, other) == contrast.ratio(other, one)
    assert contrast.ratio(one, other) == pytest.approx(ratio, abs=0.06)


def test_the_plain_design_passes_in_both_schemes() -> None:
    assert contrast.failing(theme.PLAIN) == []
    assert {pair.scheme for pair in contrast.pairs(theme.PLAIN)} == {"light", "dark"}


def test_a_pair_that_fails_is_named_with_the_nearest_colour_that_passes() -> None:
    values = copy.deepcopy(theme.PLAIN)
    values["light"] |= {"panel": "#123c34", "panel-ink-2": "#7d9189"}
    (pair,) = contrast.failing(values)
    with translation.override("en"):
        assert (pair.scheme, str(pair.name), pair.ratio, pair.needs) == ("light", "Quiet text on the panel", 3.6, 4.5)
    values["light"]["panel-ink-2"] = pair.better
    assert contrast.failing(values) == []


@given(COLOUR, COLOUR)
def test_there_is_always_a_colour_that_passes(foreground: str, background: str) -> None:
    better = contrast.nearest(foreground, background, contrast.TEXT)
    assert contrast.ratio(better, background) >= contrast.TEXT
    if contrast.ratio(foreground, background) >= contrast.TEXT:
        assert better == foreground
