"""A browser and a relying party in one: cookies, one connection that is kept, redirects left to the caller."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode, urlsplit

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    cookies: tuple[str, ...]
    text: str


class Connection(Protocol):
    def send(self, method: str, target: str, body: str, headers: Mapping[str, str]) -> Answer: ...

    def close(self) -> None: ...


class KeptAlive:
    """HTTP/1.1 to a server on loopback."""

    def __init__(self, base_url: str) -> None:
        self._host = urlsplit(base_url).netloc
        self._connection = http.client.HTTPConnection("127.0.0.1", int(self._host.partition(":")[2]), timeout=30)

    def send(self, method: str, target: str, body: str, headers: Mapping[str, str]) -> Answer:
        self._connection.request(method, target, body.encode() or None, {"Host": self._host, **headers})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        return Answer(answer.status, answer.headers["Location"] or "", tuple(answer.headers.get_all("Set-Cookie") or ()), text)

    def close(self) -> None:
        self._connection.close()


@dataclass
class Visitor:
    connection: Connection
    cookies: dict[str, tuple[str, str]] = field(default_factory=dict)  # name → path, value

    def get(self, address: str, *, status: int, **headers: str) -> Answer:
        return self._send("GET", address, "", headers, status)

    def post(self, address: str, fields: Mapping[str, str], *, status: int, **headers: str) -> Answer:
        return self._send("POST", address, urlencode(fields), FORM | headers, status)

    def ask(self, address: str) -> Answer:
        """Whatever the answer is."""
        return self._sent("GET", address, "", {})

    def _send(self, method: str, address: str, body: str, headers: Mapping[str, str], status: int) -> Answer:
        answer = self._sent(method, address, body, headers)
        if answer.status != status:
            where = urlsplit(address).path
            raise RuntimeError(f"{method} {where}: {answer.status} where {status} was expected\n{answer.text[:500]}")
        return answer

    def _sent(self, method: str, address: str, body: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(address)
        cookies = "; ".join(f"{name}={value}" for name, (path, value) in self.cookies.items() if parts.path.startswith(path))
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = self.connection.send(method, target, body, {**headers, **({"Cookie": cookies} if cookies else {})})
        for cookie in answer.cookies:
            self._keep(cookie)
        return answer

    def _keep(self, cookie: str) -> None:
        pair, *attributes = cookie.split("; ")
        name, _, value = pair.partition("=")
        told = {key.lower(): text for key, _, text in (attribute.partition("=") for attribute in attributes)}
        if not value or told.get("max-age") == "0" or "1970" in told.get("expires", ""):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = (told.get("path", "/"), value)
