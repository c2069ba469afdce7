"""The claims parameter: read as OpenID Connect Core 5.5 writes it, refused where it cannot be read, never believed further."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflows.oidc.claims_request import LONGEST, ClaimsRequest, Malformed, parse

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["id_token", "userinfo", "acr", "sub", "essential", "value", "values", "name"]), inner, max_size=4),
    ),
    max_leaves=12,
)


def test_nothing_asked_is_nothing_wanted() -> None:
    for text in ("", "{}", '{"id_token": null}', '{"id_token": {}, "userinfo": {}, "verified_claims": [1]}'):
        assert parse(text) == ClaimsRequest()


def test_names_of_both_targets_are_wanted() -> None:
    wanted = parse('{"id_token": {"name": null, "acr": {"essential": true}}, "userinfo": {"birthdate": {"purpose": "x"}}}')
    assert wanted == ClaimsRequest(frozenset({"name", "acr", "birthdate"}))


@pytest.mark.parametrize(
    ("how", "values", "essential"),
    [
        ({"values": ["a", "b"]}, ("a", "b"), False),
        ({"value": "a", "essential": True}, ("a",), True),
        ({"essential": True, "values": []}, (), True),
        ({"essential": True}, None, False),
        ({"value": 1}, ("1",), False),
    ],
)
def test_values_of_acr(how: dict[str, Any], values: tuple[str, ...] | None, essential: bool) -> None:
    for target in ("id_token", "userinfo"):
        wanted = parse(json.dumps({target: {"acr": how}}))
        assert (wanted.acr_values, wanted.acr_essential) == (values, essential)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "null",
        "[]",
        "1",
        '"{}"',
        "{'id_token': {}}",
        '{"id_token": []}',
        '{"id_token": "name"}',
        '{"id_token": {"name": true}}',
        '{"id_token": {"name": []}}',
        '{"id_token": {"name": {"essential": "true"}}}',
        '{"id_token": {"acr": {"values": "a"}}}',
        '{"id_token": {"acr": {"value": ["a"]}}}',
        '{"id_token": {"name": null, "name": null}}',
        '{"id_token": {}, "id_token": {}}',
        '{"id_token": {"acr": {"value": NaN}}}',
        '{"id_token": {"sub": {"values": ["a", "b"]}}}',
        '{"id_token": {"sub": {"value": ""}}}',
        r'{"id_token": {"sub": {"value": "\u0000"}}}',
        r'{"id_token": {"sub": {"value": "\ud800"}}}',
        '{"id_token": {"sub": {"value": "a"}}, "userinfo": {"sub": {"value": "b"}}}',
        "[" * 4000,
        '{"id_token":' * 300,
        "{} " + " " * LONGEST,
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="claims"):
        parse(text)


@given(st.one_of(st.text(), JSON.map(json.dumps)))
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    try:
        wanted = parse(text)
    except Malformed:
        return
    assert all(isinstance(name, str) for name in wanted.names)
    assert wanted.subject.isascii()
