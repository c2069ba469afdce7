"""Calls to an upstream: never more at once than its connection says, never longer, and none while it has just been silent (decision 27)."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings as installation

from authflows.upstream.base import Busy, Lost
from tenants import outbound

# How long an upstream is left alone by a process that it has kept waiting to the end.
PAUSE_SECONDS = 3.0
MOST_BYTES = 128 * 1024


@dataclass
class _Line:
    """One connection's calls in this process."""

    asking: int = 0
    silent_until: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_lock = threading.Lock()
_lines: dict[uuid.UUID, _Line] = {}


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    body: dict[str, Any]


class Caller:
    """The calls of one step of a login: together they end when `deadline` comes."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def get(self, url: str, what: str, headers: Mapping[str, str] = outbound.NO_HEADERS) -> Told:
        return self._told(url, what, None, headers)

    def post(self, url: str, what: str, form: Mapping[str, str], headers: Mapping[str, str] = outbound.NO_HEADERS) -> Told:
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._told(url, what, urlencode(form).encode(), sent)

    def _told(self, url: str, what: str, body: bytes | None, headers: Mapping[str, str]) -> Told:
        """Raises Lost for whatever is no JSON object; its message says which answer it was, never what stood in it."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Silent(f"{what}: no time left")
        try:
            answer = outbound.fetch(
                *(url,),
                body=body,
                headers={"Accept": "application/json", **headers},
                loopback=bool(installation.DEMO),
                timeout=left,
                most=MOST_BYTES,
            )
        except outbound.Refused as refused:
            raise Lost(f"{what}: {refused}") from None
        except outbound.Failed as failed:
            if time.monotonic() >= self._deadline - 0.05:
                raise Silent(f"{what}: no answer in time") from None
            raise Lost(f"{what}: {failed}") from None
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise Lost(f"{what}: status {answer.status}, not JSON") from None
        if not isinstance(found, dict):
            raise Lost(f"{what}: not a JSON object")
        return Told(answer.status, found)


class Silent(Lost):
    """Its time was over before it answered."""


@contextmanager
def calling(connection: uuid.UUID, seconds: float, at_once: int) -> Iterator[Caller]:
    """Raises Busy at once, rather than keep a thread waiting that others need."""
    with _lock:
        line = _lines.setdefault(connection, _Line())
    with line.lock:
        if line.asking >= at_once or time.monotonic() < line.silent_until:
            raise Busy("as many are asking as may")
        line.asking += 1
    try:
        yield Caller(time.monotonic() + seconds)
    except Silent:
        line.silent_until = time.monotonic() + PAUSE_SECONDS
        raise
    finally:
        with line.lock:
            line.asking -= 1
