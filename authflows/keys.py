"""Keys of an environment: made, published, used. Only `sign` and `decrypt` touch a private part (decision 14)."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from authflows.models import Key, KeyState, Purpose
from tenants import vault
from tenants.ids import uuid7
from tenants.models import Environment

PUBLISHED = (KeyState.NEXT, KeyState.ACTIVE, KeyState.RETIRING)
DECRYPTING = "RSA-OAEP"
ROTATED = ("ES256", "RS256", DECRYPTING)
# RS256 and PS256 use the same RSA key; a JWK names the first.
FAMILIES = {"ES256": "ES256", "RS256": "RS256", "PS256": "RS256"}
ENCRYPTION, CONTENT_ENCRYPTION = "RSA-OAEP-256", "A256GCM"


class CannotDecrypt(Exception):
    """One message for every reason: which one it was would help to guess."""


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
    # An RSA key signs RS256 and PS256, so its JWK names no algorithm.
    said = {"use": "sig", **({"alg": alg} if alg == "ES256" else {})}
    return _create(tenant_id, environment_id, Purpose.OIDC_SIGN, alg, private, said, state=state)


def create_decryption(tenant_id: uuid.UUID, environment_id: uuid.UUID, *, state: str = KeyState.ACTIVE) -> Key:
    """Makes a key that others encrypt for. Runs in the tenant's scope."""
    private = RSAKey.generate_key(2048, private=True)
    said = {"use": "enc", "alg": ENCRYPTION}
    return _create(tenant_id, environment_id, Purpose.OIDC_DECRYPT, DECRYPTING, private, said, state=state)


def _create(
    tenant_id: uuid.UUID, environment_id: uuid.UUID, purpose: str, alg: str, private: ECKey | RSAKey, said: dict[str, str], *, state: str
) -> Key:
    kid = private.thumbprint()
    key_id = uuid7()
    secret = json.dumps(private.as_dict(private=True)).encode()
    return Key.objects.create(
        id=key_id,
        tenant_id=tenant_id,
        environment_id=environment_id,
        purpose=purpose,
        alg=alg,
        state=state,
        kid=kid,
        public={**private.as_dict(private=False), "kid": kid, **said},
        private=vault.encrypt(tenant_id, "authflows_key", "private", key_id, secret),
        activated_at=Now() if state == KeyState.ACTIVE else None,
    )


@dataclass(frozen=True, slots=True)
class Ages:
    """The times of decision 14: how long a key is in use, is published before that, and stays published after it."""

    active: timedelta
    published: timedelta
    retiring: timedelta


class Urgency(Enum):
    """DUE: what its age calls for. NOW: the published key at once. COMPROMISED: at once, and the old one is trusted no longer."""

    DUE = "due"
    NOW = "now"
    COMPROMISED = "compromised"


def rotate(tenant_id: uuid.UUID, environment_id: uuid.UUID, ages: Ages, urgency: Urgency = Urgency.DUE) -> dict[str, list[str]]:
    """Moves an environment's keys on, those that sign and those that others encrypt for. Runs in the tenant's scope.

    Returns the kids that are next, active, retiring or gone since. Raises LookupError where NOW finds no key that was published
    long enough: relying parties could not know it yet.
    """
    # Whoever comes second finds what the first has made.
    Environment.objects.of(tenant_id).select_for_update().get(id=environment_id)
    rows = Key.objects.of(tenant_id).filter(environment_id=environment_id, alg__in=ROTATED, state__in=PUBLISHED)
    held = list(rows.filter(purpose__in=[Purpose.OIDC_SIGN, Purpose.OIDC_DECRYPT]).order_by("id"))
    moved: dict[str, list[str]] = {}
    for alg in ROTATED:
        active, waiting = (next((key for key in held if (key.alg, key.state) == (alg, state)), None) for state in ("active", "next"))
        if waiting is None:
            waiting = _next(tenant_id, environment_id, alg)
            waiting.refresh_from_db(fields=["created_at"])
            moved.setdefault("next", []).append(waiting.kid)
        if _takes_over(active, waiting, ages, urgency):
            _move(waiting, "active", moved)
            if active is not None:
                _move(active, "gone" if urgency is Urgency.COMPROMISED else "retiring", moved)
            moved.setdefault("next", []).append(_next(tenant_id, environment_id, alg).kid)
    for key in held:
        if key.state == KeyState.RETIRING and key.retired_at is not None and key.retired_at <= timezone.now() - ages.retiring:
            _move(key, "gone", moved)
    return moved


