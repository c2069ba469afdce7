"""Addresses below an issuer. Paths here are relative to the issuer's own (decision 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path, register_converter

from authflows import callback, cpr_api, cpr_page, journey, logout, previews, simulated_identities
from authflows.loginbox import guide, stylesheets
from authflows.oidc import endpoints
from authflows.upstream.simulator import chip_page, phone


class Handle:
    """128 random bits, base64url."""

    regex = "[A-Za-z0-9_-]{22}"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


class Digest(Handle):
    """SHA-256, hexadecimal."""

    regex = "[0-9a-f]{64}"


class Signed(Handle):
    """What the signer of previews made."""

    regex = "[A-Za-z0-9_:-]{20,200}"


register_converter(Handle, "handle")
register_converter(Signed, "signed")
register_converter(Digest, "sha256")

urlpatterns = [
    path(".well-known/openid-configuration", endpoints.discovery, name="discovery"),
    path(".well-known/oauth-authorization-server", endpoints.discovery, name="server_metadata"),
    path("jwks", endpoints.jwks, name="jwks"),
    path("authorize", journey.authorize, name="authorize"),
    path("par", endpoints.par, name="par"),
    path("token", endpoints.token, name="token"),
    path("userinfo", endpoints.userinfo, name="userinfo"),
    path("introspect", endpoints.introspect, name="introspect"),
    path("revoke", endpoints.revoke, name="revoke"),
    path("logout", logout.logout, name="logout"),
    path("login/<handle:handle>", journey.box, name="box"),
    path("login/<handle:handle>/box", journey.step, name="step"),
    path("login/<handle:handle>/return", journey.return_, name="return"),
    path("login/<handle:handle>/person", journey.person, name="person"),
    path("login/<handle:handle>/again", journey.again, name="again"),
    path("login/<handle:handle>/choose", journey.choose, name="choose"),
    path("login/<handle:handle>/cancel", journey.cancel, name="cancel"),
    path("cpr", cpr_page.cpr, name="cpr"),
    path("cpr/match", cpr_api.match, name="cpr_match"),
    path("upstream/callback", callback.callback, name="callback"),
    path("errors", guide.errors, name="errors"),
    path("theme/<sha256:name>.css", stylesheets.theme, name="theme"),
    path("logo/<sha256:name>", stylesheets.logo, name="logo"),
    path("preview/<signed:token>/<slug:stage>/<slug:scheme>", previews.preview, name="preview"),
    path("simulator/phone", phone.phone, name="phone"),
    path("simulator/chip", chip_page.page, name="chip"),
    path("simulator/identities", simulated_identities.several, name="identities"),
    path("simulator/identities/<uuid:identity>", simulated_identities.one, name="identity"),
]

# Which methods each address answers; everything else is 405.
METHODS = {
    "discovery": ("GET", "HEAD"),
    "server_metadata": ("GET", "HEAD"),
    "jwks": ("GET", "HEAD"),
    "authorize": ("GET", "HEAD", "POST"),
    "par": ("POST",),
    "token": ("POST",),
    "userinfo": ("GET", "POST"),
    "introspect": ("POST",),
    "revoke": ("POST",),
    "logout": ("GET", "POST"),
    "box": ("GET",),
    "step": ("POST", "GET"),
    "return": ("GET",),
    "person": ("POST", "GET"),
    "again": ("POST",),
    "choose": ("POST",),
    "cancel": ("POST",),
    "cpr": ("GET", "POST"),
    "cpr_match": ("POST",),
    "callback": ("GET",),
    "errors": ("GET", "HEAD"),
    "theme": ("GET", "HEAD"),
    "logo": ("GET", "HEAD"),
    "preview": ("GET",),
    "phone": ("GET", "POST"),
    "chip": ("GET", "POST"),
    "identities": ("GET", "POST"),
    "identity": ("GET", "PATCH", "DELETE"),
}

Found = tuple[str, Callable[..., HttpResponse], dict[str, Any]]  # name, view, arguments

# Addresses without a variable part are looked up, the others tried in turn.
_FIXED: dict[str, Found] = {str(each.pattern): (str(each.name), each.callback, {}) for each in urlpatterns if not each.pattern.converters}
_OTHERS: list[URLPattern] = [each for each in urlpatterns if each.pattern.converters]


def resolve(address: str) -> Found | None:
    """What answers at an address below an issuer's."""
    if found := _FIXED.get(address):
        return found
    for each in _OTHERS:
        if matched := each.pattern.match(address):
            return str(each.name), each.callback, matched[2]
    return None
