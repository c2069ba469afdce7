"""Addresses below an issuer. Paths here are relative to the issuer's own (decision 5)."""

from django.urls import path

from authflows import journey
from authflows.loginbox import stylesheets
from authflows.oidc import endpoints
from authflows.upstream.simulator import phone

urlpatterns = [
    path(".well-known/openid-configuration", endpoints.discovery, name="discovery"),
    path("jwks", endpoints.jwks, name="jwks"),
    path("authorize", journey.authorize, name="authorize"),
    path("token", endpoints.token, name="token"),
    path("userinfo", endpoints.userinfo, name="userinfo"),
    path("login/<str:handle>", journey.box, name="box"),
    path("login/<str:handle>/box", journey.step, name="step"),
    path("login/<str:handle>/return", journey.return_, name="return"),
    path("login/<str:handle>/cancel", journey.cancel, name="cancel"),
    path("theme/<str:name>.css", stylesheets.theme, name="theme"),
    path("simulator/phone", phone.phone, name="phone"),
]

# Which methods each address answers; everything else is 405.
METHODS = {
    "discovery": ("GET", "HEAD"),
    "jwks": ("GET", "HEAD"),
    "authorize": ("GET", "HEAD", "POST"),
    "token": ("POST",),
    "userinfo": ("GET", "POST"),
    "box": ("GET", "HEAD"),
    "step": ("POST", "GET"),
    "return": ("GET",),
    "cancel": ("POST",),
    "theme": ("GET", "HEAD"),
    "phone": ("GET", "POST"),
}
