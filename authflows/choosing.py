"""Pages of ours before and beside an upstream: the choice of a method, and the way on for who came back without an answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from authflows import login
from authflows.configuration import Client, IssuerConfig, Upstream
from authflows.cookies import chosen_method, keep_method
from authflows.errors import PageError
from authflows.login import Browser
from authflows.loginbox import choice, page
from authflows.store import StoredLogin


def chooser(
    request: HttpRequest, issuer: IssuerConfig, client: Client, found: StoredLogin, browser: Browser, language: str
) -> HttpResponse:
    offered = [choice.Offered(each.method, each.name) for each in _offered(issuer, found)]
    if not offered:
        raise PageError("connection_withdrawn", 503)
    last, base = chosen_method(request, issuer, client), _base(issuer, browser)
    values = {"action": f"{base}/choose?language={language}", "cancel_action": f"{base}/cancel", "form_token": browser.form_token}
    return page.respond(issuer, choice.page(issuer, client, language, choice.ordered(offered, last), last, **values))


def chosen(response: HttpResponse, issuer: IssuerConfig, client: Client, found: StoredLogin, method: str, remember: bool) -> None:
    """Nothing happens for what was not offered: the page is shown again."""
    for upstream in _offered(issuer, found):
        if upstream.method == method:
            login.choose(issuer, found, upstream)
            keep_method(response, issuer, client, method if remember else "")


def away(issuer: IssuerConfig, client: Client, browser: Browser, language: str, name: str) -> HttpResponse:
    base = _base(issuer, browser)
    values = {"cancel_action": f"{base}/cancel", "again_url": f"{base}?again=1", "form_token": browser.form_token}
    return page.respond(issuer, page.page(issuer, client, language, "away", method=name, title=client.alias, **values))


def _offered(issuer: IssuerConfig, found: StoredLogin) -> list[Upstream]:
    """In the order in which the request or the environment has them, without those that are gone since."""
    known = {str(upstream.id): upstream for upstream in issuer.upstreams}
    return [known[id_] for id_ in found.request.get("connections", ()) if id_ in known]


def _base(issuer: IssuerConfig, browser: Browser) -> str:
    return f"{issuer.prefix}/login/{browser.handle}"
