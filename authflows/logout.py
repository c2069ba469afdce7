"""The end-session endpoint (RP-Initiated Logout 1.0). A client that proves the session ends it at once; else the person is asked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from authflows import cookies, pages, session_store, sessions
from authflows.configuration import IssuerConfig
from authflows.errors import PageError
from authflows.loginbox import farewell
from authflows.oidc import logout as oidc
from authflows.oidc.logout import Hint
from authflows.oidc.parameters import Parameters


def logout(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """Never a redirect but to an address that the client of a believed hint has registered."""
    if pages.prefetched(request):
        return HttpResponse(status=503)
    parameters = Parameters.of(request.POST if request.method == "POST" else request.GET)
    if parameters.repeated:
        raise PageError("repeated_parameter", detail=min(parameters.repeated))
    if request.method == "POST" and "form_token" in parameters:
        return _confirmed(request, issuer, parameters.get("form_token"))
    hint = oidc.hint(issuer, parameters)
    back = oidc.return_address(hint.client, parameters) if hint is not None else None
    if hint is None or back is None:
        return _question(request, issuer, hint)
    return _ended(request, issuer, hint, back)


def _ended(request: HttpRequest, issuer: IssuerConfig, hint: Hint, back: str) -> HttpResponse:
    """The member's session, and this browser's where it is the same person's."""
    secret = cookies.session_secret(request, issuer, hint.client)
    browser_hash = sessions.secret_hash(secret) if secret else None
    session_store.end_of_member(issuer.tenant_id, issuer.environment_id, hint.client.relying_party_id, hint.sid, browser_hash)
    if back:
        return HttpResponse(status=303, headers={"Location": back})
    return farewell.done(issuer, hint.client, pages.language_of(request))


def _question(request: HttpRequest, issuer: IssuerConfig, hint: Hint | None) -> HttpResponse:
    browser = cookies.leaving(request, issuer)
    response = farewell.question(
        issuer,
        hint.client if hint else None,
        pages.language_of(request),
        action=f"{issuer.prefix}/logout",
        form_token=browser.form_token,
    )
    cookies.begin_leaving(response, issuer, browser)
    return response


def _confirmed(request: HttpRequest, issuer: IssuerConfig, form_token: str) -> HttpResponse:
    """The person said yes, on a page that this browser was given: all its sessions in this environment end."""
    if not cookies.leaving(request, issuer).owns(form_token):
        raise PageError("form_token", 403)
    held = cookies.session_secrets(request, issuer)
    if held:
        session_store.end_of_browser(issuer.tenant_id, issuer.environment_id, map(sessions.secret_hash, held.values()))
    response = farewell.done(issuer, None, pages.language_of(request))
    cookies.drop_sessions(response, issuer, held)
    return response
