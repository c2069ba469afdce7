"""The guide to our errors below each issuer: where a page with a trace id links to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from authflows import error_guide, pages
from authflows.configuration import IssuerConfig
from authflows.loginbox import page


def errors(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """Written in English, as what it explains is; the page around it speaks the reader's language."""
    language = pages.language_of(request)
    with translation.override(language):
        context = page.context(issuer, None, language) | {"guide": error_guide.GUIDE, "introduction": error_guide.INTRODUCTION}
        text = render_to_string("loginbox/errors.html", context)
    return page.respond(issuer, text)
