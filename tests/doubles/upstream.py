"""Another company's OpenID provider (npm oidc-provider) as a process of its own, and a person's browser there."""

from __future__ import annotations

import html
import json
import os
import re
import secrets
import subprocess
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import ECKey

from tests.harness import node
from tests.harness.ground import free_port

FORM = re.compile(r'<form[^>]* action="([^"]+)"')
ABORT = re.compile(r'href="([^"]+/abort)"')


class Upstream:
    def __init__(self) -> None:
        self.port, self.secret, self.key = (
            free_port(),
            secrets.token_urlsafe(24),
            ECKey.generate_key("P-256", {"kid": "ours"}, private=True),
        )
        self._process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self, redirect_uris: Sequence[str]) -> None:
        public = self.key.as_dict(private=False) | {"use": "sig", "alg": "ES256"}
        told = {"REDIRECT_URIS": json.dumps(list(redirect_uris)), "SECRET": self.secret, "JWKS": json.dumps({"keys": [public]})}
        self._process = subprocess.Popen(
            [node.program(), str(node.PROVIDER / "upstream.mjs"), str(self.port)],
            env={"PATH": os.environ["PATH"], "NODE_ENV": "production", **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert "ready" in self._process.stdout.readline()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=10)

    def log_in(self, location: str, person: str) -> str:
        """A person at the provider's own pages: from our redirect to the address that they come back to."""
        with httpx.Client(base_url=self.issuer, trust_env=False, timeout=20) as browser:
            answer = browser.get(location)
            for prompt in ("login", "consent"):
                page = browser.get(answer.headers["Location"])
                fields = {"prompt": prompt, "login": person, "password": "x"}
                answer = browser.post(_match(FORM, page), data=fields)
                answer = browser.get(answer.headers["Location"])
            return str(answer.headers["Location"])

    def abort(self, location: str) -> str:
        """The same, of a person who wants none of it."""
        with httpx.Client(base_url=self.issuer, trust_env=False, timeout=20) as browser:
            page = browser.get(browser.get(location).headers["Location"])
            answer = browser.get(_match(ABORT, page))
            while urlsplit(answer.headers["Location"]).netloc == urlsplit(self.issuer).netloc:
                answer = browser.get(answer.headers["Location"])
            return str(answer.headers["Location"])


def _match(pattern: re.Pattern[str], page: httpx.Response) -> str:
    found = pattern.search(page.text)
    assert found, page.text
    return html.unescape(found[1])
