"""Who logged in here a moment ago need not do it again: what a session answers, for whom, how long, and what it never answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from authflows.levels import NSIS
from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.keyholder import KeyHolder
from tests.doubles.relying_party import Asked, RelyingParty

Visitors = Callable[..., Browser]


@pytest.fixture
def visitor(new_visitor: Visitors) -> Browser:
    visitor = new_visitor()
    visitor.remembers = True
    return visitor


def logged_in(party: RelyingParty, visitor: Browser, user_id: str = "auto-approve", **asked: str | None) -> dict[str, object]:
    """The id_token's claims after a login that the person took part in."""
    request = party.ask(**asked)
    return party.claims(party.redeem(request, visitor.login(request, user_id))["id_token"])


def answered(party: RelyingParty, visitor: Browser, **asked: str | None) -> dict[str, object]:
    """The same after a login that the first response of authorize ended."""
    request = party.ask(**asked)
    return party.claims(party.redeem(request, at_once(request, visitor))["id_token"])


def at_once(asked: Asked, visitor: Browser) -> str:
    answer = visitor.get(asked.url)
    assert answer.status_code == 303, answer.text
    assert "/login/" not in answer.headers["Location"]
    assert not any(cookie.startswith("login-") for cookie in set_cookies(answer))
    return str(answer.headers["Location"])


def refused(party: RelyingParty, visitor: Browser, **asked: str | None) -> str:
    request = party.ask(**asked)
    return party.told(request, at_once(request, visitor))["error"]


def asks(party: RelyingParty, visitor: Browser, **asked: str | None) -> bool:
    """Whether the person has to log in."""
    return "/login/" in visitor.get(party.ask(**asked).url).headers["Location"]


