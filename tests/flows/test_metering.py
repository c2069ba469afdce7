"""What is counted: a request that the core accepted, once, whatever happens to its answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.doubles.browser import Browser, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground, free_port
from tests.harness.server import Server

Visitors = Callable[..., Browser]
SESSION = "SELECT c.id FROM authflows_coresession c JOIN authflows_login l ON l.id = c.login_id WHERE l.relying_party_id = %s"


def lose_the_answer(books: Books, party: RelyingParty, state: str) -> None:
    """As if our process had ended between the core's acceptance and our note of it, a minute ago."""
    session = books.one(SESSION, party.relying_party_id)
    for table in ("usage_pending", "usage_event"):
        with books.connection() as connection:
            connection.execute(f"DELETE FROM {table} WHERE request_id = %s", [session])
    books.execute(
        "UPDATE authflows_coresession SET state = %s, core_id = '', accepted_at = NULL, created_at = now() - interval '1 minute'"
        " WHERE id = %s",
        state,
        session,
    )
    books.execute("UPDATE authflows_login SET state = 'requesting' WHERE relying_party_id = %s", party.relying_party_id)


@pytest.mark.parametrize("state", ["requesting", "unconfirmed"])
def test_a_lost_answer_is_asked_for_when_the_person_reloads(state: str, party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    page = visitor.open(asked)
    lose_the_answer(books, party, state)
    assert books.of(party).events == 0
    again = visitor.get(visitor.get(str(page.url)).headers["Location"])
    assert step_of(again) == "user_id"
    assert "code" in party.told(asked, visitor.finish(visitor.submit(again, user_id="auto-approve")))
    assert books.of(party).agreed == 1
    assert books.outcomes(party) == ["completed"]


@pytest.mark.parametrize("state", ["requesting", "unconfirmed"])
def test_a_lost_answer_is_asked_for_by_the_sweep(state: str, party: RelyingParty, visitor: Browser, books: Books, committed: None) -> None:
    from authflows import sweeps

    visitor.open(party.ask())
    lose_the_answer(books, party, state)
    sweeps.confirm_open_core_sessions()
    assert books.of(party).agreed == 1
    assert books.outcomes(party) == ["open"]
    sweeps.confirm_open_core_sessions()
    assert books.of(party).agreed == 1


def test_what_the_core_never_heard_of_is_asked_anew(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    page = visitor.open(asked)
    session = books.one(SESSION, party.relying_party_id)
    lose_the_answer(books, party, "unconfirmed")
    books.execute("DELETE FROM authflows_simulatedsession WHERE reference = %s", session)
    books.execute("DELETE FROM authflows_simulatorledger WHERE reference = %s", session)
    again = visitor.get(visitor.get(str(page.url)).headers["Location"])
    assert "code" in party.told(asked, visitor.finish(visitor.submit(again, user_id="auto-approve")))
    states = books.rows(SESSION.replace("c.id", "c.state") + " ORDER BY c.id", party.relying_party_id)
    assert states == [("refused",), ("finished",)]
    assert books.of(party).agreed == 1


def test_an_abandoned_login_ends_as_expired(party: RelyingParty, visitor: Browser, books: Books, committed: None) -> None:
    from authflows import sweeps

    asked = [party.ask(), party.ask()]
    visitor.begin(asked[0])
    page = visitor.open(asked[1])
    sweeps.expire_logins()
    assert books.outcomes(party) == ["open"]
    books.execute("UPDATE authflows_login SET expires_at = now() - interval '1 second' WHERE relying_party_id = %s", party.relying_party_id)
    sweeps.expire_logins()
    assert books.outcomes(party) == ["expired"]
    ends = books.rows("SELECT state, outcome, error FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id)
    assert ends == [("failed", "expired", "expired")] * 2
    assert party.told(asked[1], visitor.finish(visitor.submit(page, user_id="auto-approve")))["error_description"] == "mitid_timeout"


def test_what_has_ended_is_forgotten(party: RelyingParty, visitor: Browser, books: Books, committed: None) -> None:
    from authflows import sweeps

    redeemed, not_redeemed = party.ask(), party.ask()
    tokens = party.redeem(redeemed, visitor.login(redeemed))
    visitor.login(not_redeemed)
    books.execute("DELETE FROM authflows_brokersession WHERE holder = %s", f"client:{party.relying_party_id}")
    sealed = (
        "SELECT (SELECT count(*) FROM authflows_grant WHERE relying_party_id = %(rp)s AND sealed IS NOT NULL), (SELECT count(*) FROM"
        " authflows_accesstoken t JOIN authflows_grant g ON g.id = t.grant_id WHERE g.relying_party_id = %(rp)s)"
    )
    with books.connection() as connection:
        rp = {"rp": party.relying_party_id}
        assert connection.execute(sealed, rp).fetchone() == (1, 1)
        sweeps.purge()
        assert party.userinfo(tokens["access_token"]).status_code == 200
        connection.execute("UPDATE authflows_grant SET code_expires_at = now() - interval '2 days' WHERE relying_party_id = %(rp)s", rp)
        sweeps.purge()
        assert connection.execute(sealed, rp).fetchone() == (0, 1)
        connection.execute(
            "UPDATE authflows_accesstoken SET expires_at = now() - interval '1 second' WHERE grant_id IN"
            " (SELECT id FROM authflows_grant WHERE relying_party_id = %(rp)s)",
            rp,
        )
        sweeps.purge()
        assert connection.execute(sealed, rp).fetchone() == (0, 0)
        assert connection.execute("SELECT count(*) FROM authflows_grant WHERE relying_party_id = %(rp)s", rp).fetchone() == (0,)
    assert books.of(party).agreed == 2


def test_every_request_says_whose_it_was(fjordbank: House, visitor: Browser, books: Books) -> None:
    party = fjordbank.client("production")
    visitor.login(party.ask())
    ((event, environment, action, core_client, during),) = books.rows(
        "SELECT e.request_id, e.environment_id, e.action, e.core_client, e.occurred_at BETWEEN l.created_at - interval '1 second' AND now()"
        " FROM usage_event e JOIN authflows_coresession c ON c.id = e.request_id JOIN authflows_login l ON l.id = c.login_id"
        " WHERE e.relying_party_id = %s",
        party.relying_party_id,
    )
    assert (environment, action, core_client, during) == (party.environment_id, "log_on", True, True)
    outcome = books.rows("SELECT outcome, authenticator, level FROM request_outcome WHERE request_id = %s", event)
    assert outcome == [("completed", "code_app", "substantial")]


def test_two_servers_share_every_login(ground: Ground, server: Server, party: RelyingParty, visitor: Browser, books: Books) -> None:
    """Each step at another server: nothing of a login lives in a process."""
    second = Server(ground, free_port(), background=False)
    second.start()
    try:
        host = server.base_url.removeprefix("http://")
        asked = party.ask()
        address = visitor.begin(asked)
        visitor.move(second.base_url, host)
        page = visitor.get(address)
        visitor.move(server.base_url)
        done = visitor.submit(page, user_id="auto-approve").headers["Location"]
        visitor.move(second.base_url, host)
        location = visitor.get(done).headers["Location"]
        code = party.told(asked, location)["code"]
        visitor.move(server.base_url)
        assert visitor.get(done).headers["Location"] == location
        tokens = party.token(asked, code).json()
        visitor.move(second.base_url, host)
        assert party.userinfo(tokens["access_token"], at=visitor.http).json()["name"] == "Agnes Automatisk"
        assert party.token(asked, code, visitor.http).json()["error"] == "invalid_grant"
        assert party.userinfo(tokens["access_token"]).status_code == 401
    finally:
        second.stop()
    assert books.of(party).agreed == 1
