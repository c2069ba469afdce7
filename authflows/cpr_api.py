"""Comparing a CPR number by the relying party itself, with the access token of the login; the same tries, the same quarter of an hour."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from authflows import cpr, cpr_matching, cpr_store
from authflows.configuration import IssuerConfig
from authflows.errors import JsonError, PageError
from authflows.oidc import dpop, userinfo
from authflows.oidc.dpop import Shown
from authflows.oidc.parameters import Parameters
from authflows.oidc.userinfo import Opened
from authflows.upstream.base import Lost

LONGEST = 1024


def match(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """`{"cpr": "…"}` → `{"cpr_match": true, "tries_left": 2}`. The number comes in the body, never in the address."""
    shown = Shown(str(request.META.get("HTTP_DPOP", "")), str(request.method), f"{issuer.url}/cpr/match")
    opened = userinfo.open_token(issuer, str(request.META.get("HTTP_AUTHORIZATION", "")), Parameters({}, frozenset()), shown)
    authenticated_at = _authenticated_at(issuer, opened)
    number = cpr.number(_sent(request), timezone.localdate())
    if number is None:
        raise JsonError("invalid_cpr", "not a CPR number")
    # The claims of a login end with its first access token: whoever refreshes comes later than a quarter of an hour.
    core_session = opened.claims.get("core_transaction_id")
    try:
        if core_session is None:
            raise cpr_matching.Over("cpr_too_late")
        compared = cpr_matching.compare(issuer, uuid.UUID(core_session), authenticated_at, number)
    except cpr_matching.Over as over:
        raise JsonError(over.why, "no more comparing in this login", 403) from None
    except Lost as lost:
        raise PageError("core_result", 503, detail=str(lost)) from None
    response = HttpResponse(json.dumps({"cpr_match": compared.matched, "tries_left": compared.left}), content_type="application/json")
    response.headers["Pragma"] = "no-cache"
    if shown.proof:
        response.headers["DPoP-Nonce"] = dpop.nonce(issuer)
    return response


def _authenticated_at(issuer: IssuerConfig, opened: Opened) -> datetime:
    """When the person logged in. Raises JsonError where the client has no basis for the CPR number of such a person."""
    kind, authenticated_at = cpr_store.of_token(issuer.tenant_id, opened.hash) or ("", None)
    allowed = {"private": bool(opened.client.cpr_basis), "business": bool(opened.client.cpr_basis) and opened.client.cpr_business}
    if authenticated_at is None or not allowed.get(kind):
        raise JsonError("cpr_not_allowed", "this client has no basis for the CPR number of this person", 403)
    return authenticated_at


def _sent(request: HttpRequest) -> str:
    if len(request.body) > LONGEST:
        raise JsonError("invalid_request", "the body is too long")
    if request.content_type == "application/x-www-form-urlencoded":
        return Parameters.read(request.body).get("cpr")
    try:
        told = json.loads(request.body)
        return str(told["cpr"])
    except (ValueError, KeyError, TypeError):
        raise JsonError("invalid_request", "cpr is missing: send a JSON object or a form") from None
