"""How an answer leaves for the relying party: by a redirect, or by a form that the browser posts (OAuth 2.0 Form Post Response Mode)."""

from __future__ import annotations

from html import escape

from django.http import HttpResponse

from authflows.configuration import IssuerConfig, client
from authflows.loginbox import page
from authflows.oidc.responses import Answer


def send(issuer: IssuerConfig, answer: Answer) -> HttpResponse:
    if answer.mode != "form_post":
        return HttpResponse(status=303, headers={"Location": answer.location})
    fields = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in answer.fields.items())
    asking = client(issuer, answer.client_id) if answer.client_id else None
    return page.respond(issuer, page.page(issuer, asking, answer.language, "form_post", slot=fields, action=answer.address))
