"""A relying party as somebody else would write one: it knows its registration and what the protocol lets it know."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
from joserfc import jws
from joserfc.jwk import KeySet

REDIRECT_URI = "https://netbank.fjordbank.example/callback"


@dataclass(frozen=True)
class Asked:
    """One authorization request, as the relying party remembers it until the answer."""

    url: str
    redirect_uri: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class RelyingParty:
    """`front` is the address to connect to where that is not the issuer's own, as for a second server process."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    auth_method: str
    relying_party_id: uuid.UUID
    tenant_id: uuid.UUID
    environment_id: uuid.UUID

    def ask(self, **changes: str | None) -> Asked:
        """A new request; `changes` replaces parameters, None leaves one out."""
        verifier = secrets.token_urlsafe(48)
        known = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile mitid",
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        } | changes
        query = urlencode({name: value for name, value in known.items() if value is not None}, quote_via=quote)
        return Asked(
            f"{self.issuer}/authorize?{query}",
            known["redirect_uri"] or "",
            known["state"] or "",
            known["nonce"] or "",
            verifier,
        )

    def push(self, asked: Asked, at: httpx.Client | None = None, /) -> Asked:
        """The same request, pushed: only a reference to it goes through the browser (RFC 9126)."""
        answer = self._authenticated("/par", at, dict(parse_qsl(urlsplit(asked.url).query)))
        assert answer.status_code == 201, answer.text
        query = urlencode({"client_id": self.client_id, "request_uri": answer.json()["request_uri"]})
        return replace(asked, url=f"{self.issuer}/authorize?{query}")

    def told(self, asked: Asked, location: str) -> dict[str, str]:
        """The parameters of an authorization response, checked as RFC 9207 and RFC 6749 10.12 want it."""
        address, _, query = location.partition("?")
        assert address == asked.redirect_uri.partition("?")[0], location
        return self.checked(asked, dict(parse_qsl(query, strict_parsing=True)))

    def checked(self, asked: Asked, told: dict[str, str]) -> dict[str, str]:
        assert told.get("state", "") == asked.state
        assert told["iss"] == self.issuer
        return told

    def token(self, asked: Asked, given: str, at: httpx.Client | None = None, /, **changes: str | None) -> httpx.Response:
        """The token endpoint's answer; `changes` replaces parameters, None leaves one out."""
        body: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": given,
            "redirect_uri": asked.redirect_uri,
            "code_verifier": asked.verifier,
        }
        return self._authenticated("/token", at, body | changes)

    def refresh(self, refresh_token: str, at: httpx.Client | None = None, /, **changes: str | None) -> httpx.Response:
        return self._authenticated("/token", at, {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    def introspect(self, token: str, **changes: str | None) -> httpx.Response:
        return self._authenticated("/introspect", None, {"token": token, **changes})

    def revoke(self, token: str, at: httpx.Client | None = None, /, **changes: str | None) -> httpx.Response:
        return self._authenticated("/revoke", at, {"token": token, **changes})

    def _authenticated(self, path: str, at: httpx.Client | None, body: dict[str, str | None]) -> httpx.Response:
        headers = {}
        if self.auth_method == "client_secret_basic":
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret or '', safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            body = {"client_id": self.client_id, "client_secret": self.client_secret or None, **body}
        sent = {name: value for name, value in body.items() if value is not None}
        return self._post(path, at, data=sent, headers=headers)

    def redeem(self, asked: Asked, location: str, **changes: str | None) -> dict[str, Any]:
        """The tokens of a completed login."""
        answer = self.token(asked, self.told(asked, location)["code"], **changes)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def userinfo(self, access_token: str, *, at: httpx.Client | None = None) -> httpx.Response:
        return self._post("/userinfo", at, headers={"Authorization": f"Bearer {access_token}"})

    def _post(self, path: str, at: httpx.Client | None, **more: Any) -> httpx.Response:
        if at is not None:
            return at.post(urlsplit(self.issuer).path + path, **more)
        with httpx.Client(verify=False, trust_env=False, timeout=20) as http:
            return http.post(self.issuer + path, **more)

    def claims(self, id_token: str) -> dict[str, Any]:
        """The claims of an id_token whose signature is of a key that the issuer publishes."""
        with httpx.Client(verify=False, trust_env=False, timeout=20) as http:
            published = KeySet.import_key_set(http.get(self.issuer + "/jwks").json())
        signed = jws.deserialize_compact(id_token, published, algorithms=["ES256", "RS256", "PS256"])
        claims: dict[str, Any] = json.loads(signed.payload)
        return claims


def challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
