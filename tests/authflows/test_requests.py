"""A request is frozen, and is read back from the database as it was written."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflows.levels import Level
from authflows.requests import Hints, LoginRequest

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