def set_cookies(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("Set-Cookie")


def session_cookies(visitor: Browser) -> dict[str, str]:
    return {name: value for name, value in visitor.cookies.items() if name.startswith("session-")}


def set_back(books: Books, party: RelyingParty, column: str, seconds: int) -> None:
    """As if so many seconds had passed for the party's sessions."""
    sql = {
        "used_at": "UPDATE authflows_brokersession SET used_at = used_at - make_interval(secs => %s) WHERE holder = %s",
        "expires_at": "UPDATE authflows_brokersession SET expires_at = expires_at - make_interval(secs => %s) WHERE holder = %s",
    }[column]
    assert books.execute(sql, seconds, f"client:{party.relying_party_id}") == 1


def test_a_second_login_is_answered_at_once_and_costs_nothing(party: RelyingParty, visitor: Browser, books: Books) -> None:
    first = logged_in(party, visitor, acr_values=NSIS + "High")
    again = answered(party, visitor)
    original = ("sub", "acr", "amr", "auth_time", "sid", "core_transaction_id", "name")
    assert {name: again[name] for name in original} == {name: first[name] for name in original}
    assert again["transaction_id"] != first["transaction_id"]
    assert books.of(party).agreed == 1
    assert books.outcomes(party) == ["completed"]


def test_logins_that_a_session_answered_are_counted_apart(party: RelyingParty, visitor: Browser, committed: None) -> None:
    from authflows import statistics

    logged_in(party, visitor)
    answered(party, visitor, prompt="none")
    facts = statistics.latest(party.tenant_id, party.environment_id, limit=2, relying_party_id=party.relying_party_id)
    assert [(fact.outcome, fact.reused) for fact in facts] == [("completed", True), ("completed", False)]


def test_the_tokens_of_a_reused_session_are_whole(party: RelyingParty, visitor: Browser) -> None:
    logged_in(party, visitor)
    asked = party.ask(prompt="none", nonce="n-of-the-second")
    tokens = party.redeem(asked, at_once(asked, visitor))
    claims = party.claims(tokens["id_token"])
    assert (claims["aud"], claims["nonce"]) == (party.client_id, "n-of-the-second")
    assert party.userinfo(tokens["access_token"]).json()["sub"] == claims["sub"]


def test_12_without_a_session_prompt_none_is_an_error_and_shows_nothing(party: RelyingParty, visitor: Browser) -> None:
    assert refused(party, visitor, prompt="none") == "login_required"


def test_prompt_none_is_answered_by_the_first_response(party: RelyingParty, visitor: Browser) -> None:
    claims = logged_in(party, visitor)
    assert answered(party, visitor, prompt="none")["sub"] == claims["sub"]


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account", "login consent"])
def test_a_prompt_asks_the_person_whatever_session_there_is(prompt: str, party: RelyingParty, visitor: Browser, books: Books) -> None:
    first = logged_in(party, visitor)
    time.sleep(1.1)
    fresh = logged_in(party, visitor, prompt=prompt)
    assert fresh["auth_time"] > first["auth_time"]  # type: ignore[operator]
    assert fresh["sid"] == first["sid"]
    assert books.of(party).agreed == 2


def test_13_max_age_forces_a_fresh_login_and_auth_time_proves_it(party: RelyingParty, visitor: Browser) -> None:
    first = logged_in(party, visitor)
    assert answered(party, visitor, max_age="60")["auth_time"] == first["auth_time"]
    time.sleep(2.1)
    assert refused(party, visitor, max_age="1", prompt="none") == "login_required"
    fresh = logged_in(party, visitor, max_age="1")
    assert fresh["auth_time"] > first["auth_time"]  # type: ignore[operator]
    assert asks(party, visitor, max_age="0")


def test_a_session_answers_only_at_the_level_that_it_reached(party: RelyingParty, visitor: Browser) -> None:
    logged_in(party, visitor, acr_values="substantial")
    assert refused(party, visitor, prompt="none", acr_values="high") == "interaction_required"
    assert asks(party, visitor, acr_values="high")
    logged_in(party, visitor, acr_values="high")
    assert answered(party, visitor, acr_values="low")["acr"] == NSIS + "High"


def test_a_session_ends_without_use_and_by_age(party: RelyingParty, visitor: Browser, books: Books) -> None:
    logged_in(party, visitor)
    set_back(books, party, "used_at", 1700)
    answered(party, visitor, prompt="none")
    set_back(books, party, "used_at", 1801)
    assert refused(party, visitor, prompt="none") == "login_required"
    logged_in(party, visitor)
    set_back(books, party, "expires_at", 28_801)
    assert refused(party, visitor, prompt="none") == "login_required"


def test_every_client_has_a_session_of_its_own(fjordbank: House, havneby: House, visitor: Browser) -> None:
    party = fjordbank.client()
    logged_in(party, visitor)
    for stranger in (fjordbank.client(), fjordbank.client("production"), havneby.client()):
        assert refused(stranger, visitor, prompt="none") == "login_required"


def test_a_group_shares_a_session_and_knows_it_by_different_sids(fjordbank: House, havneby: House, visitor: Browser, books: Books) -> None:
    bank, loans = fjordbank.client(sso_group="family"), fjordbank.client(sso_group="family")
    first = logged_in(bank, visitor)
    second = answered(loans, visitor)
    assert second["sub"] == first["sub"]
    assert second["sid"] != first["sid"]
    assert answered(loans, visitor, prompt="none")["sid"] == second["sid"]
    assert answered(bank, visitor)["sid"] == first["sid"]
    assert books.of(loans).agreed == 0
    outside = (fjordbank.client(sso_group="other"), fjordbank.client("production", sso_group="family"), havneby.client(sso_group="family"))
    for stranger in outside:
        assert refused(stranger, visitor, prompt="none") == "login_required"


def test_a_member_s_minimum_level_holds_in_the_group(fjordbank: House, visitor: Browser) -> None:
    bank, loans = fjordbank.client(sso_group="levels"), fjordbank.client(sso_group="levels", minimum_level="high")
    logged_in(bank, visitor, acr_values="low")
    assert asks(loans, visitor)


def test_another_browser_has_no_session(party: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    logged_in(party, visitor)
    stranger = new_visitor()
    assert refused(party, stranger, prompt="none") == "login_required"
    (name,) = session_cookies(visitor)
    for guess in (b"x", b"", b"\xff\xe9", b"a" * 4000, session_cookies(visitor)[name][:-1].encode()):
        answer = stranger.http.get(party.ask(prompt="none").url, headers=[(b"Cookie", f"{name}=".encode() + guess)])
        assert "error=login_required" in answer.headers["Location"]


def test_a_new_login_changes_the_secret_and_the_old_one_is_nothing(party: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    logged_in(party, visitor)
    ((name, old),) = session_cookies(visitor).items()
    logged_in(party, visitor, prompt="login")
    assert session_cookies(visitor)[name] != old
    thief = new_visitor()
    assert "error=login_required" in thief.get(party.ask(prompt="none").url, Cookie=f"{name}={old}").headers["Location"]


def test_another_person_in_the_same_browser_begins_a_session_of_their_own(party: RelyingParty, visitor: Browser, books: Books) -> None:
    first = logged_in(party, visitor)
    second = logged_in(party, visitor, "auto-approve-low", prompt="login", acr_values="low")
    assert second["sub"] != first["sub"]
    assert second["sid"] != first["sid"]
    assert answered(party, visitor, prompt="none", acr_values="low")["sub"] == second["sub"]
    ended = "SELECT count(*) FROM authflows_brokersession WHERE holder = %s AND ended_at IS NOT NULL AND sealed IS NULL"
    assert books.one(ended, f"client:{party.relying_party_id}") == 1


def test_the_cookie_is_the_browser_s_alone(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask()
    stepped = visitor.submit(visitor.open(asked), user_id="auto-approve")
    ended = visitor.get(stepped.headers["Location"])
    (cookie,) = [each for each in set_cookies(ended) if each.startswith("session-")]
    attributes = [part.strip().lower() for part in cookie.split(";")[1:]]
    assert {"httponly", "samesite=lax", f"path={urlsplit(party.issuer).path}"} == set(attributes)


def test_a_dump_opens_no_session(party: RelyingParty, visitor: Browser, books: Books) -> None:
    logged_in(party, visitor)
    (secret,) = session_cookies(visitor).values()
    ((row,),) = books.rows("SELECT s::text FROM authflows_brokersession s WHERE holder = %s", f"client:{party.relying_party_id}")
    assert secret not in row
    assert "Agnes" not in row
    sealed = books.one("SELECT sealed FROM authflows_brokersession WHERE holder = %s", f"client:{party.relying_party_id}")
    assert b"Agnes" not in bytes(sealed)


def test_a_connection_may_forbid_reuse(party: RelyingParty, visitor: Browser, books: Books, fjordbank: House) -> None:
    logged_in(party, visitor)
    books.execute("UPDATE authflows_connection SET sso = false")
    try:
        fjordbank.client()  # every process reads the environment anew
        assert refused(party, visitor, prompt="none") == "login_required"
        logged_in(party, visitor)
        kept = books.one("SELECT sealed FROM authflows_brokersession WHERE holder = %s", f"client:{party.relying_party_id}")
        assert kept is None
    finally:
        books.execute("UPDATE authflows_connection SET sso = true")
        fjordbank.client()


def test_a_posted_request_meets_its_session_one_step_later(party: RelyingParty, visitor: Browser, books: Books) -> None:
    """A POST from the relying party's page brings no cookie; the redirect that follows it does."""
    logged_in(party, visitor)
    cookies, visitor.http.cookies = visitor.http.cookies, httpx.Cookies()
    asked = party.ask()
    address, _, query = asked.url.partition("?")
    answer = visitor.http.post(address, content=query, headers={"Content-Type": "application/x-www-form-urlencoded"})
    for cookie in cookies.jar:
        visitor.http.cookies.jar.set_cookie(cookie)
    location = visitor.finish(answer)
    assert party.claims(party.redeem(asked, location)["id_token"])["sub"]
    assert visitor.finish(visitor.get(answer.headers["Location"])) == location
    assert books.of(party).agreed == 1


def test_17_a_pushed_request_that_a_session_answers_is_used_up(fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder.at(fjordbank, par_required=True)
    first, _ = holder.pushed()
    visitor.login(first)
    second, _ = holder.pushed()
    assert "code" in holder.party.told(second, at_once(second, visitor))
    assert "Location" not in visitor.get(second.url).headers


def test_two_tabs_are_answered_by_one_session(party: RelyingParty, visitor: Browser) -> None:
    logged_in(party, visitor)
    first, second = party.ask(), party.ask()
    locations = [at_once(first, visitor), at_once(second, visitor)]
    assert party.redeem(second, locations[1])["id_token"]
    assert party.redeem(first, locations[0])["id_token"]


def test_a_session_that_is_over_is_purged_and_a_living_one_is_not(
    fjordbank: House, visitor: Browser, books: Books, committed: None
) -> None:
    from authflows import sweeps

    living, idle, old = (fjordbank.client() for _ in range(3))
    for party in (living, idle, old):
        logged_in(party, visitor)
    set_back(books, idle, "used_at", 1801)
    set_back(books, old, "expires_at", 28_801)
    sweeps.purge()
    kept = [
        books.one("SELECT count(*) FROM authflows_brokersession WHERE holder = %s", f"client:{p.relying_party_id}")
        for p in (living, idle, old)
    ]
    assert kept == [1, 0, 0]
    assert answered(living, visitor, prompt="none")["sub"]


def id_token(party: RelyingParty, visitor: Browser, user_id: str) -> str:
    request = party.ask()
    return str(party.redeem(request, visitor.login(request, user_id))["id_token"])


def test_an_id_token_says_who_is_expected(fjordbank: House, visitor: Browser, new_visitor: Visitors) -> None:
    party, stranger = fjordbank.client(), fjordbank.client()
    his = id_token(party, new_visitor(), "auto-approve-protected")
    hers = id_token(party, visitor, "auto-approve")
    assert answered(party, visitor, prompt="none", id_token_hint=hers)
    assert refused(party, visitor, prompt="none", id_token_hint=his) == "login_required"
    request = party.ask(id_token_hint=his)
    assert party.told(request, visitor.login(request, "auto-approve"))["error"] == "login_required"
    for nonsense in ("x", hers[:-3] + "AAA", id_token(stranger, new_visitor(), "auto-approve")):
        assert refused(party, visitor, id_token_hint=nonsense) == "invalid_request"
