"""Who calls the token endpoint and the like: client_secret_basic, client_secret_post, private_key_jwt or a public client
(RFC 6749 section 2.3, RFC 7523 section 3).

An unknown client and a wrong secret take the same path: one hash, one comparison, one answer. So do an unknown client and an assertion
that another key signed: one signature is verified.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import logging
import time
import uuid
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from authflows import once
from authflows.configuration import Client, IssuerConfig
from authflows.configuration import client as find_client
from authflows.errors import JsonError
from authflows.oidc import client_assertion, client_keys, jose
from authflows.oidc.jose import NotBelieved, PublicKey, UnknownKey
from authflows.oidc.parameters import Parameters

log = logging.getLogger("authflows")
NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Credentials:
    method: str
    client_id: str
    secret: str  # or the assertion


def refusal() -> JsonError:
    return JsonError("invalid_client", "client authentication failed", 401, {"WWW-Authenticate": 'Basic realm="token"'})


def presented(authorization: str, parameters: Parameters) -> Credentials:
    """The one method that the request uses; two at once are refused (RFC 6749 section 2.3)."""
    asserted = "client_assertion" in parameters or "client_assertion_type" in parameters
    if authorization[:6].lower() == "basic ":
        if "client_secret" in parameters or asserted:
            raise JsonError("invalid_request", "more than one client authentication method was used")
        credentials = _basic(authorization[6:])
        if parameters.get("client_id") not in ("", credentials.client_id):
            raise JsonError("invalid_request", "client_id differs from the authenticated client")
        return credentials
    if asserted and "client_secret" in parameters:
        raise JsonError("invalid_request", "more than one client authentication method was used")
    if asserted:
        return _asserted(parameters)
    if "client_secret" in parameters:
        return Credentials("client_secret_post", parameters.get("client_id"), parameters.get("client_secret"))
    return Credentials("none", parameters.get("client_id"), "")


def _basic(encoded: str) -> Credentials:
    """Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise refusal() from None
    if not colon:
        raise refusal()
    return Credentials("client_secret_basic", unquote_plus(user), unquote_plus(password))


def _asserted(parameters: Parameters) -> Credentials:
    """The client is named by the assertion; a client_id beside it must be the same (RFC 7521 section 4.2)."""
    if parameters.get("client_assertion_type") != client_assertion.TYPE:
        raise refusal()
    assertion = parameters.get("client_assertion")
    try:
        named = jose.take_apart(assertion).claims.get("sub")
    except NotBelieved:
        raise refusal() from None
    if not isinstance(named, str) or parameters.get("client_id") not in ("", named):
        raise refusal()
    return Credentials("private_key_jwt", named, assertion)


def authenticate(issuer: IssuerConfig, credentials: Credentials, called: str) -> tuple[Client, uuid.UUID | None]:
    """The client, and which of its secrets was used. `called` is the endpoint's path. Raises JsonError invalid_client, and Stale."""
    found = find_client(issuer, credentials.client_id) if credentials.client_id else None
    if credentials.method == "private_key_jwt":
        return _proven(issuer, found, credentials, called), None
    if found is not None and found.auth_method == credentials.method == "none":
        return found, None
    secret_id = _matching(found, credentials.secret)
    if found is None or secret_id is None or found.auth_method != credentials.method:
        raise refusal()
    return found, secret_id


def _matching(found: Client | None, secret: str) -> uuid.UUID | None:
    offered = hashlib.sha256(secret.encode()).digest()
    now = datetime.now(UTC)
    matching = None
    for known in found.secrets if found and found.secrets else ():
        if hmac.compare_digest(known.hash, offered) and (known.expires_at is None or known.expires_at > now):
            matching = known.id
    if matching is None and not (found and found.secrets):
        hmac.compare_digest(NOBODY, offered)
    return matching


def _proven(issuer: IssuerConfig, found: Client | None, credentials: Credentials, called: str) -> Client:
    """The client whose assertion it is: signed by its key, made for us, current, and not seen before."""
    client = found if found is not None and found.auth_method == "private_key_jwt" else None
    try:
        token = jose.take_apart(credentials.secret)
        claims = _verified(issuer, client, token)
        if client is None:
            raise NotBelieved("no such client, or not by an assertion")
        audiences = (issuer.url, f"{issuer.url}/token", f"{issuer.url}/{called}")
        expected = client_assertion.Expected(client.client_id, audiences, exact=client.fapi, now=time.time())
        jti, until = client_assertion.check(claims, expected)
    except (NotBelieved, client_assertion.NotAccepted) as reason:
        log.info("client_assertion of %s refused: %s", client.client_id if client else "nobody", reason)
        raise refusal() from None
    what = ("client_assertion", str(issuer.id), client.client_id, jti)
    if not once.spend(issuer.tenant_id, issuer.id, issuer.version, what, until + client_assertion.KEPT_LONGER):
        log.info("client_assertion of %s refused: seen before", client.client_id)
        raise refusal()
    return client


def _verified(issuer: IssuerConfig, client: Client | None, token: jose.Unverified) -> dict[str, object]:
    if client is None:
        return jose.verify(token, _decoys(issuer, token), algorithms=jose.ALGORITHMS, types=client_assertion.TYPES)
    algorithms = jose.FAPI_ALGORITHMS if client.fapi else jose.ALGORITHMS
    try:
        return jose.verify(token, client_keys.of(client), algorithms=algorithms, types=client_assertion.TYPES)
    except UnknownKey:
        return jose.verify(token, client_keys.again(client), algorithms=algorithms, types=client_assertion.TYPES)


def _decoys(issuer: IssuerConfig, token: jose.Unverified) -> list[PublicKey]:
    """Keys that nobody's assertion is signed with, so that an unknown client costs a signature too."""
    ours = jose.ours([key for key in issuer.keys if key.state == "active"])
    return [replace(key, kid=str(token.header.get("kid", ""))) for key in ours]
