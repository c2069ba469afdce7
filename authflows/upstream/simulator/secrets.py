"""What simulated people would know or hold. All of it is printed on the page where it is typed, and nothing typed is kept."""

from __future__ import annotations

import hmac
from hashlib import sha256

from django.conf import settings

STEP_SECONDS = 30
WORDS = ("vande", "fjord", "birk", "klit", "mole", "havn", "tidsel", "sejl")
FIRST = ("lav", "blid", "sen", "lun", "grå", "rolig", "kort", "dyb")


def _number(*parts: object) -> int:
    text = ":".join(map(str, parts))
    return int.from_bytes(hmac.new(settings.SECRET_KEY.encode(), f"simulator:{text}".encode(), sha256).digest()[:8])


def code(user_id: str, factor: str, now: float) -> tuple[str, int]:
    """Six digits of a code display or an audio reader, and for how many seconds they still stand. Never 000000."""
    step = int(now) // STEP_SECONDS
    return _digits(user_id, factor, step), STEP_SECONDS - int(now) % STEP_SECONDS


def is_code(user_id: str, factor: str, typed: str, now: float) -> bool:
    """This step's code or the one before: somebody may have begun to type."""
    step = int(now) // STEP_SECONDS
    return "".join(typed.split()) in (_digits(user_id, factor, step), _digits(user_id, factor, step - 1))


def _digits(user_id: str, factor: str, step: int) -> str:
    return f"{_number('code', user_id, factor, step) % 999_999 + 1:06}"


def password(user_id: str) -> str:
    number = _number("password", user_id)
    return f"{FIRST[number % 8]}-{WORDS[number // 8 % 8]}-{number // 64 % 90 + 10}"


def channel_code(channel: str) -> str:
    """The four digits that tie an approval on a phone to the screen that asked for it."""
    return f"{_number('channel', channel) % 10_000:04}"


def halves(channel: str) -> tuple[str, str]:
    """What the two alternating QR frames hold."""
    return channel[: len(channel) // 2], channel[len(channel) // 2 :]
