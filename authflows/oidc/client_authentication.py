"""Who calls the token endpoint: client_secret_basic, client_secret_post or a public client (RFC 6749 section 2.3).

An unknown client and a wrong secret take the same path: one hash, one comparison, one answer.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import uuid
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from authflows.configuration import Client, IssuerConfig
from authflows.configuration import client as find_client
from authflows.errors import JsonError
from authflows.oidc.parameters import Parameters

NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Credentials:
    method: str
    client_id: str
    secret: str


def refusal() -> JsonError:
    return JsonError("invalid_client", "client authentication failed", 401, {"WWW-Authenticate": 'Basic realm="token"'})


def presented(authorization: str, parameters: Parameters) -> Credentials:
    """The one method that the request uses; two at once are refused (RFC 6749 section 2.3)."""
    if authorization[:6].lower() == "basic ":
        if "client_secret" in parameters:
            raise JsonError("invalid_request", "more than one client authentication method was used")
        credentials = _basic(authorization[6:])
        if parameters.get("client_id") not in ("", credentials.client_id):
            raise JsonError("invalid_request", "client_id differs from the authenticated client")
        return credentials
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


def authenticate(issuer: IssuerConfig, credentials: Credentials) -> tuple[Client, uuid.UUID | None]:
    """The client, and which of its secrets was used. Raises JsonError invalid_client."""
    found = find_client(issuer, credentials.client_id) if credentials.client_id else None
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
