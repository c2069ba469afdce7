"""People whom a tenant brought along are called what they were called before, by the clients that want it so."""

from __future__ import annotations

import uuid
from collections.abc import Callable

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


def sub(party: RelyingParty, visitor: Browser, user_id: str = "auto-approve") -> str:
    """What a login calls the person, in the id_token and at userinfo."""
    asked = party.ask()
    tokens = party.redeem(asked, visitor.login(asked, user_id))
    told = {str(party.claims(tokens["id_token"])["sub"]), party.userinfo(tokens["access_token"]).json()["sub"]}
    (one,) = told
    return str(one)


def test_an_imported_person_is_called_what_they_were(moved: House, visitor: Browser, books: Books) -> None:
    bring(moved, f"{OLD},{AGNES}", "somebody-else,")
    party = moved.client(dialect="neb", subjects="neb")
    assert [sub(party, visitor), sub(party, visitor)] == [OLD, OLD]
    linked = "SELECT value, subject_id, linked_at FROM authflows_subjectalias WHERE tenant_id = %s AND subject_id IS NOT NULL"
    ((value, subject, first),) = books.rows(linked, moved.id)
    assert (value, str(subject)) == (OLD, sub(moved.client(), visitor))
    sub(party, visitor)
    assert books.rows(linked, moved.id) == [(OLD, subject, first)]
    assert books.one("SELECT count(*) FROM authflows_subject WHERE tenant_id = %s", moved.id) == 1


def test_somebody_whom_nobody_imported_is_called_as_everybody_here(moved: House, visitor: Browser) -> None:
    bring(moved, f"{OLD},{uuid.uuid4()}", "unknown,")
    assert sub(moved.client(subjects="neb"), visitor) == sub(moved.client(), visitor)


@pytest.mark.parametrize("scheme", ["idura", "signicat", "nemid_pid"])
def test_each_client_says_which_of_the_old_names_it_knows(scheme: str, moved: House, visitor: Browser) -> None:
    old = {"idura": f"{{{OLD}}}", "signicat": "pQm9Xq0s3mT1uZ5yV7wA8bC2dE4fG6hJ0kL-nM_oP1Q=", "nemid_pid": PID}[scheme]
    bring(moved, f"{old},{AGNES}", scheme=scheme)
    bring(moved, f"{OLD},{AGNES}", scheme="neb")
    assert sub(moved.client(subjects=scheme), visitor) == old
    assert sub(moved.client(subjects="neb"), visitor) == OLD
    assert sub(moved.client(), visitor) not in (old, OLD)


def test_an_old_name_counts_in_its_own_environment_and_house_only(moved: House, fjordbank: House, visitor: Browser) -> None:
    bring(moved, f"{OLD},{AGNES}")
    assert sub(moved.client("production", subjects="neb"), visitor) != OLD
    assert sub(fjordbank.client(subjects="neb"), visitor) != OLD


def test_a_person_may_become_known_after_the_first_login(moved: House, visitor: Browser) -> None:
    bring(moved, f"{OLD},")
    party = moved.client(subjects="neb")
    assert sub(party, visitor) != OLD
    bring(moved, f"{OLD},{AGNES}")
    assert sub(party, visitor) == OLD


def test_a_dialect_gives_our_ids_its_form_and_old_ones_as_they_were(moved: House, visitor: Browser) -> None:
    ours = sub(moved.client(), visitor)
    assert sub(moved.client(dialect="idura"), visitor) == f"{{{ours}}}"
    bring(moved, f"old-sub,{AGNES}", scheme="idura")
    assert sub(moved.client(dialect="idura", subjects="idura"), visitor) == "old-sub"


def test_whoever_asks_about_a_token_hears_the_same_name(moved: House, visitor: Browser) -> None:
    """Signed access tokens, refreshed id_tokens and introspection."""
    bring(moved, f"{OLD},{AGNES}")
    party = moved.client(dialect="neb", subjects="neb", scopes=("openid", "profile", "mitid", "offline_access"), access_token_format="jwt")
    asked = party.ask(scope="openid mitid offline_access")
    tokens = party.redeem(asked, visitor.login(asked))
    refreshed = party.claims(party.refresh(tokens["refresh_token"]).json()["id_token"])
    assert refreshed["idtoken_type"] == "strict"
    introspected = [party.introspect(tokens[kind]).json() for kind in ("access_token", "refresh_token")]
    told = [party.claims(tokens["access_token"]), refreshed, *introspected]
    assert [each["sub"] for each in told] == [OLD] * 4
