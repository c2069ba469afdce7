"""Authlib's client, as its documentation uses it."""

from __future__ import annotations

from typing import Any

from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken, UserInfo
from joserfc import jwe, jwt
from joserfc.jwk import KeySet

from tests.doubles.browser import Browser
from tests.doubles.keyholder import Key
from tests.doubles.relying_party import RelyingParty
from tests.flows.interop.array import Row
from tests.flows.interop.learnt import Learnt
from tests.flows.interop.visits import through

VERIFIER, NONCE = "v" * 50, "n-0S6_WzA2Mj"


def login(row: Row, party: RelyingParty, key: Key | None, opening: Key | None, visitor: Browser) -> Learnt:
    metadata = visitor.get(f"{party.issuer}/.well-known/{row.metadata}").json()
    verifier = VERIFIER if row.pkce == "S256" else None
    with OAuth2Client(
        client_id=party.client_id,
        client_secret=key.as_dict(private=True) if key else party.client_secret,
        token_endpoint_auth_method=row.auth,
        token_endpoint=metadata["token_endpoint"],
        redirect_uri=party.redirect_uri,
        scope=row.scopes,
        code_challenge_method="S256" if verifier else None,
        trust_env=False,
    ) as client:
        client.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], alg=row.proof))
        url, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, nonce=NONCE, **row.parameters
        )
        ending = through(visitor, url, locale=row.locale)
        tokens = client.fetch_token(authorization_response=ending.as_query, state=state, code_verifier=verifier)
        told = client.get(metadata["userinfo_endpoint"])
        refreshed = client.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"]) if row.offline else None
    keys = KeySet.import_key_set(visitor.get(metadata["jwks_uri"]).json())
    claims = _validated(dict(tokens), row, party, keys, opening)
    userinfo = jwt.decode(_opened(told.text, opening), keys, algorithms=[row.userinfo]).claims if row.userinfo else told.json()
    return Learnt(dict(tokens), claims, dict(UserInfo(**userinfo)), dict(refreshed) if refreshed else None)


def _opened(token: str, key: Key | None) -> str:
    if key is None:
        return token
    plain = jwe.decrypt_compact(token, key, algorithms=["RSA-OAEP-256", "ECDH-ES", "A256GCM"]).plaintext
    assert plain is not None
    return plain.decode()


def _validated(tokens: dict[str, Any], row: Row, party: RelyingParty, keys: KeySet, opening: Key | None) -> dict[str, Any]:
    decoded = jwt.decode(_opened(tokens["id_token"], opening), keys, algorithms=[row.alg])
    options: dict[str, Any] = {"iss": {"essential": True, "value": party.issuer}}
    params = {"nonce": NONCE, "client_id": party.client_id, "access_token": tokens["access_token"]}
    claims = CodeIDToken(decoded.claims, decoded.header, options=options, params=params)
    claims.validate()
    return dict(claims)
