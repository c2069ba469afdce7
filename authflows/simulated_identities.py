"""The people of a test environment, for a service provider's own programs: JSON, for clients that prove who they are.

A client authenticates as at the token endpoint. What a form would hold there, `client_id` with `client_secret` or with an assertion,
stands here beside the JSON's own members, at every method.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from authflows.configuration import IssuerConfig
from authflows.errors import JsonError
from authflows.models import SimulatedPerson
from authflows.oidc import caller, client_authentication
from authflows.oidc.parameters import Parameters
from authflows.upstream.simulator import profiles, residents
from authflows.upstream.simulator.people import PEOPLE
from authflows.upstream.simulator.profiles import Wrong
from authflows.upstream.simulator.residents import Refused
from tenants import limits
from tenants.middleware import address_of

CREDENTIALS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
BODY_BYTES = 65_536
CALLED = "simulator/identities"
CONFLICTS = {"taken": "user_id: somebody here has it", "full": f"there are {residents.MOST} people here already"}
Body = dict[str, Any]


def several(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """GET lists, POST creates; `copy_of` names somebody to begin with who is everywhere."""
    body = _asked(request, issuer)
    service = str(issuer.environment_id)
    if request.method == "GET":
        return _answer({"identities": [_told(row) for row in residents.of(service)], "everywhere": [*PEOPLE]})
    base = _base(body.pop("copy_of", None))
    try:
        made = residents.add(service, _read(body, base))
    except Refused as refusal:
        raise JsonError("conflict", CONFLICTS[refusal.reason], 409) from None
    return _answer(_told(made), status=201, Location=f"{issuer.url}/{CALLED}/{made.id}")


def one(request: HttpRequest, issuer: IssuerConfig, identity: uuid.UUID) -> HttpResponse:
    """GET, PATCH with the members that change, DELETE."""
    body = _asked(request, issuer)
    row = residents.one(str(issuer.environment_id), identity)
    if row is None:
        raise JsonError("not_found", "nobody here has this id", 404)
    if request.method == "PATCH":
        row = residents.change(row, _read(body, residents.profile(row)))
    if request.method == "DELETE":
        residents.remove(row)
        return HttpResponse(status=204)
    return _answer(_told(row))


def offered(issuer: IssuerConfig) -> bool:
    return issuer.simulated and issuer.kind == "test"


def _asked(request: HttpRequest, issuer: IssuerConfig) -> Body:
    """The body's own members, once the client has proven who it is."""
    if not offered(issuer):
        raise JsonError("not_found", "no such address", 404)
    body = _body(request)
    said = {name: body.pop(name) for name in CREDENTIALS if name in body}
    if not all(isinstance(value, str) for value in said.values()):
        raise JsonError("invalid_request", "credentials are texts")
    asking = caller.admit(
        issuer, Parameters(said, frozenset()), str(request.META.get("HTTP_AUTHORIZATION", "")), address_of(request), CALLED
    )
    if asking.client.auth_method == "none":
        raise client_authentication.refusal()
    if not limits.hit("identities.client", asking.client.client_id):
        raise caller.too_many()
    return body


def _body(request: HttpRequest) -> Body:
    if not request.body:
        return {}
    if request.content_type != "application/json" or len(request.body) > BODY_BYTES:
        raise JsonError("invalid_request", f"the body must be application/json of at most {BODY_BYTES} bytes")
    try:
        read = json.loads(request.body)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise JsonError("invalid_request", "the body must be a JSON object")
    return read


def _base(copy_of: object) -> profiles.Profile | None:
    if copy_of is None:
        return None
    found = profiles.copied(copy_of) if isinstance(copy_of, str) else None
    if found is None:
        raise JsonError("invalid_request", "copy_of: nobody who is everywhere has this user id", 422)
    return found


def _read(body: Body, before: profiles.Profile | None) -> profiles.Profile:
    try:
        return profiles.read(body, datetime.now(UTC).date(), before)
    except Wrong as wrong:
        reasons = "; ".join(f"{name if name in profiles.READERS else 'a member'}: {reason}" for name, reason in wrong.reasons.items())
        raise JsonError("invalid_request", reasons, 422) from None


def _told(row: SimulatedPerson) -> Body:
    return {"id": str(row.id), **residents.profile(row).told()}


def _answer(told: Body, *, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(json.dumps(told, ensure_ascii=False), status=status, content_type="application/json", headers=headers)
