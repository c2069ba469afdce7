"""A relying party's web site, as far as a browser sees it: where logins begin and end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

PAGE = '<!doctype html><html lang="en"><title>{0}</title><link rel="icon" href="data:,"><main><h1>{0}</h1>{1}</main>'


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/post":
            action, _, query = dict(parse_qsl(parts.query))["to"].partition("?")
            fields = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in parse_qsl(query))
            body = PAGE.format("Log in", f'<form method="post" action="{escape(action)}">{fields}<button>Log in</button></form>')
        else:
            body = PAGE.format("Back at the service", "")
        self._show(body)

    def do_POST(self) -> None:
        """An answer that came by a form: shown as a query would have had it."""
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._show(PAGE.format("Back at the service", f'<code id="sent">{escape(sent)}</code>'))

    def _show(self, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def site() -> Iterator[str]:
    """Its address: another site than the issuer's `localhost`, so that cookies meet what they meet in life."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
