"""What a request of a browser finds of its Login: the Login itself, whose it is, whom it asks, in which language."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from authflows import identified, login, pages
from authflows.configuration import Client, IssuerConfig, Upstream, client_of
from authflows.cookies import browser_of
from authflows.errors import PageError
from authflows.login import Browser
from authflows.requests import LoginRequest
from authflows.store import StoredLogin
from authflows.upstream.base import Ask, Returns
from authflows.upstream.registry import UPSTREAMS


def ask(issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> Ask:
    asked, via = LoginRequest.from_json(found.request), connection(issuer, found)
    assert found.core_session is not None
    return Ask(
        reference=found.core_session,
        service=str(issuer.environment_id),
        provider=client(issuer, found).alias,
        action=asked.action,
        reference_text=asked.reference_text,
        level=asked.level,
        language=asked.language,
        sector=issuer.sector,
        identities=identified.kinds(asked, client(issuer, found)),
        psd2=asked.psd2,
        via=via,
        handle=browser.handle,
        # Derived only where it is used: it costs as much as a signature.
        secret=browser.upstream(found.core_session) if isinstance(UPSTREAMS[via.kind], Returns) else "",
        callback=f"{issuer.url}/upstream/callback",
        mitid_uuid=login.hints(found, browser).mitid_uuid,
    )


def client(issuer: IssuerConfig, found: StoredLogin) -> Client:
    known = client_of(issuer, found.relying_party_id)
    if known is None:
        raise PageError("unknown_client", 404)
    return known


def connection(issuer: IssuerConfig, found: StoredLogin) -> Upstream:
    wanted = str(found.connection_id or found.request["connection"])
    for upstream in issuer.upstreams:
        if str(upstream.id) == wanted:
            return upstream
    raise PageError("connection_withdrawn", 503)


def browser(request: HttpRequest, issuer: IssuerConfig, handle: str) -> Browser:
    known = browser_of(request, issuer, handle)
    if known is None:
        raise PageError("no_cookie", 403)
    return known


def login_of(issuer: IssuerConfig, browser: Browser) -> StoredLogin:
    found = login.read(issuer, browser)
    if found is None:
        raise PageError("no_cookie", 403)
    return found


def posted(request: HttpRequest, issuer: IssuerConfig, handle: str) -> tuple[Browser, StoredLogin]:
    """Of a form that came from a page which this browser was given."""
    known = browser(request, issuer, handle)
    proven_form(request, known)
    return known, login_of(issuer, known)


def proven_form(request: HttpRequest, browser: Browser) -> None:
    if not browser.owns(request.POST.get("form_token", "")):
        raise PageError("form_token", 403)


def language(request: HttpRequest, found: StoredLogin) -> str:
    chosen = pages.queried(request, "language")
    return chosen if chosen in pages.LANGUAGES else str(found.request["language"])


def address(issuer: IssuerConfig, browser: Browser) -> str:
    return f"{issuer.prefix}/login/{browser.handle}"


def see_other(location: str) -> HttpResponse:
    response = HttpResponse(status=303)
    response.headers["Location"] = location
    return response


def in_another_language(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """The language was changed on a page that answered a POST."""
    known = browser(request, issuer, handle)
    return see_other(f"{address(issuer, known)}?language={pages.language_of(request)}")


def trace_id(request: HttpRequest) -> str:
    return str(getattr(request, "trace_id", ""))
