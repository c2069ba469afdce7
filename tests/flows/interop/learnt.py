"""What a client has learnt when a login is over, and what it must have."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

from authflows.levels import NSIS
from tests.doubles.relying_party import RelyingParty
from tests.flows.interop.array import Row

LEVELS = [NSIS + word for word in ("Low", "Substantial", "High")]
PROTOCOL = {"iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "sid", "auth_time", "amr", "acr"}
# What the person of these tests lets a client know by each scope, beside `sub`.
CLAIMS: dict[str, set[str]] = {
    "openid": {"loa", "ial", "aal", "identity_type", "idp", "transaction_id", "core_transaction_id"},
    "profile": {"name", "given_name", "family_name", "birthdate", "name_protected"},
    "mitid": {"mitid_uuid", "mitid_age", "mitid_has_cpr", "mitid_authenticators"},
    "offline_access": set(),
}


@dataclass(frozen=True)
class Learnt:
    """Tokens as the token endpoint gave them; `claims` as the client read the id_token; `refreshed` a second answer of it.

    `looked_up` is what introspection says, `afterwards` whether the access token is "known" once what could be was revoked,
    `own` introspection's word about the client's own token for our API.
    """

    tokens: dict[str, Any]
    claims: dict[str, Any]
    userinfo: dict[str, Any]
    refreshed: dict[str, Any] | None = None
    looked_up: dict[str, Any] | None = None
    afterwards: str = ""
    own: dict[str, Any] | None = None


def header(token: str) -> dict[str, Any]:
    part = token.split(".")[0]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def told(row: Row) -> set[str]:
    """The names of the claims that this row's login tells."""
    return set().union({row.claim} - {""}, *(CLAIMS[scope] for scope in row.scopes.split()))


def as_asked(row: Row, learnt: Learnt, party: RelyingParty) -> None:
    claims, tokens = learnt.claims, learnt.tokens
    assert (claims["iss"], claims["aud"]) == (party.issuer, party.client_id)
    assert LEVELS.index(claims["acr"]) >= LEVELS.index(row.acr_values or LEVELS[1])
    assert claims["amr"] == ["hwk", "pin", "mfa"]
    assert claims["auth_time"] <= claims["iat"]
    # oidc-client-ts keeps what is its own business to itself.
    if row.client != "oidc-client-ts":
        assert set(claims) - PROTOCOL == told(row)
        assert set(learnt.userinfo) - PROTOCOL == told(row)
    assert learnt.userinfo["sub"] == claims["sub"]
    assert header(tokens["id_token"])["alg"] == (row.encrypted or row.alg)
    assert set(tokens["scope"].split()) == set(row.scopes.split())
    assert tokens["token_type"].lower() == ("dpop" if row.dpop else "bearer")
    assert (tokens["access_token"].count("."), "refresh_token" in tokens) == (2 if row.access_token == "jwt" else 0, row.offline)
    if row.access_token == "jwt":
        assert header(tokens["access_token"])["typ"] == "at+jwt"
    if row.offline:
        assert learnt.refreshed is not None
        assert learnt.refreshed["access_token"] != tokens["access_token"]
        assert learnt.refreshed["token_type"] == tokens["token_type"]
    if learnt.looked_up is not None:
        assert (learnt.looked_up["active"], learnt.looked_up["client_id"]) == (True, party.client_id)
        assert learnt.looked_up["token_type"].lower() == tokens["token_type"].lower()
    if row.api:
        assert learnt.own is not None
        assert (learnt.own["active"], learnt.own["scope"], "sub" in learnt.own) == (True, row.api, False)
    assert learnt.afterwards in ("unknown", "")
