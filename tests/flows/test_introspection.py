"""Introspection (RFC 7662) and revocation (RFC 7009): each client's own tokens, and nothing of anybody else's."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

OFFLINE = ("openid", "profile", "mitid", "offline_access")
INACTIVE = {"active": False}


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"


def said(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    facts: dict[str, Any] = answer.json()
    return facts


def revoked(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=OFFLINE)


@pytest.fixture
def public(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=OFFLINE, auth_method="none", application_type="spa")


def tokens_of(party: RelyingParty, visitor: Browser) -> dict[str, Any]:
    asked = party.ask(scope=" ".join(OFFLINE), prompt="login")
    return party.redeem(asked, visitor.login(asked))


def test_a_client_learns_of_its_own_tokens_and_nothing_personal(party: RelyingParty, visitor: Browser) -> None:
    tokens = tokens_of(party, visitor)
    claims = party.claims(tokens["id_token"])
    access, refresh = said(party.introspect(tokens["access_token"])), said(party.introspect(tokens["refresh_token"]))
    shared = {
        "active": True,
        "iss": party.issuer,
        "sub": claims["sub"],
        "client_id": party.client_id,
        "scope": " ".join(OFFLINE),
        "auth_time": claims["auth_time"],
        "acr": claims["acr"],
    }
    assert {name: access.pop(name) for name in shared} == shared
    assert {name: refresh.pop(name) for name in shared} == shared
    assert (access.pop("token_type"), access.pop("aud")) == ("Bearer", [party.issuer])
    for rest, life in ((access, 3600), (refresh, 14 * 86_400)):
        assert set(rest) == {"exp", "iat"}
        assert abs(rest["exp"] - rest["iat"] - life) <= 1
        assert abs(rest["iat"] - time.time()) < 30


def test_a_token_of_somebody_else_is_inactive(fjordbank: House, havneby: House, party: RelyingParty, visitor: Browser) -> None:
    """Statement 32 as well: test and production, tenant and tenant."""
    tokens = tokens_of(party, visitor)
    for stranger in (fjordbank.client(), fjordbank.client("production"), havneby.client()):
        for token in (tokens["access_token"], tokens["refresh_token"]):
            assert said(stranger.introspect(token)) == INACTIVE
            revoked(stranger.revoke(token))
        if stranger.issuer != party.issuer:
            refused(stranger.userinfo(tokens["access_token"]), "invalid_token", 401)
    assert said(party.introspect(tokens["access_token"]))["active"]
    assert said(party.introspect(tokens["refresh_token"]))["active"]


def test_a_resource_server_that_is_named_as_audience_learns_of_access_tokens(fjordbank: House, visitor: Browser) -> None:
    server, other = fjordbank.client(), fjordbank.client()
    party = fjordbank.client(scopes=OFFLINE, audiences=(server.client_id,))
    tokens = tokens_of(party, visitor)
    facts = said(server.introspect(tokens["access_token"]))
    assert (facts["active"], facts["client_id"], facts["aud"]) == (True, party.client_id, [party.issuer, server.client_id])
    assert said(server.introspect(tokens["refresh_token"])) == INACTIVE
    assert said(other.introspect(tokens["access_token"])) == INACTIVE
    revoked(server.revoke(tokens["access_token"]))
    assert said(party.introspect(tokens["access_token"]))["active"]


def test_an_audience_is_a_confidential_client_of_the_same_environment(fjordbank: House, havneby: House, public: RelyingParty) -> None:
    from authflows.registration import Refused

    for stranger in (public.client_id, havneby.client().client_id, fjordbank.client("production").client_id, "nobody"):
        with pytest.raises(Refused, match="no confidential client of this environment"):
            fjordbank.client(audiences=(stranger,))


def test_what_a_resource_server_asked_about_has_arrived(fjordbank: House, visitor: Browser) -> None:
    """An access token that a public client uses anywhere ends the refresh token that it was asked with."""
    server = fjordbank.client()
    party = fjordbank.client(scopes=OFFLINE, auth_method="none", application_type="spa", audiences=(server.client_id,))
    first = tokens_of(party, visitor)
    second = said(party.refresh(first["refresh_token"]))
    assert said(server.introspect(second["access_token"]))["active"]
    refused(party.refresh(first["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("token", ["guessed", "æ", "a\x00b", "x" * 10_000, "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_inactive_and_cannot_be_revoked(token: str, party: RelyingParty) -> None:
    assert said(party.introspect(token)) == INACTIVE
    revoked(party.revoke(token))


def test_an_id_token_is_no_access_token(party: RelyingParty, visitor: Browser) -> None:
    """Statement 31."""
    tokens = tokens_of(party, visitor)
    assert said(party.introspect(tokens["id_token"], token_type_hint="access_token")) == INACTIVE
    refused(party.userinfo(tokens["id_token"]), "invalid_token", 401)
    refused(party.userinfo(tokens["refresh_token"]), "invalid_token", 401)
    refused(party.refresh(tokens["access_token"]), "invalid_grant")


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
def test_who_asks_must_be_known(path: str, party: RelyingParty, public: RelyingParty, visitor: Browser) -> None:
    token = tokens_of(party, visitor)["access_token"]
    address = party.issuer + path
    pair = (party.client_id, party.client_secret or "")
    for wrong in (("", ""), (party.client_id, "wrong")):
        refused(visitor.http.post(address, data={"token": token}, auth=wrong), "invalid_client", 401)
    for more in ({}, {"client_secret": "wrong"}):
        refused(visitor.http.post(address, data={"token": token, "client_id": party.client_id, **more}), "invalid_client", 401)
    refused(visitor.http.post(address, data={}, auth=pair), "invalid_request")
    refused(visitor.http.post(address, data={"token": [token, token]}, auth=pair), "invalid_request")
    refused(visitor.http.post(address, json={"token": token}, auth=pair), "invalid_request")
    assert visitor.http.get(address, params={"token": token}).status_code == 405


def test_a_public_client_may_revoke_its_tokens_and_not_introspect(public: RelyingParty, visitor: Browser) -> None:
    tokens = tokens_of(public, visitor)
    refused(public.introspect(tokens["access_token"]), "invalid_client", 401)
    revoked(public.revoke(tokens["access_token"]))
    refused(public.userinfo(tokens["access_token"]), "invalid_token", 401)


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something"])
def test_a_revoked_access_token_ends_alone(hint: str | None, party: RelyingParty, visitor: Browser) -> None:
    tokens = tokens_of(party, visitor)
    revoked(party.revoke(tokens["access_token"], token_type_hint=hint))
    refused(party.userinfo(tokens["access_token"]), "invalid_token", 401)
    assert said(party.introspect(tokens["access_token"])) == INACTIVE
    assert party.refresh(tokens["refresh_token"]).status_code == 200
    revoked(party.revoke(tokens["access_token"]))


@pytest.mark.parametrize("kind", ["party", "public"])
def test_a_revoked_refresh_token_ends_all_that_came_of_its_login(kind: str, visitor: Browser, request: pytest.FixtureRequest) -> None:
    party: RelyingParty = request.getfixturevalue(kind)
    tokens, other = tokens_of(party, visitor), tokens_of(party, visitor)
    second = said(party.refresh(tokens["refresh_token"]))
    revoked(party.revoke(second["refresh_token"], token_type_hint="access_token"))
    for each in (tokens, second):
        refused(party.userinfo(each["access_token"]), "invalid_token", 401)
        refused(party.refresh(each["refresh_token"]), "invalid_grant")
    assert party.userinfo(other["access_token"]).status_code == 200


def test_an_ended_refresh_token_is_inactive(party: RelyingParty, visitor: Browser, books: Books) -> None:
    token = tokens_of(party, visitor)["refresh_token"]
    of_party = "grant_id IN (SELECT id FROM authflows_grant WHERE relying_party_id = %s)"
    books.execute("UPDATE authflows_refreshtoken SET idle_expires_at = now() WHERE " + of_party, party.relying_party_id)
    assert said(party.introspect(token)) == INACTIVE


def test_a_secret_that_only_introspects_counts_as_used(party: RelyingParty, visitor: Browser, books: Books) -> None:
    tokens = tokens_of(party, visitor)
    of_party = "client_id = (SELECT id FROM authflows_clientext WHERE relying_party_id = %s)"
    for ask in (party.introspect, party.revoke):
        books.execute("UPDATE authflows_clientsecret SET last_used_at = NULL WHERE " + of_party, party.relying_party_id)
        ask(tokens["access_token"])
        assert books.one("SELECT last_used_at IS NOT NULL FROM authflows_clientsecret WHERE " + of_party, party.relying_party_id)


def test_a_revoked_secret_and_a_removed_audience_count_at_once_in_every_process(fjordbank: House, visitor: Browser) -> None:
    server = fjordbank.client()
    party = fjordbank.client(scopes=OFFLINE, audiences=(server.client_id,))
    token = tokens_of(party, visitor)["access_token"]
    for _ in range(6):
        assert said(server.introspect(token))["active"]
        assert said(party.introspect(token))["active"]
    with fjordbank.blocker.unblock():
        from authflows import client_changes, registration
        from authflows.models import ClientExt
        from tenants.isolation import tenant_scope

        client_changes.change(fjordbank.id, fjordbank.opened.test, party.relying_party_id, {"audiences": ()}, actor="user:owner")
        with tenant_scope(fjordbank.id):
            ext = ClientExt.objects.of(fjordbank.id).get(relying_party_id=party.relying_party_id)
            (secret,) = registration.live_secrets(fjordbank.id, ext.id)
        registration.revoke_secret(fjordbank.id, fjordbank.opened.test.id, party.relying_party_id, secret.id, actor="user:owner")
    for _ in range(6):
        assert said(server.introspect(token)) == INACTIVE
        refused(party.introspect(token), "invalid_client", 401)
        refused(party.revoke(token), "invalid_client", 401)
