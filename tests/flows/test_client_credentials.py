"""A client's own token for our API: of nobody who logged in, and good for nothing else (RFC 6749 section 4.4)."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.keyholder import KeyHolder, new_key, public_set
from tests.doubles.relying_party import RelyingParty

pytestmark = pytest.mark.usefixtures("server")
SCOPE = "simulator_identities"
CALLED = "simulator/identities"
SCOPES = ("openid", "profile", "mitid", "offline_access", SCOPE)


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=SCOPES)


def asked(party: RelyingParty, **changes: str | None) -> httpx.Response:
    body: dict[str, str | None] = {"grant_type": "client_credentials"}
    return party._authenticated("/token", None, body | changes)


def token_of(party: RelyingParty, **changes: str | None) -> str:
    answer = asked(party, **changes)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def called(party: RelyingParty, authorization: str, address: str = CALLED) -> str:
    """The client that an address of the API takes the caller for, or the error that it answers."""
    from authflows import configuration
    from authflows.errors import JsonError
    from authflows.oidc import caller
    from authflows.oidc.parameters import Parameters

    configuration.forget()
    issuer = configuration.find(*party.issuer.removeprefix("http://").replace("/t/", " /t/").split())
    assert issuer is not None
    try:
        return caller.admit(issuer, Parameters({}, frozenset()), authorization, "127.0.0.1", address).client.client_id
    except JsonError as error:
        return error.error


def test_a_client_gets_a_token_for_itself(party: RelyingParty, committed: None) -> None:
    answer = asked(party)
    assert answer.headers["Cache-Control"] == "no-store"
    told: dict[str, Any] = answer.json()
    token = told.pop("access_token")
    assert told == {"token_type": "Bearer", "expires_in": 3600, "scope": SCOPE}
    assert called(party, f"Bearer {token}") == party.client_id
    assert called(party, f"bearer {token}") == party.client_id
    known = party.introspect(token).json()
    assert known.keys() == {"active", "iss", "client_id", "scope", "exp", "iat", "token_type", "aud"}
    assert (known["active"], known["client_id"], known["aud"]) == (True, party.client_id, [party.issuer])


def test_a_key_proves_the_client_too(fjordbank: House, committed: None) -> None:
    holder = KeyHolder.at(fjordbank, scopes=SCOPES)
    answer = holder.post("/token", {"grant_type": "client_credentials", "scope": SCOPE})
    assert answer.status_code == 200, answer.text
    assert called(holder.party, f"Bearer {answer.json()['access_token']}") == holder.party.client_id


def test_it_opens_nothing_of_anybody(party: RelyingParty, committed: None) -> None:
    token = token_of(party)
    refused(party.userinfo(token), "invalid_token", 401)
    refused(party.refresh(token), "invalid_grant")
    for address in ("token", "introspect", "revoke", "par"):
        assert called(party, f"Bearer {token}", address) == "invalid_client"


def test_only_its_own_scope_is_given(party: RelyingParty, fjordbank: House) -> None:
    for scope in ("openid", f"{SCOPE} openid", "offline_access", "x"):
        refused(asked(party, scope=scope), "invalid_scope")
    refused(asked(fjordbank.client()), "unauthorized_client")


def test_what_a_person_s_login_gave_is_no_key_to_the_api(party: RelyingParty, visitor: Browser, committed: None) -> None:
    request = party.ask()
    tokens = party.redeem(request, visitor.login(request))
    for token in (tokens["access_token"], tokens["id_token"], party.client_secret, "", "x"):
        assert called(party, f"Bearer {token}") == "invalid_token"
    for scope in (f"openid {SCOPE}", SCOPE):
        wrong = party.ask(scope=scope)
        assert party.told(wrong, visitor.get(wrong.url).headers["Location"])["error"] == "invalid_scope"


def test_it_ends_with_its_time_its_revocation_and_its_client(party: RelyingParty, fjordbank: House, books: Books, committed: None) -> None:
    late, revoked, closed = (token_of(party) for _ in range(3))
    books.execute("UPDATE authflows_apitoken SET expires_at = now() WHERE hash = %s", hashlib.sha256(late.encode()).digest())
    stranger = fjordbank.client(scopes=SCOPES)
    assert stranger.revoke(revoked).status_code == 200
    assert stranger.introspect(revoked).json() == {"active": False}
    assert called(party, f"Bearer {revoked}") == party.client_id
    assert party.revoke(revoked).status_code == 200
    for token in (late, revoked):
        assert called(party, f"Bearer {token}") == "invalid_token"
        assert party.introspect(token).json() == {"active": False}
    from authflows import client_changes

    assert client_changes.close(party.tenant_id, fjordbank.opened.test, party.relying_party_id, actor="test")
    assert called(party, f"Bearer {closed}") == "invalid_token"


def test_a_client_that_loses_the_scope_loses_what_it_gave(party: RelyingParty, fjordbank: House, committed: None) -> None:
    from authflows import client_changes

    token = token_of(party)
    client_changes.change(party.tenant_id, fjordbank.opened.test, party.relying_party_id, {"scopes": ("openid",)}, actor="test")
    assert called(party, f"Bearer {token}") == "insufficient_scope"
    refused(asked(party), "unauthorized_client")


def test_another_house_does_not_know_it(party: RelyingParty, havneby: House, fjordbank: House, committed: None) -> None:
    token = token_of(party)
    assert called(havneby.client(), f"Bearer {token}") == "invalid_token"
    assert called(fjordbank.client("production"), f"Bearer {token}") == "invalid_token"


@pytest.mark.parametrize(
    "wanted",
    [
        {"auth_method": "none"},
        {"dpop_required": True},
        {"fapi": True, "auth_method": "private_key_jwt", "jwks": public_set(new_key())},
    ],
)
def test_who_cannot_have_one_is_not_registered_for_it(wanted: dict[str, Any], fjordbank: House) -> None:
    from authflows.registration import Refused

    with pytest.raises(Refused, match=SCOPE):
        fjordbank.client(scopes=SCOPES, **wanted)


def test_the_hash_is_all_that_is_kept(party: RelyingParty, books: Books) -> None:
    token = token_of(party)
    rows = books.rows("SELECT t::text FROM authflows_apitoken t WHERE relying_party_id = %s", party.relying_party_id)
    assert len(rows) == 1
    assert token not in rows[0][0]


def test_what_has_ended_is_purged(party: RelyingParty, books: Books, committed: None) -> None:
    from authflows import sweeps

    token_of(party)
    books.execute("UPDATE authflows_apitoken SET expires_at = now() WHERE relying_party_id = %s", party.relying_party_id)
    token_of(party)
    sweeps.purge()
    assert books.one("SELECT count(*) FROM authflows_apitoken WHERE relying_party_id = %s", party.relying_party_id) == 1
