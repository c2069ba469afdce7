"""The array asks for all that discovery advertises of what it is made of, in every pair."""

from __future__ import annotations

from typing import Any

from tests.doubles.browser import Browser
from tests.doubles.relying_party import RelyingParty
from tests.flows.interop.matrix import ASKED_BY, DOCUMENT, document
from tests.flows.interop.pairs import all_pairs, pairs_of
from tests.flows.interop.rows import ROWS


def test_every_two_values_that_can_meet_do_in_some_row() -> None:
    assert not all_pairs() - {pair for row in ROWS for pair in pairs_of(row)}


def test_some_row_asks_for_every_member_that_is_advertised(party: RelyingParty, visitor: Browser) -> None:
    told: dict[str, Any] = visitor.get(party.issuer + "/.well-known/openid-configuration").json()
    asked = {name: set().union(*(members(row) for row in ROWS)) for name, members in ASKED_BY.items()}
    assert {name: set(told[name]) - asked[name] for name in ASKED_BY} == {name: set() for name in ASKED_BY}


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document()
