"""The phone of a simulated person: what an app would show, in a browser that shares nothing with the login's (architecture decision 4).

An approval is tied to the screen that asked for it: by the four digits that stand there, by both of its QR frames, or by the link from
the same device. What is scanned is kept in a cookie of the phone's own, as an app would keep it until the second frame is there.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from authflows import pages
from authflows.configuration import IssuerConfig
from authflows.errors import PageError
from authflows.upstream.simulator import core, lookup, memory, residents, secrets
from authflows.upstream.simulator.memory import Session
from authflows.upstream.simulator.people import PEOPLE

COOKIE = "simulated-phone-frames"
FRAMES = ("a", "b")
FRAME_SECONDS = 120


def phone(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """GET ?user_id= shows the request that waits for this person, ?qr= takes a frame; POST answers a request."""
    if not issuer.simulated:
        raise PageError("no_such_address", 404)
    if request.method == "GET" and "qr" in request.GET:
        return _scanned(request, issuer, request.GET["qr"])
    user_id = request.GET.get("user_id", "").strip().lower()
    if lookup.find(str(issuer.environment_id), user_id) is None:
        return _choose(request, issuer)
    waiting = memory.waiting_for(user_id, str(issuer.environment_id))
    if request.method == "POST" and waiting is not None:
        return _answered(request, issuer, user_id, waiting)
    tied = waiting is not None and hmac.compare_digest(waiting.channel, request.GET.get("channel", ""))
    return _page(request, issuer, user_id, waiting, tied=tied)


def _answered(request: HttpRequest, issuer: IssuerConfig, user_id: str, waiting: Session) -> HttpResponse:
    if not hmac.compare_digest(token(user_id, str(waiting.id)), request.POST.get("form_token", "")):
        raise PageError("form_token", 403)
    tied = hmac.compare_digest(waiting.channel.encode(), request.POST.get("channel", "").encode())
    approves = request.POST.get("answer") == "approve"
    if approves and not tied and request.POST.get("channel_code", "").strip() != secrets.channel_code(waiting.channel):
        still = core.wrong(waiting)
        return _page(request, issuer, user_id, still if still.state == "waiting" else None, wrong=True)
    core.answer(waiting, approved=approves)
    return _page(request, issuer, user_id, None)


def _scanned(request: HttpRequest, issuer: IssuerConfig, frame: str) -> HttpResponse:
    number, _, half = frame.partition(".")
    halves = _kept(request) | ({number: half} if number in FRAMES and len(half) == 16 and half.isalnum() else {})
    waiting = memory.by_channel(halves.get("a", "") + halves.get("b", ""), str(issuer.environment_id)) if len(halves) == 2 else None
    if waiting is not None:
        response = _page(request, issuer, waiting.person, waiting, tied=True)
        response.delete_cookie(COOKIE, path=f"{issuer.prefix}/simulator/")
        return response
    response = shown(request, "frames", both=len(halves) == 2)
    kept = "-".join(f"{name}.{value}" for name, value in halves.items())
    response.set_cookie(COOKIE, kept, max_age=FRAME_SECONDS, path=f"{issuer.prefix}/simulator/", httponly=True, samesite="Lax")
    return response


def _kept(request: HttpRequest) -> dict[str, str]:
    parts = (part.partition(".") for part in request.COOKIES.get(COOKIE, "").split("-"))
    return {number: half for number, _, half in parts if number in FRAMES and len(half) == 16}


def _page(
    request: HttpRequest, issuer: IssuerConfig, user_id: str, waiting: Session | None, *, tied: bool = False, wrong: bool = False
) -> HttpResponse:
    session = waiting.request if waiting else {}
    return shown(
        request,
        "phone",
        waiting=waiting is not None,
        provider_name=pages.plain(session.get("provider", "")),
        action=session.get("action", ""),
        tied=tied,
        wrong=wrong,
        chips=f"{issuer.prefix}/simulator/chip?user_id={quote(user_id)}",
        markers={
            "form_action": f"{issuer.prefix}/simulator/phone?user_id={quote(user_id)}",
            "form_token": token(user_id, str(waiting.id)) if waiting else "",
            "channel": waiting.channel if waiting and tied else "",
            "reference_text": session.get("reference_text", ""),
            "user_id": user_id,
        },
    )


def _choose(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """Whose phone is it?"""
    here = [*PEOPLE.values(), *map(residents.as_person, residents.of(str(issuer.environment_id)))]
    people = [person.user_id for person in here if not person.ending]
    automatic = [person.user_id for person in here if person.ending]
    return shown(request, "phones", people=people, automatic=automatic, address=f"{issuer.prefix}/simulator/phone")


def shown(request: HttpRequest, name: str, *, markers: dict[str, str] | None = None, **context: object) -> HttpResponse:
    with translation.override(pages.language_of(request)):
        text = render_to_string(f"loginbox/simulator/{name}.html", context)
    return pages.respond(pages.fill(text, **(markers or {})), simulated=True)


def token(user_id: str, session: str) -> str:
    """Binds an answer to the request that the page showed."""
    return hmac.new(settings.SECRET_KEY.encode(), f"phone:{user_id}:{session}".encode(), sha256).hexdigest()
