"""Serves designs and logos: named by their hash, so immutable."""

from django.http import HttpRequest, HttpResponse

from authflows.configuration import IssuerConfig, ThemeValues
from authflows.errors import PageError
from authflows.loginbox import theme as themes
from authflows.models import Logo, Theme
from tenants.isolation import tenant_scope

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
# A drawing that is opened by itself runs nothing and loads nothing.
ALONE = "default-src 'none'; sandbox; frame-ancestors 'none'"


def theme(request: HttpRequest, issuer: IssuerConfig, name: str) -> HttpResponse:
    with tenant_scope(issuer.tenant_id):
        rows = list(Theme.objects.of(issuer.tenant_id).order_by("-id"))
    designs = (ThemeValues(f"{row.name}-{row.version}", row.layout, row.values, row.texts) for row in rows)
    for design in (None, *designs):
        known, css = themes.published(design)
        if known == name:
            return HttpResponse(css, content_type="text/css; charset=utf-8", headers=FOR_EVER)
    raise PageError("no_such_address", 404)


def logo(request: HttpRequest, issuer: IssuerConfig, name: str) -> HttpResponse:
    with tenant_scope(issuer.tenant_id):
        found = Logo.objects.of(issuer.tenant_id).filter(digest=name).first()
    if found is None:
        raise PageError("no_such_address", 404)
    return HttpResponse(bytes(found.content), content_type=found.media_type, headers={**FOR_EVER, "Content-Security-Policy": ALONE})
