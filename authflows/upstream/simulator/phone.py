"""The phone of a simulated person: what an app would show, in a browser that shares nothing with the login's (architecture decision 4)."""

from __future__ import annotations

import hmac
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from authflows import pages
from authflows.configuration import IssuerConfig
from authflows.errors import PageError
from authflows.upstream.simulator import core, memory
from authflows.upstream.simulator.people import PEOPLE


def phone(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """GET ?user_id= shows the request that waits for this person; POST answers it."""
    if not issuer.simulated:
        raise PageError("no_such_address", 404)
    user_id = request.GET.get("user_id", "").strip().lower()
    person = PEOPLE.get(user_id)
    if person is None:
        return pages.respond(_choose(request, issuer), simulated=True)
    waiting = memory.waiting_for(user_id, str(issuer.environment_id))
    if request.method == "POST" and waiting is not None:
        if not hmac.compare_digest(_token(user_id, str(waiting.id)), request.POST.get("form_token", "")):
            raise PageError("form_token", 403)
        core.decide(waiting, approved=request.POST.get("answer") == "approve")
        waiting = None
    session = waiting.request if waiting else {}
    context = {"waiting": waiting is not None, "provider_name": session.get("provider", ""), "action": session.get("action", "")}
    with translation.override(pages.language_of(request)):
        text = render_to_string("loginbox/simulator/phone.html", context)
    filled = pages.fill(
        text,
        form_action=f"{issuer.prefix}/simulator/phone?user_id={user_id}",
        form_token=_token(user_id, str(waiting.id)) if waiting else "",
        reference_text=session.get("reference_text", ""),
        user_id=user_id,
    )
    return pages.respond(filled, simulated=True)


def _choose(request: HttpRequest, issuer: IssuerConfig) -> str:
    """Whose phone is it?"""
    people = [person.user_id for person in PEOPLE.values() if not person.ending]
    with translation.override(pages.language_of(request)):
        return render_to_string("loginbox/simulator/phones.html", {"people": people, "address": f"{issuer.prefix}/simulator/phone"})


def _token(user_id: str, session: str) -> str:
    """Binds an answer to the request that the page showed."""
    return hmac.new(settings.SECRET_KEY.encode(), f"phone:{user_id}:{session}".encode(), sha256).hexdigest()
