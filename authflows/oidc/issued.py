"""What a grant's tokens say (OpenID Connect Core 2 and 3.1.3.3; RFC 9068)."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from authflows import keys
from authflows.configuration import Client, IssuerConfig
from authflows.grants import Terms
from authflows.oidc import encrypting, extension
from authflows.oidc.dialects.registry import DIALECTS

OFFLINE = "offline_access"


def refreshable(client: Client, terms: Terms) -> bool:
    return OFFLINE in terms.scope.split() and "refresh_token" in client.grant_types


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client is given: `refresh` "" where none, `jkt` "" where whoever bears the token may use it."""

    access: str
    scope: str
    refresh: str
    jkt: str


def answer(issuer: IssuerConfig, client: Client, terms: Terms, tokens: Tokens, more: dict[str, Any]) -> dict[str, Any]:
    """The token endpoint's answer; `more` is what its id_token says beside who, when and how."""
    scopes = tokens.scope.split()
    return {
        "access_token": tokens.access,
        "token_type": token_type(tokens.jkt),
        "expires_in": settings.ACCESS_TOKEN_SECONDS,
        "scope": tokens.scope,
        **({"refresh_token": tokens.refresh} if tokens.refresh else {}),
        **({"id_token": _id_token(issuer, client, terms, tokens.access, more)} if "openid" in scopes else {}),
    }


def token_type(jkt: str) -> str:
    return "DPoP" if jkt else "Bearer"


def access_token(issuer: IssuerConfig, client: Client, terms: Terms, scope: str, jkt: str) -> str:
    """Whatever its form, a row holds its hash: it ends when the row does."""
    if client.access_token_format != "jwt":
        return opaque()
    now = int(time.time())
    said = {
        "iss": issuer.url,
        "sub": terms.sub,
        "aud": audience(issuer, client),
        "client_id": client.client_id,
        "iat": now,
        "exp": now + settings.ACCESS_TOKEN_SECONDS,
        # What is sealed to the token is as safe as this is random.
        "jti": opaque(),
        "scope": scope,
        "auth_time": keys.seconds(terms.auth_time),
        "acr": terms.acr,
        **({"cnf": {"jkt": jkt}} if jkt else {}),
    }
    return keys.sign(keys.signer(issuer.keys, client.id_token_alg), said, alg=client.id_token_alg, typ="at+jwt")


def audience(issuer: IssuerConfig, client: Client) -> list[str]:
    """Whom a client's access tokens are for: userinfo, and the resource servers that the client names."""
    return [issuer.url, *client.audiences]


def opaque() -> str:
    return secrets.token_urlsafe(32)


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _id_token(issuer: IssuerConfig, client: Client, terms: Terms, access_token: str, more: dict[str, Any]) -> str:
    now = int(time.time())
    said = {
        "iss": issuer.url,
        "sub": terms.sub,
        "aud": client.client_id,
        "iat": now,
        "exp": now + settings.ID_TOKEN_SECONDS,
        "auth_time": keys.seconds(terms.auth_time),
        "acr": terms.acr,
        "amr": terms.amr,
        "sid": terms.sid,
        "at_hash": urlsafe_b64encode(hashed(access_token)[:16]).rstrip(b"=").decode(),
        **more,
    }
    told = extension.processed(DIALECTS[client.dialect].id_token(said, terms.scope), client, terms.scope)
    signed = keys.sign(keys.signer(issuer.keys, client.id_token_alg), told, alg=client.id_token_alg)
    return encrypting.encrypted(client, client.id_token_encryption, signed) if client.id_token_encryption else signed
