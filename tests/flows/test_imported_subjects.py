"""People whom a tenant brought along are called what they were called before, by the clients that want it so."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from authflows.upstream.simulator.people import SPACE
from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House, open_house
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
AGNES = str(uuid.uuid5(SPACE, "auto-approve"))
OLD = "5f2d1c3b-7a69-4e58-8b47-36251403f2e1"
PID = "9208-2002-2-" + "1" * 12


@pytest.fixture
def moved(fjordbank: House) -> House:
    """A house that has imported nobody yet."""
    return open_house(fjordbank.blocker, "Flytteby")


def bring(house: House, *lines: str, scheme: str = "neb") -> None:
    from authflows import imported_subjects

    column = "pid" if scheme == "nemid_pid" else "sub"
    with house.blocker.unblock():
        rows = imported_subjects.read([f"{column},mitid_uuid", *lines], scheme)
        imported_subjects.bring(house.id, house.opened.test.id, scheme, rows, actor="command")


def sub(party: RelyingParty, new_visitor: Visitors) -> str:
    """What a login in a new browser calls the person, in the id_token and at userinfo."""
    asked = party.ask()
    return told(party, party.redeem(asked, new_visitor().login(asked)))


def told(party: RelyingParty, tokens: dict[str, Any]) -> str:
    (one,) = {str(party.claims(tokens["id_token"])["sub"]), party.userinfo(tokens["access_token"]).json()["sub"]}
    return str(one)


def test_an_imported_person_is_called_what_they_were(moved: House, new_visitor: Visitors, books: Books) -> None:
    bring(moved, f"{OLD},{AGNES}", "somebody-else,")
    party = moved.client(dialect="neb", subjects="neb")
    assert [sub(party, new_visitor), sub(party, new_visitor)] == [OLD, OLD]
    linked = "SELECT value, subject_id, linked_at FROM authflows_subjectalias WHERE tenant_id = %s AND subject_id IS NOT NULL"
    ((value, subject, first),) = books.rows(linked, moved.id)
    assert (value, str(subject)) == (OLD, sub(moved.client(), new_visitor))
    sub(party, new_visitor)
    assert books.rows(linked, moved.id) == [(OLD, subject, first)]
    assert books.one("SELECT count(*) FROM authflows_subject WHERE tenant_id = %s", moved.id) == 1


def test_somebody_whom_nobody_imported_is_called_as_everybody_here(moved: House, new_visitor: Visitors) -> None:
    bring(moved, f"{OLD},{uuid.uuid4()}", "unknown,")
    assert sub(moved.client(subjects="neb"), new_visitor) == sub(moved.client(), new_visitor)


@pytest.mark.parametrize("scheme", ["idura", "signicat", "nemid_pid"])
def test_each_client_says_which_of_the_old_names_it_knows(scheme: str, moved: House, new_visitor: Visitors) -> None:
    old = {"idura": f"{{{OLD}}}", "signicat": "pQm9Xq0s3mT1uZ5yV7wA8bC2dE4fG6hJ0kL-nM_oP1Q=", "nemid_pid": PID}[scheme]
    bring(moved, f"{old},{AGNES}", scheme=scheme)
    bring(moved, f"{OLD},{AGNES}", scheme="neb")
    assert sub(moved.client(subjects=scheme), new_visitor) == old
    assert sub(moved.client(subjects="neb"), new_visitor) == OLD
    assert sub(moved.client(), new_visitor) not in (old, OLD)


def test_an_old_name_counts_in_its_own_environment_and_house_only(moved: House, fjordbank: House, new_visitor: Visitors) -> None:
    bring(moved, f"{OLD},{AGNES}")
    assert sub(moved.client("production", subjects="neb"), new_visitor) != OLD
    assert sub(fjordbank.client(subjects="neb"), new_visitor) != OLD


def test_a_person_may_become_known_after_the_first_login(moved: House, new_visitor: Visitors) -> None:
    bring(moved, f"{OLD},")
    party = moved.client(subjects="neb")
    assert sub(party, new_visitor) != OLD
    bring(moved, f"{OLD},{AGNES}")
    assert sub(party, new_visitor) == OLD


def test_a_dialect_gives_our_ids_its_form_and_old_ones_as_they_were(moved: House, new_visitor: Visitors) -> None:
    ours = sub(moved.client(), new_visitor)
    assert sub(moved.client(dialect="idura"), new_visitor) == f"{{{ours}}}"
    bring(moved, f"old-sub,{AGNES}", scheme="idura")
    assert sub(moved.client(dialect="idura", subjects="idura"), new_visitor) == "old-sub"


def test_whoever_asks_about_a_token_hears_the_same_name(moved: House, new_visitor: Visitors) -> None:
    """Signed access tokens, refreshed id_tokens and introspection."""
    bring(moved, f"{OLD},{AGNES}")
    party = moved.client(dialect="neb", subjects="neb", scopes=("openid", "profile", "mitid", "offline_access"), access_token_format="jwt")
    asked = party.ask(scope="openid mitid offline_access")
    tokens = party.redeem(asked, new_visitor().login(asked))
    refreshed = party.claims(party.refresh(tokens["refresh_token"]).json()["id_token"])
    assert refreshed["idtoken_type"] == "strict"
    introspected = [party.introspect(tokens[kind]).json() for kind in ("access_token", "refresh_token")]
    subs = [party.claims(tokens["access_token"]), refreshed, *introspected]
    assert [each["sub"] for each in subs] == [OLD] * 4


def test_a_session_calls_the_person_the_same(moved: House, new_visitor: Visitors, books: Books) -> None:
    """A login that no box was shown for, as its session answered it."""
    bring(moved, f"{OLD},{AGNES}")
    party, visitor = moved.client(dialect="idura", subjects="neb"), new_visitor()
    first = party.ask()
    names = [told(party, party.redeem(first, visitor.login(first)))]
    again = party.ask()
    names.append(told(party, party.redeem(again, visitor.get(again.url).headers["Location"])))
    assert names == [OLD, OLD]
    assert books.of(party).agreed == 1


@pytest.mark.parametrize(("dialect", "scheme"), [("native", "neb"), ("idura", "native")])
def test_a_person_may_be_asked_for_by_the_name_that_the_client_knows(
    dialect: str, scheme: str, moved: House, new_visitor: Visitors
) -> None:
    """OpenID Connect Core 5.5.1: the claims parameter names a `sub`."""
    bring(moved, f"{OLD},{AGNES}")
    party = moved.client(dialect=dialect, subjects=scheme)
    known = OLD if scheme == "neb" else sub(party, new_visitor)
    for wanted, good in ((known, True), (known.strip("{}") + "0", False)):
        asked = party.ask(claims=json.dumps({"id_token": {"sub": {"value": wanted}}}))
        assert ("code" in party.told(asked, new_visitor().login(asked))) is good
