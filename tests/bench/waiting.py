"""A login that waits 20 seconds for somebody's app: the page asks again and again (static/loginbox/waiting.js), and the phone answers."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.bench.flows import ACTION, TOKEN, Client, match
from tests.bench.visitor import Answer, Visitor

# After 2, 4, 6, 9, 12, 16 and 20 seconds.
POLLS = 7
DIGITS = re.compile(r"<li>(\d)</li>")
# The phone shows the newest request, so one waits at a time.
ONE_PHONE = threading.Lock()


def ours(client: Client, visitor: Visitor) -> Iterator[str]:
    """The polls are asked without the pauses between them: they cost the same."""
    verifier = secrets.token_urlsafe(48)
    shown = visitor.get(client.authorization(verifier), status=303)
    yield "authorize"
    page = visitor.get(shown.location, status=200)
    yield "box page"
    with ONE_PHONE:
        for fields in ({"user_id": "freja"}, {"authenticator": "app"}):
            page = _step(visitor, page, fields)
            yield next(iter(fields))
        for _ in range(POLLS):
            visitor.get(shown.location, status=204, **{"Shown-Step": "waiting"})
            yield "poll"
        _approve(client, visitor, DIGITS.findall(page.text))
        yield "phone"
    returning = visitor.get(shown.location, status=303)
    ended = visitor.get(returning.location, status=303)
    yield "return"
    yield from client.finish(visitor, ended, verifier)


def _step(visitor: Visitor, page: Answer, fields: dict[str, str]) -> Answer:
    moved = visitor.post(match(ACTION, page), fields | {"form_token": match(TOKEN, page)}, status=303)
    return visitor.get(moved.location, status=200)


def _approve(client: Client, visitor: Visitor, digits: list[str]) -> None:
    phone = f"{urlsplit(client.issuer).path}/simulator/phone?user_id=freja"
    token = match(TOKEN, visitor.get(phone, status=200))
    visitor.post(phone, {"form_token": token, "answer": "approve", "channel_code": "".join(digits)}, status=200)
