"""Where a security key becomes a simulated person's chip: beside their phone, at the host where it will be used."""

from __future__ import annotations

import hmac
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from authflows.configuration import IssuerConfig
from authflows.errors import PageError
from authflows.upstream.simulator import chips, lookup, phone
from authflows.upstream.simulator.chips import NotRegistered, Place
from tenants import limits
from tenants.middleware import address_of

# Of all pages, this one makes a credential.
PERMISSIONS = (
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(), publickey-credentials-create=(self)"
)


def page(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """GET ?user_id= shows this person's chips; POST registers one, or forgets them."""
    if not issuer.simulated:
        raise PageError("no_such_address", 404)
    service, user_id = str(issuer.environment_id), request.GET.get("user_id", "").strip().lower()
    person = lookup.find(service, user_id)
    if person is None or person.ending:
        raise PageError("no_such_address", 404)
    problem = _changed(request, issuer, service, user_id) if request.method == "POST" else ""
    return _shown(request, issuer, service, user_id, problem)


def _changed(request: HttpRequest, issuer: IssuerConfig, service: str, user_id: str) -> str:
    """What stood in the way, or ''."""
    if not hmac.compare_digest(phone.token(user_id, service).encode(), request.POST.get("form_token", "").encode()):
        raise PageError("form_token", 403)
    if not limits.hit("simulator.address", address_of(request)):
        raise PageError("too_many_requests", 429)
    if "forget" in request.POST:
        chips.forget(service, user_id)
        return ""
    if not request.POST.get("chip"):
        return ""  # the button, where no script has asked
    try:
        chips.register(Place.of(issuer.url), service, user_id, request.POST["chip"])
    except NotRegistered as refusal:
        return refusal.reason
    return ""


def _shown(request: HttpRequest, issuer: IssuerConfig, service: str, user_id: str, problem: str) -> HttpResponse:
    response = phone.shown(
        request,
        "chips",
        count=len(chips.of(service, user_id)),
        most=chips.MOST,
        problem=problem,
        markers={
            "form_action": f"{issuer.prefix}/simulator/chip?user_id={quote(user_id)}",
            "form_token": phone.token(user_id, service),
            "chip": chips.to_register(Place.of(issuer.url), service, user_id),
            "user_id": user_id,
        },
    )
    response.headers["Permissions-Policy"] = PERMISSIONS
    return response
