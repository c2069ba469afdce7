"""A relying party that has keys instead of a secret, as somebody else would write one (RFC 7523)."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jwe, jws
from joserfc.jwk import ECKey, RSAKey

from tests.doubles.houses import House
from tests.doubles.relying_party import Asked, RelyingParty

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Key = ECKey | RSAKey


def new_key(kid: str = "one") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


def public_set(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def sign(key: Key, claims: dict[str, Any], **header: Any) -> str:
    full = {"alg": "ES256" if isinstance(key, ECKey) else "PS256", "kid": key.kid} | header
    kept = {name: value for name, value in full.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[kept["alg"]], strict_check_header=False)
    return jws.serialize_compact(kept, json.dumps(claims), key, registry=registry)


@dataclass(frozen=True)
class KeyHolder:
    party: RelyingParty
    key: Key = field(repr=False)

    @classmethod
    def at(cls, house: House, key: Key | None = None, **wanted: Any) -> KeyHolder:
        """A new client of this house, with this key or one of its own; `wanted` as in registration.Registration."""
        mine = key or new_key()
        jwks = {} if "jwks_uri" in wanted else {"jwks": public_set(mine)}
        return cls(house.client(**{"auth_method": "private_key_jwt", **jwks, **wanted}), mine)

    @property
    def issuer(self) -> str:
        return self.party.issuer

    def assertion(self, header: dict[str, Any] | None = None, key: Key | None = None, /, **changes: Any) -> str:
        """A fresh one; `changes` replaces claims, None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": self.party.client_id,
            "sub": self.party.client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        } | changes
        return sign(key or self.key, {name: value for name, value in claims.items() if value is not None}, **(header or {}))

    def post(self, path: str, body: dict[str, Any], assertion: str | None = "", **headers: str) -> httpx.Response:
        """A form sent to an endpoint, with an assertion unless that is None."""
        proof = {} if assertion is None else {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion or self.assertion()}
        with httpx.Client(verify=False, trust_env=False, timeout=20) as http:
            return http.post(
                self.issuer + path, data=body | proof, headers={name.replace("_", "-"): each for name, each in headers.items()}
            )

    def token(self, asked: Asked, code: str, assertion: str | None = "", /, **changes: str | None) -> httpx.Response:
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
        return self.post("/token", {name: value for name, value in (body | changes).items() if value is not None}, assertion)

    def push(self, asked: Asked, assertion: str | None = "", /, **changes: str | None) -> httpx.Response:
        """Sends a request beforehand, as it would have stood in the query; `changes` replaces parameters, None leaves one out."""
        sent = dict(parse_qsl(urlsplit(asked.url).query)) | changes
        return self.post("/par", {name: value for name, value in sent.items() if value is not None}, assertion)

    def pushed(self, **changes: str | None) -> tuple[Asked, str]:
        """A request that was pushed, with the address for its browser; and its request_uri."""
        asked = self.party.ask(**changes)
        answer = self.push(asked)
        assert answer.status_code == 201, answer.text
        return self.by_reference(asked, answer.json()["request_uri"]), answer.json()["request_uri"]

    def by_reference(self, asked: Asked, request_uri: str, **more: str) -> Asked:
        query = urlencode({"client_id": self.party.client_id, "request_uri": request_uri, **more})
        return replace(asked, url=f"{self.issuer}/authorize?{query}")

    def request_object(self, asked: Asked, header: dict[str, Any] | None = None, key: Key | None = None, /, **changes: Any) -> str:
        """The parameters of a request, signed; `changes` replaces claims, None leaves one out."""
        now = int(time.time())
        of_the_jwt = {"iss": self.party.client_id, "aud": self.issuer, "iat": now, "nbf": now, "exp": now + 300}
        claims = dict(parse_qsl(urlsplit(asked.url).query)) | of_the_jwt | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return sign(key or self.key, kept, **({"typ": "oauth-authz-req+jwt"} | (header or {})))

    def by_object(self, asked: Asked, request: str, **more: str) -> Asked:
        query = urlencode({"client_id": self.party.client_id, "request": request, **more})
        return replace(asked, url=f"{self.issuer}/authorize?{query}")

    def encryption_key(self) -> RSAKey:
        """The issuer's key for what is meant for it alone."""
        with httpx.Client(verify=False, trust_env=False, timeout=20) as http:
            found, *_ = [key for key in http.get(self.issuer + "/jwks").json()["keys"] if key["use"] == "enc"]
        return RSAKey.import_key(found)


def encrypt(text: str, key: RSAKey, **header: Any) -> str:
    full = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": key.kid} | header
    registry = jwe.JWERegistry(algorithms=[full["alg"], full["enc"], "DEF"], strict_check_header=False)
    return jwe.encrypt_compact(full, text, key, registry=registry)
