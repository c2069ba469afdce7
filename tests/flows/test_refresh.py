"""Refresh tokens: for whom they are, how they are replaced, and what a replay ends (statement 29)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

OFFLINE = ("openid", "profile", "mitid", "offline_access")
SCOPE = " ".join(OFFLINE)
AGED = (
    "UPDATE authflows_refreshtoken SET replaced_at = replaced_at - interval '61 seconds' WHERE replaced_at IS NOT NULL AND tenant_id = %s"
)


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"


def given(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    tokens: dict[str, Any] = answer.json()
    return tokens


@pytest.fixture
def confidential(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=OFFLINE)


@pytest.fixture
def public(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=OFFLINE, auth_method="none", application_type="spa")


def tokens_of(party: RelyingParty, visitor: Browser, scope: str = SCOPE) -> dict[str, Any]:
    asked = party.ask(scope=scope, prompt="login")
    return party.redeem(asked, visitor.login(asked))


def test_a_refresh_says_who_when_and_how_and_no_claims(confidential: RelyingParty, visitor: Browser) -> None:
    """Decision 13; OpenID Connect Core 12.2: auth_time is of the login, never of the refresh."""
    first = tokens_of(confidential, visitor)
    before = confidential.claims(first["id_token"])
    time.sleep(1.1)
    second = given(confidential.refresh(first["refresh_token"]))
    after = confidential.claims(second["id_token"])
    assert {name: after[name] for name in ("iss", "sub", "aud", "acr", "amr", "auth_time", "sid")} == {
        name: before[name] for name in ("iss", "sub", "aud", "acr", "amr", "auth_time", "sid")
    }
    assert after["iat"] > before["iat"]
    assert set(after) == {"iss", "sub", "aud", "acr", "amr", "auth_time", "sid", "iat", "exp", "at_hash"}
    assert second["access_token"] != first["access_token"]
    assert (second["token_type"], second["expires_in"], second["scope"]) == ("Bearer", 3600, SCOPE)
    assert confidential.userinfo(second["access_token"]).json() == {"sub": before["sub"]}
    assert confidential.userinfo(first["access_token"]).json()["name"]


def test_a_refresh_token_is_given_where_it_was_asked_for_and_the_client_has_the_scope(
    party: RelyingParty, confidential: RelyingParty, visitor: Browser
) -> None:
    assert "refresh_token" not in tokens_of(confidential, visitor, "openid profile")
    asked = party.ask(scope="openid offline_access")
    assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "invalid_scope"
    refused(party.refresh(tokens_of(confidential, visitor)["refresh_token"]), "unauthorized_client")


def test_a_confidential_client_keeps_its_token(confidential: RelyingParty, visitor: Browser) -> None:
    token = tokens_of(confidential, visitor)["refresh_token"]
    answers = [given(confidential.refresh(token)) for _ in range(3)]
    assert {answer["refresh_token"] for answer in answers} == {token}
    assert all(confidential.userinfo(answer["access_token"]).status_code == 200 for answer in answers)


def test_statement_29_a_replayed_token_of_a_public_client_ends_the_family(public: RelyingParty, visitor: Browser) -> None:
    first = tokens_of(public, visitor)
    second = given(public.refresh(first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    third = given(public.refresh(second["refresh_token"]))
    refused(public.refresh(first["refresh_token"]), "invalid_grant")
    refused(public.refresh(third["refresh_token"]), "invalid_grant")
    for each in (first, second, third):
        refused(public.userinfo(each["access_token"]), "invalid_token", 401)


def test_the_access_token_of_a_refresh_ends_the_token_before_it(public: RelyingParty, visitor: Browser) -> None:
    first = tokens_of(public, visitor)
    second = given(public.refresh(first["refresh_token"]))
    assert public.userinfo(first["access_token"]).status_code == 200
    assert given(public.refresh(first["refresh_token"]))["refresh_token"] == second["refresh_token"]
    assert public.userinfo(second["access_token"]).status_code == 200
    refused(public.refresh(first["refresh_token"]), "invalid_grant")
    refused(public.userinfo(second["access_token"]), "invalid_token", 401)


def test_an_answer_that_was_lost_can_be_fetched_again_for_a_minute(public: RelyingParty, visitor: Browser, books: Books) -> None:
    first = tokens_of(public, visitor)
    lost = given(public.refresh(first["refresh_token"]))
    again = given(public.refresh(first["refresh_token"]))
    assert (lost["refresh_token"], lost["access_token"]) != (again["refresh_token"], again["access_token"])
    assert lost["refresh_token"] == again["refresh_token"]
    assert given(public.refresh(again["refresh_token"]))

    other = tokens_of(public, visitor)
    kept = given(public.refresh(other["refresh_token"]))
    books.execute(AGED, public.tenant_id)
    refused(public.refresh(other["refresh_token"]), "invalid_grant")
    refused(public.refresh(kept["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("kind", ["public", "confidential"])
def test_refreshes_at_once_agree(kind: str, visitor: Browser, request: pytest.FixtureRequest) -> None:
    party: RelyingParty = request.getfixturevalue(kind)
    token = tokens_of(party, visitor)["refresh_token"]
    with httpx.Client(base_url=visitor.base_url, verify=False, trust_env=False, timeout=30) as http, ThreadPoolExecutor(20) as pool:
        answers = [given(each.result()) for each in [pool.submit(party.refresh, token, http) for _ in range(20)]]
    (successor,) = {answer["refresh_token"] for answer in answers}
    assert (successor == token) == (kind == "confidential")
    assert len({answer["access_token"] for answer in answers}) == 20
    assert given(party.refresh(successor))


def test_a_refresh_token_belongs_to_its_client_and_its_tenant(
    fjordbank: House, havneby: House, confidential: RelyingParty, public: RelyingParty, visitor: Browser
) -> None:
    for party in (confidential, public):
        token = tokens_of(party, visitor)["refresh_token"]
        strangers = [fjordbank.client(scopes=OFFLINE), fjordbank.client("production", scopes=OFFLINE), havneby.client(scopes=OFFLINE)]
        for stranger in strangers:
            refused(stranger.refresh(token), "invalid_grant")
        assert given(party.refresh(token))


def test_a_confidential_client_needs_its_secret_to_refresh(confidential: RelyingParty, visitor: Browser) -> None:
    token = tokens_of(confidential, visitor)["refresh_token"]
    body = {"grant_type": "refresh_token", "refresh_token": token, "client_id": confidential.client_id}
    refused(visitor.http.post(confidential.issuer + "/token", data=body), "invalid_client", 401)
    refused(visitor.http.post(confidential.issuer + "/token", data=body | {"client_secret": "guessed"}), "invalid_client", 401)


def test_a_refresh_may_ask_for_less_and_never_for_more(confidential: RelyingParty, visitor: Browser) -> None:
    token = tokens_of(confidential, visitor, "openid offline_access")["refresh_token"]
    refused(confidential.refresh(token, scope="openid profile"), "invalid_scope")
    refused(confidential.refresh(token, scope="openid\x00"), "invalid_scope")
    less = given(confidential.refresh(token, scope="openid"))
    assert (less["scope"], "id_token" in less) == ("openid", True)
    without = given(confidential.refresh(token, scope="offline_access"))
    assert (without["scope"], "id_token" in without) == ("offline_access", False)
    refused(confidential.userinfo(without["access_token"]), "insufficient_scope", 403)
    assert given(confidential.refresh(token))["scope"] == "openid offline_access"


@pytest.mark.parametrize("kind", ["public", "confidential"])
def test_a_refresh_token_ends_unused_and_in_any_case(kind: str, visitor: Browser, books: Books, request: pytest.FixtureRequest) -> None:
    party: RelyingParty = request.getfixturevalue(kind)
    of_party = "grant_id IN (SELECT id FROM authflows_grant WHERE relying_party_id = %s)"
    token = tokens_of(party, visitor)["refresh_token"]
    days = "round(extract(epoch FROM {} - created_at) / 86400, 3)"
    lives = f"SELECT {days.format('expires_at')}, {days.format('idle_expires_at')} FROM authflows_refreshtoken WHERE {of_party}"
    assert books.rows(lives, party.relying_party_id) == [(90, 14)]

    books.execute("UPDATE authflows_refreshtoken SET expires_at = now() + interval '1 hour' WHERE " + of_party, party.relying_party_id)
    token = given(party.refresh(token))["refresh_token"]
    late = "SELECT count(*) FROM authflows_refreshtoken WHERE (expires_at > now() + interval '1 hour' OR idle_expires_at > expires_at) AND "
    assert books.one(late + "replaced_at IS NULL AND " + of_party, party.relying_party_id) == 0

    books.execute("UPDATE authflows_refreshtoken SET idle_expires_at = now() WHERE " + of_party, party.relying_party_id)
    refused(party.refresh(token), "invalid_grant")


def test_a_replayed_code_ends_the_refresh_token_too(confidential: RelyingParty, visitor: Browser) -> None:
    asked = confidential.ask(scope=SCOPE)
    code = confidential.told(asked, visitor.login(asked))["code"]
    tokens = given(confidential.token(asked, code))
    refused(confidential.token(asked, code), "invalid_grant")
    refused(confidential.refresh(tokens["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"refresh_token": None}, "invalid_request"),
        ({"refresh_token": "guessed"}, "invalid_grant"),
        ({"refresh_token": "a\x00b"}, "invalid_grant"),
        ({"refresh_token": "æ" * 5000}, "invalid_grant"),
        ({"grant_type": "refresh"}, "unsupported_grant_type"),
    ],
)
def test_what_is_no_refresh_token_is_refused(change: dict[str, str | None], error: str, confidential: RelyingParty) -> None:
    refused(confidential.refresh("x", **change), error)


def test_no_token_stands_in_the_database(public: RelyingParty, visitor: Browser, books: Books) -> None:
    first = tokens_of(public, visitor)
    second = given(public.refresh(first["refresh_token"]))
    rows = books.rows("SELECT r::text FROM authflows_refreshtoken r") + books.rows("SELECT g::text FROM authflows_grant g")
    whole = "\n".join(row for (row,) in rows)
    for token in (first["refresh_token"], second["refresh_token"]):
        assert token not in whole
        assert token.encode().hex() not in whole


def test_what_has_ended_is_forgotten_and_a_family_stays_whole_until_then(
    public: RelyingParty, visitor: Browser, books: Books, committed: None
) -> None:
    from authflows import sweeps

    def kept() -> tuple[int, int]:
        count = "SELECT count(*) FROM authflows_grant g {} WHERE g.relying_party_id = %s"
        refresh = count.format("JOIN authflows_refreshtoken r ON r.grant_id = g.id")
        return books.one(count.format(""), public.relying_party_id), books.one(refresh, public.relying_party_id)

    first, other = tokens_of(public, visitor), tokens_of(public, visitor)
    second = given(public.refresh(first["refresh_token"]))
    given(public.refresh(second["refresh_token"]))
    books.execute("DELETE FROM authflows_brokersession WHERE holder = %s", f"client:{public.relying_party_id}")
    books.execute("UPDATE authflows_accesstoken SET expires_at = now() - interval '1 second' WHERE tenant_id = %s", public.tenant_id)
    books.execute(
        "UPDATE authflows_grant SET code_expires_at = now() - interval '2 days' WHERE relying_party_id = %s", public.relying_party_id
    )
    sweeps.purge()
    assert kept() == (2, 4)

    refused(public.refresh(first["refresh_token"]), "invalid_grant")
    sweeps.purge()
    assert kept() == (2, 4)
    books.execute(
        "UPDATE authflows_grant SET revoked_at = now() - interval '2 days' WHERE relying_party_id = %s AND revoked_at IS NOT NULL",
        public.relying_party_id,
    )
    sweeps.purge()
    assert kept() == (1, 1)

    assert given(public.refresh(other["refresh_token"]))
    books.execute("UPDATE authflows_refreshtoken SET idle_expires_at = now() WHERE tenant_id = %s", public.tenant_id)
    books.execute("UPDATE authflows_accesstoken SET expires_at = now() - interval '1 second' WHERE tenant_id = %s", public.tenant_id)
    sweeps.purge()
    assert kept() == (0, 0)


def test_a_client_that_loses_the_scope_cannot_refresh_any_more(fjordbank: House, confidential: RelyingParty, visitor: Browser) -> None:
    token = tokens_of(confidential, visitor)["refresh_token"]

    def change(*scopes: str) -> None:
        from authflows import client_changes

        with fjordbank.blocker.unblock():
            client_changes.change(
                fjordbank.id, fjordbank.opened.test, confidential.relying_party_id, {"scopes": scopes}, actor="user:owner"
            )

    change("openid", "profile")
    refused(confidential.refresh(token), "unauthorized_client")
    change(*OFFLINE)
    assert given(confidential.refresh(token))


@pytest.mark.parametrize("dialect", ["idura", "neb", "signicat"])
def test_a_refresh_in_another_dialect_says_nothing_of_the_person_either(dialect: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=OFFLINE, dialect=dialect, access_token_format="jwt")
    first = tokens_of(party, visitor, "openid offline_access")
    second = given(party.refresh(first["refresh_token"]))
    before, after = party.claims(first["id_token"]), party.claims(second["id_token"])
    assert {name: after[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: before[name] for name in ("iss", "sub", "aud", "auth_time")
    }
    userinfo = party.userinfo(second["access_token"]).json()
    told = str([after, party.claims(second["access_token"]), userinfo])
    assert userinfo["sub"] == before["sub"]
    assert [word for word in ("Agnes", "Automatisk", "1985-04-12") if word in told] == []
