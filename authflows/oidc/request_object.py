"""Requests that the client signed, and may have encrypted (RFC 9101, FAPI 2.0 Message Signing section 5.3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from authflows import jose, keys
from authflows.configuration import Client, IssuerConfig
from authflows.jose import NotBelieved, UnknownKey
from authflows.oidc import client_keys, instants

TYPE = "oauth-authz-req+jwt"
# Older clients sign with JWT, or with no type at all (OpenID Connect Core 6.1).
TYPES = (TYPE, "jwt", "")
ENCRYPTED_DOTS = 4
# What a JWT says of itself, and is no parameter.
OF_THE_JWT = frozenset(("iss", "aud", "exp", "nbf", "iat", "jti", "sub"))


class NotAccepted(Exception):
    """The message is public."""


def is_of_the_client(claims: dict[str, Any], issuer: IssuerConfig, client: Client) -> None:
    if claims.get("iss") != client.client_id or claims.get("client_id", client.client_id) != client.client_id:
        raise NotAccepted("iss and client_id must be the client's")


def is_for_us(claims: dict[str, Any], issuer: IssuerConfig, client: Client) -> None:
    aud = claims.get("aud")
    if issuer.url not in (aud if isinstance(aud, list) else [aud]):
        raise NotAccepted("aud must be the issuer")


def is_no_assertion(claims: dict[str, Any], issuer: IssuerConfig, client: Client) -> None:
    """RFC 9101 section 10.8: what proves a client must not ask for it too."""
    if claims.get("sub") == client.client_id:
        raise NotAccepted("sub must not be the client")


def holds_no_other(claims: dict[str, Any], issuer: IssuerConfig, client: Client) -> None:
    """RFC 9101 section 4."""
    if "request" in claims or "request_uri" in claims:
        raise NotAccepted("request and request_uri cannot stand in a request object")


CHECKS: list[Callable[[dict[str, Any], IssuerConfig, Client], None]] = [is_of_the_client, is_for_us, is_no_assertion, holds_no_other]


def read(issuer: IssuerConfig, client: Client, text: str, now: float) -> tuple[dict[str, str], bool]:
    """The parameters that it holds, and whether it was encrypted. Raises NotAccepted."""
    encrypted = text.count(".") == ENCRYPTED_DOTS
    try:
        claims = _verified(client, jose.take_apart(_decrypted(issuer, text) if encrypted else text))
        instants.current(claims, now, needed=("exp", "nbf") if client.fapi else ("exp",))
    except (NotBelieved, instants.NotNow, keys.CannotDecrypt) as reason:
        raise NotAccepted(str(reason)) from None
    for check in CHECKS:
        check(claims, issuer, client)
    values = {name: _text(value) for name, value in claims.items() if name not in OF_THE_JWT and value is not None}
    return {name: value for name, value in values.items() if value} | {"client_id": client.client_id}, encrypted


def _decrypted(issuer: IssuerConfig, text: str) -> str:
    return keys.decrypt(issuer.decryption_keys, text).decode("ascii", "replace")


def _verified(client: Client, token: jose.Unverified) -> dict[str, Any]:
    algorithms, types = (jose.FAPI_ALGORITHMS, (TYPE,)) if client.fapi else (jose.ALGORITHMS, TYPES)
    try:
        return jose.verify(token, client_keys.of(client), algorithms=algorithms, types=types)
    except UnknownKey:
        return jose.verify(token, client_keys.again(client), algorithms=algorithms, types=types)


def _text(value: Any) -> str:
    """A parameter as it would have stood in the query: numbers and objects are JSON (RFC 9101 section 4)."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
