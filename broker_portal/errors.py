"""Pages of the portal for what cannot be answered: what happened, what it means, what to do. None of them asks the database."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)

Text = str | Promise
# By status: title, meaning, what to do.
EXPLANATIONS: dict[int, tuple[Text, Text, Text]] = {
    400: (
        _("The request is malformed"),
        _("It is too large, or not what a browser sends."),
        _("Go back and try again."),
    ),
    403: (
        _("You may not open this page"),
        _("Your role in the organisation does not include it."),
        _("Ask an owner or administrator of your organisation."),
    ),
    404: (
        _("There is nothing at this address"),
        _("The address is wrong, or it belongs to an organisation that you are not a member of."),
        _("Begin at the front page."),
    ),
    500: (
        _("Something went wrong here"),
        _("The mistake is ours. Nothing was saved halfway."),
        _("Try again in a little while. If it keeps happening, tell support the trace id."),
    ),
}
FORM_TOO_OLD: tuple[Text, Text, Text] = (
    _("The page is too old"),
    _("The form was opened before you signed in, or your browser keeps no cookies for this site."),
    _("Go back, reload the page and send it again."),
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    logger.info("%s form refused: %s", getattr(request, "trace_id", ""), reason)
    return _answer(request, 403, FORM_TOO_OLD)


def _answer(request: HttpRequest, status: int, texts: tuple[Text, Text, Text] | None = None) -> HttpResponse:
    title, meaning, advice = texts or EXPLANATIONS[status]
    # Without the request: its user and session may be what cannot be read.
    context = {"title": title, "meaning": meaning, "advice": advice, "trace_id": getattr(request, "trace_id", ""), "status": status}
    return HttpResponse(render_to_string("portal/error.html", context), status=status)
