"""What a session shows: the step's name, and the values that its template takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils import timezone

from authflows.levels import Level
from authflows.upstream.simulator import chips, lookup, memory, secrets
from authflows.upstream.simulator.memory import Session
from authflows.upstream.simulator.methods import METHODS, offered

Shown = dict[str, Any]
# On the first screen, which must not grow; the test phone's page names everybody.
NAMED = (
    *("auto-approve", "auto-approve-low", "auto-approve-business", "auto-reject", "auto-cancel", "auto-timeout", "auto-blocked"),
    *("freja", "karl"),
)


def of(session: Session, *, unknown: str | None = None) -> Shown:
    """{"step": …, "shown": …}"""
    shown: Shown = {"provider_name": session.request["provider"], "action": session.request["action"]} | _clock(session.seconds_left)
    if session.state == "shown":
        first = {"unknown": unknown is not None, "user_id": unknown or "", "identities": list(NAMED), "remembered": False}
        return {"step": "user_id", "shown": shown | first}
    step, more = VIEWS[session.state](session)
    return {"step": step, "shown": shown | more}


def _choice(session: Session) -> tuple[str, Shown]:
    person = lookup.find(session.service, session.person)
    minimum = Level[session.request["level"].upper()]
    methods = [[method.name, method.level_of(person).word] for method in offered(person, minimum)] if person else []
    return "authenticator", {"minimum": session.request["level"], "methods": methods}


def _app(session: Session) -> tuple[str, Shown]:
    code = secrets.channel_code(session.channel)
    tied: Shown = {f"digit_{place}": digit for place, digit in zip("abcd", code, strict=True)} | {
        "channel": session.channel,
        "person": quote(session.person),
    }
    tied |= {"qr": session.qr}
    if session.qr:
        tied |= {f"half_{frame}": half for frame, half in zip("ab", secrets.halves(session.channel), strict=True)}
    return "waiting", tied | _place(session, "app")


def _code(session: Session) -> tuple[str, Shown]:
    code, seconds = secrets.code(session.person, session.state, time.time())
    return session.state, {"code": f"{code[:3]} {code[3:]}", "code_seconds": seconds} | _place(session, session.state) | _wrong(session)


def _password(session: Session) -> tuple[str, Shown]:
    return "password", {"password": secrets.password(session.person)} | _place(session, "password") | _wrong(session)


def _chip(session: Session) -> tuple[str, Shown]:
    asked = chips.to_prove(session.service, session.person, session.channel)
    return "chip", {"chip": asked} | _place(session, "chip") | _wrong(session)


def _over(session: Session) -> tuple[str, Shown]:
    method = METHODS.get(session.method)
    blocked = memory.blocked(session.service, session.person) if session.state == "blocked" else {}
    factor = next((factor for factor in method.factors if factor in blocked), "") if method else ""
    until = timezone.localtime() + timedelta(seconds=blocked.get(factor, 0))
    return "ended", {"reason": session.state, "factor": factor, "until": f"{until:%H.%M}"}


def _level(session: Session) -> tuple[str, Shown]:
    return "ended", {"reason": "level", "factor": "", "until": "", "minimum": session.request["level"]}


def _untold(session: Session) -> tuple[str, Shown]:
    return "not_recognised", {}


def _place(session: Session, factor: str) -> Shown:
    """Which step of how many this is; the reference text stands at the last authenticator only."""
    factors = METHODS[session.method].factors
    last = factor == factors[-1]
    text = session.request["reference_text"] if last else ""
    return {"number": factors.index(factor) + 3, "total": len(factors) + 2, "last": last, "reference_text": text}


def _wrong(session: Session) -> Shown:
    return {"left": settings.SIMULATOR_TRIES - session.tries if session.tries and not session.psd2 else 0}


def _clock(left: int) -> Shown:
    return {
        "seconds": settings.CORE_SECONDS,
        "seconds_left": left,
        "time_left": f"{left // 60}:{left % 60:02}",
        "expires_at": f"{timezone.localtime() + timedelta(seconds=left):%H.%M}",
    }


VIEWS: dict[str, Callable[[Session], tuple[str, Shown]]] = {
    "choosing": _choice,
    "waiting": _app,
    "code_display": _code,
    "audio_reader": _code,
    "password": _password,
    "chip": _chip,
    "rejected": _over,
    "blocked": _over,
    "parallel": _over,
    "level": _level,
    "untold": _untold,
}
