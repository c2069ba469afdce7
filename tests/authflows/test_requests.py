"""A request is frozen, and is read back from the database as it was written."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflows.levels import Level
from authflows.requests import Hints, LoginRequest, text_problem

TEXT = st.text(max_size=20)
REQUESTS = st.builds(
    LoginRequest,
    protocol=TEXT,
    level=st.sampled_from(Level),
    language=st.sampled_from(["da", "en"]),
    reply=st.dictionaries(TEXT, st.none() | TEXT),
    purpose=st.sampled_from(["login", "approve", "sign"]),
    force=st.booleans(),
    passive=st.booleans(),
    max_age=st.none() | st.integers(0, 10**9),
    action=TEXT,
    reference_text=TEXT,
    psd2=st.booleans(),
    attributes=st.lists(TEXT).map(tuple),
    connection=TEXT,
    trial=st.booleans(),
)


@given(REQUESTS)
def test_a_request_survives_the_database(request: LoginRequest) -> None:
    assert LoginRequest.from_json(json.loads(json.dumps(request.as_json()))) == request


def test_nothing_of_a_request_is_forgotten_but_who_is_expected() -> None:
    """That is stored sealed, by whoever holds the browser's secret."""
    expected = LoginRequest("oidc", Level.LOW, "da", hints=Hints(cpr="7204851234"))
    assert set(expected.as_json()) == {field.name for field in fields(LoginRequest)} - {"hints"}
    assert "7204851234" not in f"{expected!r}{expected.as_json()}"


def test_a_request_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        LoginRequest("oidc", Level.LOW, "da").level = Level.HIGH  # type: ignore[misc]


@pytest.mark.parametrize("text", ["", "Betal 100 kr. til Åse", "x" * 130, "é" * 130, "e\u0301" * 130, "\U0001f511" * 130, "a < b: 100 %"])
def test_what_may_be_shown(text: str) -> None:
    """Characters are counted as people see them: composed."""
    assert text_problem(text, "") == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x" * 131, "longer than 130 characters"),
        ("e\u0301" * 131, "longer than 130 characters"),
        *((f"a{control}b", "contains a control character") for control in "\n\r\t\x00\x7f\x9f\u202e\u2066\u200b\u2028\u2029\ufeff"),
        ("<b>", "contains <, which is not allowed here"),
        ("100 %", "contains %, which is not allowed here"),
    ],
)
def test_each_rule_that_is_broken_is_named(text: str, problem: str) -> None:
    assert text_problem(text, "<%") == problem
