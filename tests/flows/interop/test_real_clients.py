"""Relying parties of other people's making, over HTTP, through every row of the array."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.flows.interop import authlib
from tests.flows.interop.array import ROWS, Row
from tests.flows.interop.learnt import as_asked
from tests.flows.interop.openid_client import OpenidClient
from tests.flows.interop.pairs import all_pairs, pairs_of
from tests.flows.interop.visits import through


def registered(row: Row, house: House) -> RelyingParty:
    wanted: dict[str, Any] = {"scopes": tuple(row.scopes.split()), "access_token_format": row.access_token}
    return house.client(auth_method=row.auth, id_token_alg=row.alg, **wanted)


def rows(client: str) -> list[Any]:
    return [pytest.param(row, id=str(number)) for number, row in enumerate(ROWS) if row.client == client]


def test_every_two_values_that_can_meet_do_in_some_row() -> None:
    missing = all_pairs() - {pair for row in ROWS for pair in pairs_of(row)}
    assert not missing


@pytest.mark.parametrize("row", rows("openid-client"))
def test_openid_client(row: Row, fjordbank: House, visitor: Browser, books: Books) -> None:
    party = registered(row, fjordbank)
    with OpenidClient(party, row) as client:
        as_asked(row, client.learn(through(visitor, client.url, locale=row.locale)), party)
    assert books.of(party).agreed == 1


@pytest.mark.parametrize("row", rows("Authlib"))
def test_authlib(row: Row, fjordbank: House, visitor: Browser, books: Books) -> None:
    party = registered(row, fjordbank)
    as_asked(row, authlib.login(row, party, visitor), party)
    assert books.of(party).agreed == 1


USUAL = Row("openid-client")


def test_openid_client_is_told_that_the_person_rejected(party: RelyingParty, visitor: Browser) -> None:
    with OpenidClient(party, USUAL) as client:
        told = client.take(through(visitor, client.url, user_id="auto-reject"))
    assert (told["error"], told["description"]) == ("access_denied", "mitid_rejected_in_app")


def test_openid_client_refuses_an_answer_of_another_issuer(party: RelyingParty, havneby: House, visitor: Browser) -> None:
    """RFC 9207: what `iss` is for."""
    with OpenidClient(party, USUAL) as client:
        ending = through(visitor, client.url)
        mixed_up = str(httpx.URL(ending.address).copy_set_param("iss", havneby.client().issuer))
        assert "claims" not in client.take(replace(ending, address=mixed_up))
