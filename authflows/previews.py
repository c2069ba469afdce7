"""A design as its pages would show it, before it is published: the page of a login under its own policy, dead.

The address is signed and short-lived. What it shows says that it is a preview, runs no script, sends no form, and is framed by nobody but
the portal.
"""

from __future__ import annotations

import uuid

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from authflows import pages
from authflows.configuration import IssuerConfig, ThemeValues, base_url
from authflows.errors import PageError
from authflows.loginbox import page
from authflows.models import Service, Theme
from authflows.upstream.simulator.view import NAMED
from tenants.isolation import tenant_scope
from tenants.models import Environment

SECONDS = 900
STAGES = ("start", "error")
SCHEMES = ("system", "light", "dark")
NO_VERSION = uuid.UUID(int=0)
_signer = signing.TimestampSigner(salt="authflows.previews")


def address(issuer: str, theme_id: uuid.UUID = NO_VERSION, *, stage: str = "start", scheme: str = "system") -> str:
    """Where a version (or how it looks without one) can be seen for a quarter of an hour. `issuer` is an issuer's URL."""
    return f"{issuer}/preview/{_signer.sign(theme_id.hex)}/{stage}/{scheme}"


def policy() -> str:
    """The one policy, with the portal as the only one that may frame it, and without anything that could be sent or run."""
    framed = pages.CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {base_url()}")
    return f"{framed}; form-action 'none'; sandbox allow-same-origin"


def preview(request: HttpRequest, issuer: IssuerConfig, token: str, stage: str, scheme: str) -> HttpResponse:
    if stage not in STAGES or scheme not in SCHEMES:
        raise PageError("no_such_address", 404)
    design, alias = _found(issuer, token)
    language = pages.language_of(request)
    with translation.override(language):
        context = page.designed(issuer, design, alias, language) | _failure() | {"preview": True, "scheme": scheme.replace("system", "")}
        skeleton = render_to_string("loginbox/page.html" if stage == "start" else "loginbox/error.html", context)
    response = page.respond(issuer, pages.fill(skeleton, slot=_first_step(issuer, language, alias), title=alias))
    response.headers["Content-Security-Policy"] = policy()
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _found(issuer: IssuerConfig, token: str) -> tuple[ThemeValues | None, str]:
    """The design, and the name of a service that would show it. Raises PageError for a token that is not ours, or too old."""
    try:
        theme_id = uuid.UUID(_signer.unsign(token, max_age=SECONDS))
    except (signing.BadSignature, ValueError):
        raise PageError("preview_over", 404) from None
    with tenant_scope(issuer.tenant_id):
        environment = Environment.objects.of(issuer.tenant_id).get(id=issuer.environment_id)
        theme = Theme.objects.of(issuer.tenant_id).filter(id=theme_id, name=environment.kind).first()
        if theme is None and theme_id != NO_VERSION:
            raise PageError("preview_over", 404)
        service = Service.objects.of(issuer.tenant_id).filter(environment_id=environment.id).order_by("id").first()
        return ThemeValues.of(theme) if theme else None, service.alias if service else issuer.tenant_name


def _failure() -> dict[str, str]:
    """An error as a person meets it; no login stands behind it."""
    return {
        "title": _("The time is up"),
        "meaning": _("The request was not approved in time."),
        "advice": _("Go back to the service and start again."),
        "code": "expired",
        "trace_id": "0" * 32,
    }


def _first_step(issuer: IssuerConfig, language: str, alias: str) -> str:
    """What the simulator shows first; where it does not stand in for MitID, the slot stays empty."""
    if not issuer.simulated:
        return ""
    shown = {"provider_name": alias, "action": "log_on", "unknown": False, "user_id": "", "identities": list(NAMED)}
    return page.slot("user_id", language, shown | {"preview": True}, form_action="", cancel_action="", form_token="")
