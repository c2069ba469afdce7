"""An OpenID provider that answers as badly as it is told to. Whoever is sent there is logged in at once, in this process."""

from __future__ import annotations

import json
import secrets
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc.jwk import ECKey

from authflows.levels import NSIS
from tests.doubles.keyholder import new_key, public_set, sign

CLIENT_ID, SECRET = "ours", "a-secret:with%colon"


@dataclass
class Hostile:
    """`bodies` replaces answers by path; `claims` those of the id_token; `silent` and `reset` name paths. `calls` counts what was asked."""

    port: int = 0
    bodies: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    silent: dict[str, float] = field(default_factory=dict)
    reset: set[str] = field(default_factory=set)
    clock: float = 0
    key: ECKey = field(default_factory=new_key)
    published: list[ECKey] | None = None  # None: the key that signs
    calls: Counter[str] = field(default_factory=Counter)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, location: str) -> str:
        """Where the browser comes back to, from where we sent it."""
        asked = dict(parse_qsl(urlsplit(location).query))
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
        }

    def id_token(self, code: str) -> str:
        asked, now = self.codes[code], time.time() + self.clock
        claims = {
            "iss": self.issuer,
            "sub": "agnes",
            "aud": CLIENT_ID,
            "nonce": asked["nonce"],
            "iat": int(now),
            "exp": int(now + 300),
            "acr": NSIS + "Substantial",
        } | self.claims
        return sign(self.key, {name: value for name, value in claims.items() if value is not None})


class Pages(BaseHTTPRequestHandler):
    hostile: Hostile

    def do_GET(self) -> None:
        told: dict[str, Callable[[], dict[str, Any]]] = {
            "/.well-known/openid-configuration": self.hostile.discovery,
            "/jwks": lambda: public_set(*(self.hostile.published or [self.hostile.key])),
            "/userinfo": lambda: {"sub": "agnes", "name": "Agnes"} | self.hostile.about,
        }
        if self.path not in told:
            self._answer(
                b'<!doctype html><html lang="en"><title>Elsewhere</title><link rel="icon" href="data:,"><h1>Elsewhere</h1>', "text/html"
            )
            return
        self._answer(json.dumps(told[self.path]()).encode())

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = self.hostile.id_token(form["code"][0])
        self._answer(json.dumps({"access_token": "at", "token_type": "Bearer", "id_token": token}).encode())

    def _answer(self, body: bytes, content_type: str = "application/json") -> None:
        hostile, path = self.hostile, self.path.rsplit("/", 1)[-1]
        hostile.calls[path] += 1
        if path in hostile.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        time.sleep(hostile.silent.get(path, 0))
        status, body = hostile.bodies.get(path, (200, body))
        try:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked has gone
            pass

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def hostile() -> Iterator[Hostile]:
    told = Hostile()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Pages,), {"hostile": told})) as server:
        server.daemon_threads = True
        told.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()
