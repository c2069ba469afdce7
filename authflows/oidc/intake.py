"""How an authorization request comes: in the query, as an object that the client signed (RFC 9101), or pushed beforehand and named by a
reference of ours (RFC 9126).

A reference counts until a login has ended with an answer to it, not until a page was visited: a reload finds it again.
"""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag

from authflows import once, sealing
from authflows.configuration import Client, IssuerConfig
from authflows.configuration import client as find_client
from authflows.oidc import request_object
from authflows.oidc.parameters import Parameters
from authflows.requests import LoginRequest
from tenants.limits import Bucket

REFERENCE = "urn:ietf:params:oauth:request_uri:"
# What proves the client, and is no part of what it asks for.
CREDENTIALS = ("client_secret", "client_assertion", "client_assertion_type")


@dataclass(frozen=True, slots=True)
class Came:
    """`confidential`: not through the browser in clear. `signed`: by the client, or pushed by it after it proved itself."""

    pushed: str = ""  # the PushedRequest's id
    confidential: bool = False
    signed: bool = False
    by_object: bool = False


DIRECT = Came()


class Unusable(Exception):
    """There is no request to check. `error` is the protocol's code; the message is public."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def received(issuer: IssuerConfig, parameters: Parameters) -> tuple[Parameters, Came]:
    """The parameters that count, and how they came. Raises Unusable."""
    if parameters.get("request_uri").startswith(REFERENCE):
        return _pushed(issuer, parameters)
    client = find_client(issuer, parameters.get("client_id"))
    return of_object(issuer, client, parameters) if client is not None and "request" in parameters else (parameters, DIRECT)


def of_object(issuer: IssuerConfig, client: Client, parameters: Parameters) -> tuple[Parameters, Came]:
    """Nothing beside the object is looked at. Raises Unusable."""
    if "request_uri" in parameters or {"client_id", "request"} & parameters.repeated:
        raise Unusable("invalid_request", "a request object comes once, and without a request_uri")
    try:
        values, encrypted = request_object.read(issuer, client, parameters.get("request"), time.time())
    except request_object.NotAccepted as reason:
        raise Unusable("invalid_request_object", str(reason)) from None
    return Parameters(values, frozenset()), Came(confidential=encrypted, signed=True, by_object=True)


def _pushed(issuer: IssuerConfig, parameters: Parameters) -> tuple[Parameters, Came]:
    """Nothing beside client_id and request_uri is looked at (RFC 9101 section 6.3)."""
    client = find_client(issuer, parameters.get("client_id"))
    reference = parameters.get("request_uri").removeprefix(REFERENCE)
    found = _waiting(issuer, client, reference) if client is not None and not {"client_id", "request_uri"} & parameters.repeated else None
    if found is None:
        raise Unusable("invalid_request_uri", "the request_uri is not known for this client, was used, or has expired")
    waiting, kept = found
    return Parameters(kept["parameters"], frozenset()), Came(str(waiting.id), True, kept["signed"], kept["by_object"])


def _waiting(issuer: IssuerConfig, client: Client, reference: str) -> tuple[once.Waiting, dict[str, Any]] | None:
    waiting = once.waiting(issuer.tenant_id, issuer.id, client.relying_party_id, _hash(reference))
    try:
        return (waiting, sealing.unseal(waiting.sealed, reference, "pushed-request")) if waiting else None
    except InvalidTag:
        return None


def keep(issuer: IssuerConfig, client: Client, parameters: Parameters, came: Came, *, seconds: int, buckets: list[Bucket]) -> str | None:
    """The request_uri under which a request waits; None where there are too many. Raises Stale."""
    reference = secrets.token_urlsafe(32)
    kept = {"parameters": dict(parameters.values), "signed": came.signed, "by_object": came.by_object}
    stored = once.push(
        issuer.tenant_id,
        issuer.id,
        issuer.version,
        client.relying_party_id,
        reference_hash=_hash(reference),
        sealed=sealing.seal(kept, reference, "pushed-request"),
        seconds=seconds,
        buckets=buckets,
    )
    return REFERENCE + reference if stored else None


def use(issuer: IssuerConfig, request: LoginRequest, login_id: uuid.UUID) -> bool:
    """A login ends with an answer to this request; False where another login has answered it before."""
    pushed = request.reply.get("pushed")
    return not pushed or once.use(issuer.tenant_id, uuid.UUID(pushed), login_id)


def _hash(reference: str) -> bytes:
    return hashlib.sha256(reference.encode()).digest()