def _next(tenant_id: uuid.UUID, environment_id: uuid.UUID, alg: str) -> Key:
    if alg == DECRYPTING:
        return create_decryption(tenant_id, environment_id, state=KeyState.NEXT)
    return create(tenant_id, environment_id, alg, state=KeyState.NEXT)


def _takes_over(active: Key | None, waiting: Key, ages: Ages, urgency: Urgency) -> bool:
    if urgency is Urgency.COMPROMISED:
        return True
    known = waiting.created_at <= timezone.now() - ages.published
    if urgency is Urgency.NOW and not known:
        raise LookupError(f"the next {waiting.alg} key has not been published for {ages.published} yet")
    old = active is None or active.activated_at is None or active.activated_at <= timezone.now() - ages.active
    return known and (old or urgency is Urgency.NOW)


def _move(key: Key, state: str, moved: dict[str, list[str]]) -> None:
    """A key that is gone keeps its name and loses its private part."""
    now = timezone.now()
    changes: dict[str, dict[str, Any]] = {
        "active": {"activated_at": now},
        "retiring": {"retired_at": now},
        "gone": {"retired_at": key.retired_at or now, "private": b""},
    }
    Key.objects.of(key.tenant_id).filter(id=key.id).update(state=state, **changes[state])
    moved.setdefault(state, []).append(key.kid)


_held: dict[tuple[uuid.UUID, str], dict[uuid.UUID, ECKey | RSAKey]] = {}  # by environment and purpose


def load(tenant_id: uuid.UUID, environment_id: uuid.UUID, purpose: str = Purpose.OIDC_SIGN) -> tuple[LoadedKey, ...]:
    """The environment's published keys of a purpose, newest first. Runs in the tenant's scope.

    A key never changes, and parsing an RSA key takes longer than everything else that reading an environment afresh needs: what this
    process has parsed it keeps, while the key is published.
    """
    rows = list(Key.objects.of(tenant_id).filter(environment_id=environment_id, purpose=purpose, state__in=PUBLISHED).order_by("-id"))
    known = _held.get((environment_id, purpose), {})
    held = {row.id: known[row.id] if row.id in known else _parsed(row) for row in rows}
    _held[environment_id, purpose] = held
    return tuple(LoadedKey(row.kid, row.alg, row.state, row.public, held[row.id]) for row in rows)


def _parsed(row: Key) -> ECKey | RSAKey:
    jwk = json.loads(vault.decrypt(row.tenant_id, "authflows_key", "private", row.id, bytes(row.private)))
    return ECKey.import_key(jwk) if jwk["kty"] == "EC" else RSAKey.import_key(jwk)


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


def decrypt(keys: tuple[LoadedKey, ...], token: str) -> bytes:
    """What a JWE in compact form says to one of these keys. Raises CannotDecrypt."""
    registry = jwe.JWERegistry(algorithms=[ENCRYPTION, CONTENT_ENCRYPTION], strict_check_header=False)
    for key in keys:
        assert isinstance(key.private, RSAKey)
        try:
            plain = jwe.decrypt_compact(token, key.private, registry=registry).plaintext
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if plain is not None:
            return plain
    raise CannotDecrypt(f"the JWE cannot be decrypted: {ENCRYPTION} and {CONTENT_ENCRYPTION}, with a key that we publish")


def seconds(instant: datetime) -> int:
    """NumericDate of RFC 7519."""
    return int(instant.timestamp())
