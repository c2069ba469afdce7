"""Serves published themes: named by their hash, so immutable."""

from django.http import HttpRequest, HttpResponse

from authflows.configuration import IssuerConfig
from authflows.errors import PageError
from authflows.loginbox import theme as themes


def theme(request: HttpRequest, issuer: IssuerConfig, name: str) -> HttpResponse:
    for design in (None, *(client.theme for client in issuer.clients.values())):
        known, css = themes.published(design)
        if known == name:
            return HttpResponse(
                css, content_type="text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=31536000, immutable"}
            )
    raise PageError("no_such_address", 404)
