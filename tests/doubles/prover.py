"""A key that proves, request by request, that somebody holds it (RFC 9449), as somebody else would write it."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.keyholder import Key, new_key, sign


@dataclass(frozen=True)
class Prover:
    key: Key = field(default_factory=lambda: new_key("proof"), repr=False)

    @property
    def thumbprint(self) -> str:
        return self.key.thumbprint()

    def proof(self, method: str, url: str, token: str = "", *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A fresh one; `changes` replaces claims, None leaves one out."""
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(time.time()), "jti": secrets.token_urlsafe(12)}
        if token:
            claims["ath"] = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        public = {name: value for name, value in self.key.as_dict(private=False).items() if name not in ("kid", "use")}
        return sign(self.key, kept, **({"typ": "dpop+jwt", "jwk": public, "kid": None} | (header or {})))
