"""What the end user reads when a page is all that we can answer with: what happened, what it means, what to do (domain facts 2.6)."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from authflows import pages, store
from authflows.configuration import Client, IssuerConfig, client_of
from authflows.errors import LoginError, PageError
from authflows.loginbox import page

Text = str | Promise
SERVICE_MISTAKE = _("The service sent you here with a request that we cannot accept.")
TELL_SERVICE = _("Go back and try again. If it keeps happening, contact the service.")
# By code of the error: title, meaning, advice.
EXPLANATIONS: dict[str, tuple[Text, Text, Text]] = {
    "client_id_missing": (_("The request is incomplete"), SERVICE_MISTAKE, TELL_SERVICE),
    "unknown_client": (_("We do not know the service"), SERVICE_MISTAKE, TELL_SERVICE),
    "redirect_uri_missing": (_("The request is incomplete"), SERVICE_MISTAKE, TELL_SERVICE),
    "redirect_uri_not_registered": (_("The return address is not registered"), SERVICE_MISTAKE, TELL_SERVICE),
    "invalid_request_uri": (
        _("The request has expired"),
        _("You came too late, or it has been used before."),
        _("Go back to the service and start again."),
    ),
    "invalid_request": (_("The request is malformed"), SERVICE_MISTAKE, TELL_SERVICE),
    "invalid_request_object": (_("The request is malformed"), SERVICE_MISTAKE, TELL_SERVICE),
    "repeated_parameter": (_("The request is malformed"), SERVICE_MISTAKE, TELL_SERVICE),
    "malformed_request": (_("The request is malformed"), _("It is too large, or not what a browser sends."), TELL_SERVICE),
    "too_many_requests": (
        _("Too many requests"),
        _("There have been very many requests in a short time."),
        _("Wait a minute, and try again."),
    ),
    "form_token": (
        _("The page is too old"),
        _("The form does not belong to this login."),
        _("Go back to the service and start again."),
    ),
    "core_result": (
        _("We could not confirm the login"),
        _("The answer that we got does not belong to this login, or it did not arrive."),
        _("Go back to the service and start again."),
    ),
    "connection_withdrawn": (
        _("Login is not possible just now"),
        _("The login method has been switched off."),
        _("Try again later."),
    ),
    "no_such_address": (_("There is nothing at this address"), _("The address is wrong, or it is not in use any more."), TELL_SERVICE),
    "preview_over": (
        _("The preview is over"),
        _("Its address works for a quarter of an hour, or the draft is gone."),
        _("Load the page of the portal anew."),
    ),
    "unavailable": (_("We cannot answer just now"), _("A part of the system is restarting."), _("Wait a moment, and try again.")),
    "internal": (_("Something went wrong here"), _("The mistake is ours, and we have been told."), _("Try again in a little while.")),
}


def respond(request: HttpRequest, issuer: IssuerConfig | None, handle: str | None, error: PageError) -> HttpResponse:
    language = pages.language_of(request)
    owner = _owner(issuer, handle) if issuer is not None and handle and error.status < 500 else None
    back = _origin(owner[1]) if owner else ""
    with translation.override(language):
        title, meaning, advice = EXPLANATIONS.get(error.code, EXPLANATIONS["internal"])
        context = page.context(issuer, owner[0] if owner else None, language) | {
            "title": str(title),
            "meaning": str(meaning),
            "advice": str(advice),
            "code": error.code,
            "guide_url": f"{issuer.prefix}/errors#{error.code}" if issuer is not None else "",
            "trace_id": str(getattr(request, "trace_id", "")),
            "outcome": owner[2] if owner else "",
            "retry_url": "",
            "back_url": back,
            "back_label": translation.gettext("Start again at %(service)s") % {"service": owner[0].alias} if owner else "",
        }
        text = render_to_string(f"loginbox/{_template(error.code, context['outcome'])}.html", context)
    return page.respond(issuer, text, status=error.status)


def _template(code: str, outcome: str) -> str:
    """A login that has ended took its cookie with it: whoever comes back is told how it ended, and nothing of whose it was."""
    return "error" if code != "no_cookie" else "ended" if outcome else "nocookie"


def _owner(issuer: IssuerConfig, handle: str) -> tuple[Client, str, str] | None:
    """The service that a handle's login belongs to, its return address, and how it ended: what a browser without the cookie may know."""
    try:
        found = store.owner(issuer.tenant_id, issuer.id, handle)
        client = client_of(issuer, found[0]) if found else None
    except (LoginError, DatabaseError):  # an explanation without a way on is better than none
        return None
    return (client, found[1], found[2]) if found and client else None


def _origin(redirect_uri: str) -> str:
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}/" if parts.scheme in ("http", "https") else ""
