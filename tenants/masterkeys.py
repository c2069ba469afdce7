"""The keys that wrap data keys, behind an interface: a file or a variable today, a KMS or a PKCS#11 token later.

Wrapping and unwrapping happen behind it, so that a key may live where it cannot be read.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

WRAPPING_VERSION = b"\x01"
NONCE_BYTES = 12


class UnknownMasterKey(Exception):
    """No master key of this id is at hand; its text names the id and where it was looked for."""


class FixedMasterKeys(Exception):
    """The keys stand in a variable, so only whoever sets it can add one."""


class MasterKeys(Protocol):
    def first(self) -> str:
        """The id of the key that a new installation begins with, made on first use where that is possible."""

    def wrap(self, kid: str, key: bytes, context: bytes) -> bytes:
        """Raises UnknownMasterKey."""

    def unwrap(self, kid: str, wrapped: bytes, context: bytes) -> bytes:
        """Raises UnknownMasterKey, and InvalidTag for what this key did not wrap in this context."""

    def add(self) -> str:
        """A new key's id, usable by every process when this returns. Raises FixedMasterKeys."""

    def keep_only(self, kid: str) -> bool:
        """Forgets every other key; False when that is not in its power."""


class _LocalKeys:
    """AES-256-GCM with keys that this process may hold."""

    source: str

    def _find(self, kid: str) -> bytes:
        raise NotImplementedError

    def wrap(self, kid: str, key: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return WRAPPING_VERSION + nonce + AESGCM(self._find(kid)).encrypt(nonce, key, context)

    def unwrap(self, kid: str, wrapped: bytes, context: bytes) -> bytes:
        if wrapped[:1] != WRAPPING_VERSION:
            raise InvalidTag
        nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        return AESGCM(self._find(kid)).decrypt(nonce, sealed, context)


class FileMasterKeys(_LocalKeys):
    """A JSON object of id -> base64 in a file of mode 0600, read again whenever an id is not known."""

    def __init__(self, path: Path) -> None:
        self.source = str(path)
        self._path = path
        self._keys: dict[str, bytes] = {}

    def first(self) -> str:
        if not self._path.exists():
            with self._locked():
                if not self._path.exists():
                    self._write(dict([_new_key()]))
        self._keys = self._read()
        for kid in self._keys:
            return kid
        raise UnknownMasterKey(f"{self.source} holds no key")

    def add(self) -> str:
        with self._locked():
            kid, key = _new_key()
            self._write({**self._read(), kid: key})
        return kid

    def keep_only(self, kid: str) -> bool:
        with self._locked():
            self._write({kid: self._find(kid)})
        self._keys = self._read()
        return True

    def _find(self, kid: str) -> bytes:
        if kid not in self._keys:
            self._keys = self._read()
        if kid not in self._keys:
            raise UnknownMasterKey(f"master key {kid} is not in {self.source}")
        return self._keys[kid]

    def _read(self) -> dict[str, bytes]:
        try:
            content = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            raise UnknownMasterKey(f"{self.source} is damaged") from None
        return {kid: _key(kid, text) for kid, text in content.items()}

    def _write(self, keys: dict[str, bytes]) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({kid: base64.b64encode(key).decode() for kid, key in keys.items()}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        # A data key must not be durable before the key that opens it is.
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class VariableMasterKeys(_LocalKeys):
    """`kid:base64,kid:base64` from BROKER_MASTER_KEYS; the first is the one to use."""

    source = "BROKER_MASTER_KEYS"

    def __init__(self, text: str) -> None:
        self._keys = {kid: _key(kid, value) for kid, _, value in (part.strip().partition(":") for part in text.split(","))}

    def first(self) -> str:
        return next(iter(self._keys))

    def add(self) -> str:
        raise FixedMasterKeys(self.source)

    def keep_only(self, kid: str) -> bool:
        return set(self._keys) == {kid}

    def _find(self, kid: str) -> bytes:
        try:
            return self._keys[kid]
        except KeyError:
            raise UnknownMasterKey(f"master key {kid} is not in {self.source}") from None


def _new_key() -> tuple[str, bytes]:
    return f"m{secrets.token_hex(6)}", os.urandom(32)


def _key(kid: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not kid or len(key) != 32:
        raise UnknownMasterKey(f"master key {kid or '?'}: expected an id and 32 bytes in base64")
    return key


_at_hand: dict[tuple[str, Path], MasterKeys] = {}


def master_keys() -> MasterKeys:
    """The installation's, by its settings."""
    place = (settings.MASTER_KEYS, settings.MASTER_KEY_FILE)
    if place not in _at_hand:
        _at_hand[place] = VariableMasterKeys(settings.MASTER_KEYS) if settings.MASTER_KEYS else FileMasterKeys(settings.MASTER_KEY_FILE)
    return _at_hand[place]
