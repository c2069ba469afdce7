"""Serves published themes: named by their hash, so immutable."""

from django.http import HttpRequest, HttpResponse

from authflows.configuration import IssuerConfig, ThemeValues
from authflows.errors import PageError
from authflows.loginbox import theme as themes
from authflows.models import Theme
from tenants.isolation import tenant_scope


def theme(request: HttpRequest, issuer: IssuerConfig, name: str) -> HttpResponse:
    with tenant_scope(issuer.tenant_id):
        rows = list(Theme.objects.of(issuer.tenant_id))
    designs = [ThemeValues(f"{row.name}-{row.version}", row.layout, row.values, row.texts) for row in rows]
    for design in (None, *designs):
        known, css = themes.published(design)
        if known == name:
            return HttpResponse(
                css, content_type="text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=31536000, immutable"}
            )
    raise PageError("no_such_address", 404)
