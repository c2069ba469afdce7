"""A redirect_uri that is not registered is told to the client's owners, however the request came."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.keyholder import KeyHolder
from tests.doubles.relying_party import REDIRECT_URI

WRONG = f"{REDIRECT_URI}/?from=610190-1234"
Sends = Callable[[KeyHolder, Browser], tuple[int, str]]


def in_the_query(holder: KeyHolder, visitor: Browser) -> tuple[int, str]:
    answer = visitor.get(holder.party.ask(redirect_uri=WRONG).url)
    return answer.status_code, answer.headers["Trace-Id"]


def in_a_request_object(holder: KeyHolder, visitor: Browser) -> tuple[int, str]:
    asked = holder.party.ask(redirect_uri=WRONG)
    answer = visitor.get(holder.by_object(asked, holder.request_object(asked)).url)
    return answer.status_code, answer.headers["Trace-Id"]


def pushed(holder: KeyHolder, visitor: Browser) -> tuple[int, str]:
    answer = holder.push(holder.party.ask(redirect_uri=WRONG))
    assert answer.json() == {"error": "invalid_request", "error_description": "redirect_uri_not_registered"}
    return answer.status_code, answer.headers["Trace-Id"]


def pushed_as_an_object(holder: KeyHolder, visitor: Browser) -> tuple[int, str]:
    answer = holder.post("/par", {"request": holder.request_object(holder.party.ask(redirect_uri=WRONG))})
    assert answer.json() == {"error": "invalid_request", "error_description": "redirect_uri_not_registered"}
    return answer.status_code, answer.headers["Trace-Id"]


@pytest.mark.parametrize("send", [in_the_query, in_a_request_object, pushed, pushed_as_an_object])
def test_it_is_kept_for_its_owners(send: Sends, fjordbank: House, visitor: Browser, books: Books) -> None:
    holder = KeyHolder.at(fjordbank)
    status, trace_id = send(holder, visitor)
    assert status == 400
    kept = books.rows(
        "SELECT registered, same, rest, trace_id, times FROM authflows_refusedredirect WHERE relying_party_id = %s",
        holder.party.relying_party_id,
    )
    assert kept == [(REDIRECT_URI, len(REDIRECT_URI), "/?from=…", trace_id, 1)]


def test_whoever_is_not_the_client_tells_its_owners_nothing(fjordbank: House, books: Books) -> None:
    holder = KeyHolder.at(fjordbank)
    stranger = KeyHolder.at(fjordbank)
    assert holder.push(holder.party.ask(redirect_uri=WRONG), stranger.assertion()).status_code in (400, 401)
    assert not books.rows("SELECT 1 FROM authflows_refusedredirect WHERE relying_party_id = %s", holder.party.relying_party_id)
