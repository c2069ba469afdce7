"""Keys of an environment: made, published, used. Only `sign` and `decrypt` touch a private part (decision 14)."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Now
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from authflows.models import Key, KeyState, Purpose
from tenants import vault
from tenants.ids import uuid7

PUBLISHED = (KeyState.NEXT, KeyState.ACTIVE, KeyState.RETIRING)
# RS256 and PS256 use the same RSA key; a JWK names the first.
FAMILIES = {"ES256": "ES256", "RS256": "RS256", "PS256": "RS256"}
LONGEST_TOKEN = 16 * 1024
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A key as a process holds it: parsed once, never inside a request."""

    kid: str
    alg: str
    state: str
    public: dict[str, Any]
    private: ECKey | RSAKey


def create(tenant_id: uuid.UUID, environment_id: uuid.UUID, alg: str, *, state: str = KeyState.ACTIVE) -> Key:
    """Makes a signing key. Runs in the tenant's scope."""
    private: ECKey | RSAKey = ECKey.generate_key("P-256", private=True) if alg == "ES256" else RSAKey.generate_key(2048, private=True)
    kid = private.thumbprint()
    key_id = uuid7()
    secret = json.dumps(private.as_dict(private=True)).encode()
    return Key.objects.create(
        id=key_id,
        tenant_id=tenant_id,
        environment_id=environment_id,
        purpose=Purpose.OIDC_SIGN,
        alg=alg,
        state=state,
        kid=kid,
        # An RSA key signs RS256 and PS256, so its JWK names no algorithm.
        public={**private.as_dict(private=False), "kid": kid, "use": "sig", **({"alg": alg} if alg == "ES256" else {})},
        private=vault.encrypt(tenant_id, "authflows_key", "private", key_id, secret),
        activated_at=Now() if state == KeyState.ACTIVE else None,
    )


def load(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> tuple[LoadedKey, ...]:
    """The environment's published signing keys, newest first. Runs in the tenant's scope."""
    rows = Key.objects.of(tenant_id).filter(environment_id=environment_id, purpose=Purpose.OIDC_SIGN, state__in=PUBLISHED)
    return tuple(_loaded(row) for row in rows.order_by("-id"))


def _loaded(row: Key) -> LoadedKey:
    secret = vault.decrypt(row.tenant_id, "authflows_key", "private", row.id, bytes(row.private))
    jwk = json.loads(secret)
    private: ECKey | RSAKey = ECKey.import_key(jwk) if jwk["kty"] == "EC" else RSAKey.import_key(jwk)
    return LoadedKey(row.kid, row.alg, row.state, row.public, private)


def signer(keys: tuple[LoadedKey, ...], alg: str) -> LoadedKey:
    """The active key for an algorithm. Raises LookupError where the environment has none."""
    for key in keys:
        if key.state == KeyState.ACTIVE and key.alg == FAMILIES.get(alg):
            return key
    raise LookupError(f"no active {alg} key")


def sign(key: LoadedKey, claims: dict[str, Any], *, alg: str, typ: str = "JWT") -> str:
    header = {"alg": alg, "kid": key.kid, "typ": typ}
    return jws.serialize_compact(header, json.dumps(claims, separators=(",", ":"), ensure_ascii=False), key.private, algorithms=[alg])


def verified(keys: tuple[LoadedKey, ...], token: str) -> dict[str, Any] | None:
    """The claims of a JWT that one of these keys signed as an id_token, however long ago; None for any other text."""
    if len(token) > LONGEST_TOKEN or not COMPACT.fullmatch(token):
        return None
    for key in keys:
        for alg, family in FAMILIES.items():
            if family != key.alg:
                continue
            try:
                signed = jws.deserialize_compact(token, key.private, algorithms=[alg])
                claims = json.loads(signed.payload)
            except (JoseError, ValueError, RecursionError):
                continue
            # A type of its own makes it another token (RFC 8725 section 3.11).
            if signed.headers().get("typ", "JWT") == "JWT" and isinstance(claims, dict):
                return claims
    return None


def seconds(instant: datetime) -> int:
    """NumericDate of RFC 7519."""
    return int(instant.timestamp())
