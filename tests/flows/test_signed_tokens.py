"""Signed access tokens (RFC 9068): readable by resource servers, ended like any other, and no id_token (statements 30 and 31)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

OFFLINE = ("openid", "profile", "mitid", "offline_access")
SAID = {"iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "auth_time", "acr"}


def header(token: str) -> dict[str, Any]:
    first = token.split(".")[0]
    read: dict[str, Any] = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    return read


def encoded(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def tokens_of(party: RelyingParty, visitor: Browser) -> dict[str, Any]:
    asked = party.ask(scope=" ".join(OFFLINE), prompt="login")
    return party.redeem(asked, visitor.login(asked))


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256"])
def test_a_signed_token_says_what_it_is_for_and_nothing_of_the_person(alg: str, fjordbank: House, visitor: Browser) -> None:
    server = fjordbank.client()
    party = fjordbank.client(scopes=OFFLINE, access_token_format="jwt", id_token_alg=alg, audiences=(server.client_id,))
    tokens = tokens_of(party, visitor)
    token, identity = tokens["access_token"], party.claims(tokens["id_token"])
    read = header(token)
    assert (read["typ"], read["alg"]) == ("at+jwt", alg)
    assert header(tokens["id_token"])["typ"] == "JWT"
    told = party.claims(token)
    assert set(told) == SAID
    assert {name: told[name] for name in ("iss", "sub", "client_id", "scope", "aud", "auth_time", "acr")} == {
        "iss": party.issuer,
        "sub": identity["sub"],
        "client_id": party.client_id,
        "scope": " ".join(OFFLINE),
        "aud": [party.issuer, server.client_id],
        "auth_time": identity["auth_time"],
        "acr": identity["acr"],
    }
    assert told["exp"] - told["iat"] == tokens["expires_in"]
    assert party.userinfo(token).json()["name"] == identity["name"]
    assert server.introspect(token).json()["active"]


def test_a_refreshed_token_is_signed_too_and_narrower_where_that_was_asked(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=OFFLINE, access_token_format="jwt")
    first = tokens_of(party, visitor)
    second = party.refresh(first["refresh_token"], scope="openid").json()
    before, after = party.claims(first["access_token"]), party.claims(second["access_token"])
    assert (set(after), after["scope"]) == (SAID, "openid")
    assert {name: before[name] for name in ("sub", "acr", "auth_time")} == {name: after[name] for name in ("sub", "acr", "auth_time")}
    assert before["jti"] != after["jti"]
    assert party.userinfo(second["access_token"]).json() == {"sub": before["sub"]}


def test_a_signed_token_ends_when_it_is_revoked(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=OFFLINE, access_token_format="jwt")
    tokens = tokens_of(party, visitor)
    second = party.refresh(tokens["refresh_token"]).json()
    party.revoke(tokens["access_token"])
    refused(party.userinfo(tokens["access_token"]))
    assert party.userinfo(second["access_token"]).status_code == 200
    party.revoke(second["refresh_token"])
    refused(party.userinfo(second["access_token"]))
    assert party.introspect(second["access_token"]).json() == {"active": False}


def test_a_replayed_code_ends_a_signed_token(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(access_token_format="jwt")
    asked = party.ask()
    code = party.told(asked, visitor.login(asked))["code"]
    token = party.token(asked, code).json()["access_token"]
    party.token(asked, code)
    refused(party.userinfo(token))


def test_statement_30_a_token_of_another_make_is_refused(fjordbank: House, visitor: Browser) -> None:
    """Never by its signature alone: what we did not issue has no row."""
    party = fjordbank.client(access_token_format="jwt")
    asked = party.ask()
    token = party.redeem(asked, visitor.login(asked))["access_token"]
    read, told = header(token), party.claims(token)
    key = visitor.http.get(party.issuer + "/jwks").json()["keys"][0]
    own = ECKey.generate_key("P-256", private=True)
    text = json.dumps(told)
    forged = [
        f"{encoded(read | {'alg': 'none'})}.{token.split('.')[1]}.",
        jws.serialize_compact(read | {"alg": "HS256"}, text, OctKey.import_key(json.dumps(key)), algorithms=["HS256"]),
        jws.serialize_compact(read, text, own, algorithms=["ES256"]),
        jws.serialize_compact(read | {"jwk": own.as_dict(private=False)}, text, own, algorithms=["ES256"]),
        f"{token.split('.')[0]}.{encoded(told | {'scope': 'openid profile mitid ssn'})}.{token.split('.')[2]}",
        token[:-4] + "AAAA",
    ]
    for each in forged:
        refused(party.userinfo(each))
        assert party.introspect(each).json() == {"active": False}
    assert party.userinfo(token).status_code == 200


def test_statement_31_an_id_token_is_no_access_token(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(access_token_format="jwt")
    asked = party.ask()
    tokens = party.redeem(asked, visitor.login(asked))
    refused(party.userinfo(tokens["id_token"]))
    assert party.introspect(tokens["id_token"]).json() == {"active": False}
    assert party.claims(tokens["access_token"])["aud"] != party.client_id


def test_nothing_personal_stands_in_a_signed_token_or_its_row(fjordbank: House, visitor: Browser, books: Books) -> None:
    party = fjordbank.client(access_token_format="jwt")
    asked = party.ask()
    tokens = party.redeem(asked, visitor.login(asked))
    identity, told = party.claims(tokens["id_token"]), party.claims(tokens["access_token"])
    rows = books.rows("SELECT t::text FROM authflows_accesstoken t WHERE tenant_id = %s", party.tenant_id)
    for name in ("name", "given_name", "family_name", "birthdate", "mitid_uuid"):
        assert not re.search(re.escape(str(identity[name])), json.dumps(told) + "".join(row for (row,) in rows))
    assert told["jti"] not in "".join(row for (row,) in rows)
