"""Where a refused address differs from a registered one, with nothing personal in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflows.refusals import LONGEST_REST, Difference, difference

REGISTERED = "https://netbank.fjordbank.example/callback"
WITH_QUERY = "https://app.fjordbank.example/back?to=home"


@pytest.mark.parametrize(
    ("received", "same", "rest"),
    [
        ("https://netbank.fjordbank.example/Callback", 34, "Callback"),
        ("https://netbank.fjordbank.example/callback/", 42, "/"),
        ("https://netbank.fjordbank.example/call", 38, ""),
        ("http://netbank.fjordbank.example/callback", 4, "://netbank.fjordbank.example/callback"),
        ("https://netbank.fjordbank.example/callback?a=secret&b&c=", 42, "?a=…&b&c="),
        ("https://netbank.fjordbank.example/callback#id_token=secret", 42, "#…"),
        ("https://netbank.fjordbank.example/callback?a=b#c", 42, "?a=…#…"),
        ("https://freja:secret@netbank.fjordbank.example/callback", 8, "…@netbank.fjordbank.example/callback"),
        ("https://netbank.fjordbank.example@attacker.example/callback", 33, "@attacker.example/callback"),
        ("https://netbank.fjordbank.example/610190-0000", 34, "…"),
        ("https://netbank.fjordbank.example/callback\x00\n", 42, "\\u0000\\u000a"),
    ],
)
def test_the_first_character_that_differs_is_found(received: str, same: int, rest: str) -> None:
    assert difference(received, (REGISTERED, "https://other.example/")) == Difference(REGISTERED, same, rest)


@pytest.mark.parametrize(
    ("received", "same", "rest"),
    [
        ("https://app.fjordbank.example/back?to=secret", 38, "…"),
        ("https://app.fjordbank.example/back?to=home&more=secret", 42, "&more=…"),
        ("https://app.fjordbank.example/back?too=secret", 37, "o=…"),
        ("https://app.fjordbank.example/back?to=homeless&x=1", 42, "…&x=…"),
    ],
)
def test_values_of_a_query_are_hidden_where_a_query_is_registered_too(received: str, same: int, rest: str) -> None:
    assert difference(received, (WITH_QUERY, REGISTERED)) == Difference(WITH_QUERY, same, rest)


@given(st.text(max_size=800), st.lists(st.text(max_size=60), max_size=3))
def test_any_text_is_compared(received: str, registered: list[str]) -> None:
    found = difference(received, registered)
    assert received.startswith(found.registered[: found.same])
    assert found.rest.isprintable()
    assert len(found.rest) <= 6 * (LONGEST_REST + 1)
