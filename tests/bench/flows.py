"""Whole logins, request by request. Each yields a step's name when its request has been answered."""

from __future__ import annotations

import html
import re
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from json import loads
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.bench.visitor import Answer, Visitor

REDIRECT_URI = "https://rp.example/cb"
ACTION = re.compile(r'class="step" method="post" action="([^"]+)"')
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_SUBMIT = re.compile(r'<form[^>]* action="([^"]+)"')


@dataclass(frozen=True)
class Client:
    """A relying party: both providers are asked the same by the same."""

    issuer: str
    authorize: str  # path below the issuer's
    token: str
    userinfo: str
    client_id: str
    client_secret: str

    def authorization(self, verifier: str) -> str:
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile",
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}{self.authorize}?{urlencode(asked)}"

    def finish(self, visitor: Visitor, ended: Answer, verifier: str) -> Iterator[str]:
        """Token and userinfo, for the code in the redirect that a login ended with."""
        code = parse_qs(urlsplit(ended.location).query)["code"][0]
        basic = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": verifier}
        told = loads(visitor.post(f"{self.issuer}{self.token}", fields, status=200, Authorization=f"Basic {basic}").text)
        yield "token"
        about = loads(visitor.get(f"{self.issuer}{self.userinfo}", status=200, Authorization=f"Bearer {told['access_token']}").text)
        if not about["sub"] or not about["name"] or told["id_token"].count(".") != 2:
            raise RuntimeError(f"a login without its result: {sorted(about)}")
        yield "userinfo"


def ours(client: Client, visitor: Visitor) -> Iterator[str]:
    """Six requests: the simulator's automatic person approves in its first step."""
    verifier = secrets.token_urlsafe(48)
    shown = visitor.get(client.authorization(verifier), status=303)
    yield "authorize"
    page = visitor.get(shown.location, status=200)
    yield "box page"
    stepped = visitor.post(match(ACTION, page), {"user_id": "auto-approve", "form_token": match(TOKEN, page)}, status=303)
    yield "user id"
    ended = visitor.get(stepped.location, status=303)
    yield "return"
    yield from client.finish(visitor, ended, verifier)


def anchor(client: Client, visitor: Visitor) -> Iterator[str]:
    """npm oidc-provider: nine requests. Login and consent are each a page, its form, and the request resumed."""
    verifier = secrets.token_urlsafe(48)
    answer = visitor.get(client.authorization(verifier), status=303)
    yield "authorize"
    for prompt in ("login", "consent"):
        page = visitor.get(answer.location, status=200)
        yield f"{prompt} page"
        answer = visitor.post(match(_SUBMIT, page), {"prompt": prompt, "login": "agnes", "password": "agnes"}, status=303)
        yield prompt
        answer = visitor.get(answer.location, status=303)
        yield f"{prompt} resumed"
    yield from client.finish(visitor, answer, verifier)


def match(pattern: re.Pattern[str], page: Answer) -> str:
    found = pattern.search(page.text)
    if not found:
        raise RuntimeError(f"no {pattern.pattern} in the page\n{page.text[:500]}")
    return html.unescape(found[1])
