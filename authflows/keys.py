"""Keys of an environment: made, published, used. Only `sign` and `decrypt` touch a private part (decision 14)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from authflows.models import Key, KeyState, Purpose
from tenants import vault
from tenants.ids import uuid7
from tenants.models import Environment

PUBLISHED = (KeyState.NEXT, KeyState.ACTIVE, KeyState.RETIRING)
SIGNING = ("ES256", "RS256")
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
    return _create(tenant_id, environment_id, Purpose.OIDC_DECRYPT, "RSA-OAEP", private, said, state=state)


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
    """The times of decision 14: how long a key signs, is published before that, and stays published after it."""

    active: timedelta
    published: timedelta
    retiring: timedelta


class Urgency(Enum):
    """DUE: what its age calls for. NOW: the published key at once. COMPROMISED: at once, and the old one is trusted no longer."""

    DUE = "due"
    NOW = "now"
    COMPROMISED = "compromised"


def rotate(tenant_id: uuid.UUID, environment_id: uuid.UUID, ages: Ages, urgency: Urgency = Urgency.DUE) -> dict[str, list[str]]:
    """Moves an environment's signing keys on: the kids that are next, active, retiring or gone since. Runs in the tenant's scope.

    Raises LookupError where NOW finds no key that was published long enough: relying parties could not know it yet.
    """
    # Whoever comes second finds what the first has made.
    Environment.objects.of(tenant_id).select_for_update().get(id=environment_id)
    rows = Key.objects.of(tenant_id).filter(environment_id=environment_id, purpose=Purpose.OIDC_SIGN, state__in=PUBLISHED)
    held = list(rows.order_by("id"))
    moved: dict[str, list[str]] = {}
    for alg in SIGNING:
        active, waiting = (next((key for key in held if (key.alg, key.state) == (alg, state)), None) for state in ("active", "next"))
        if waiting is None:
            waiting = create(tenant_id, environment_id, alg, state=KeyState.NEXT)
            waiting.refresh_from_db(fields=["created_at"])
            moved.setdefault("next", []).append(waiting.kid)
        if _takes_over(active, waiting, ages, urgency):
            _move(waiting, "active", moved)
            if active is not None:
                _move(active, "gone" if urgency is Urgency.COMPROMISED else "retiring", moved)
            moved.setdefault("next", []).append(create(tenant_id, environment_id, alg, state=KeyState.NEXT).kid)
    for key in held:
        if key.state == KeyState.RETIRING and key.retired_at is not None and key.retired_at <= timezone.now() - ages.retiring:
            _move(key, "gone", moved)
    return moved


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


def load(tenant_id: uuid.UUID, environment_id: uuid.UUID, purpose: str = Purpose.OIDC_SIGN) -> tuple[LoadedKey, ...]:
    """The environment's published keys of a purpose, newest first. Runs in the tenant's scope."""
    rows = Key.objects.of(tenant_id).filter(environment_id=environment_id, purpose=purpose, state__in=PUBLISHED)
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
