"""Keys of an environment: made, published, used. Only `sign` and `decrypt` touch a private part (decision 14)."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models.functions import Now
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from authflows.models import Key, KeyState, Purpose
from tenants import vault
from tenants.ids import uuid7

PUBLISHED = (KeyState.NEXT, KeyState.ACTIVE, KeyState.RETIRING)
# RS256 and PS256 use the same RSA key; a JWK names the first.
FAMILIES = {"ES256": "ES256", "RS256": "RS256", "PS256": "RS256"}


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
    return compact(key.private, json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode(), alg=alg, kid=key.kid, typ=typ)


def compact(private: ECKey | RSAKey, payload: bytes, *, alg: str, **header: str) -> str:
    """A JWS in compact form (RFC 7515 section 7.1). `alg` is ours: nothing of it comes from a request. The header is put together once."""
    signed = _header(alg, tuple(header.items())) + b"." + _base64url(payload)
    return (signed + b"." + _base64url(JWSRegistry.algorithms[alg].sign(signed, private))).decode()


@lru_cache(maxsize=1024)
def _header(alg: str, more: tuple[tuple[str, str], ...]) -> bytes:
    return _base64url(json.dumps({"alg": alg, **dict(more)}, separators=(",", ":")).encode())


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def seconds(instant: datetime) -> int:
    """NumericDate of RFC 7519."""
    return int(instant.timestamp())
