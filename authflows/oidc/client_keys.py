"""A client's keys: as registered, or as its jwks_uri says, fetched safely and remembered by this process for a while."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache

from django.conf import settings

from authflows.configuration import Client
from authflows.oidc import jose
from authflows.oidc.jose import PublicKey, UnusableKeys
from tenants import outbound

log = logging.getLogger("authflows")
FRESH_SECONDS = 600
# An address that does not answer is served from memory so long.
STALE_SECONDS = 3600
# How often an unknown kid may make us ask again, and how long a failed address is left alone.
AGAIN_SECONDS = 10
FAILED_SECONDS = 30
FETCH_SECONDS = 3.0
MOST_BYTES = 64 * 1024
MOST_REMEMBERED = 2000


@dataclass(frozen=True, slots=True)
class Keys:
    verifying: tuple[PublicKey, ...]
    recipients: tuple[PublicKey, ...]


NO_KEYS = Keys((), ())


@dataclass
class _Remembered:
    """What one address said. `lock` is held by the one request that asks it; the others wait for its answer."""

    keys: Keys = NO_KEYS
    fetched_at: float = float("-inf")
    failed_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_lock = threading.Lock()
_remembered: dict[str, _Remembered] = {}


def of(client: Client) -> tuple[PublicKey, ...]:
    """Its keys that verify, or none where it has none that can be had now."""
    return _of(client).verifying


def recipient(client: Client, alg: str) -> PublicKey | None:
    """The key that something is encrypted for to this client: the first that it lists for the algorithm."""
    return next((key for key in _of(client).recipients if key.serves(alg)), None)


def _of(client: Client) -> Keys:
    if client.jwks is not None:
        return _registered(json.dumps(client.jwks, sort_keys=True))
    return _fetched(client.jwks_uri, FRESH_SECONDS) if client.jwks_uri else NO_KEYS


def again(client: Client) -> tuple[PublicKey, ...]:
    """Its keys after one more look: somebody named a key that we do not know, so it may have a new one."""
    return _fetched(client.jwks_uri, AGAIN_SECONDS).verifying if client.jwks is None and client.jwks_uri else of(client)


@lru_cache(maxsize=MOST_REMEMBERED)
def _registered(text: str) -> Keys:
    try:
        return _read(json.loads(text))
    except UnusableKeys:
        return NO_KEYS


def _read(document: object) -> Keys:
    return Keys(jose.key_set(document), jose.recipients(document))


def _fetched(uri: str, fresh: float) -> Keys:
    known = _entry(uri)
    if time.monotonic() - known.fetched_at < fresh or time.monotonic() - known.failed_at < FAILED_SECONDS:
        return _still_good(known)
    if known.lock.acquire(timeout=FETCH_SECONDS):
        try:
            now = time.monotonic()
            if now - known.fetched_at >= fresh and now - known.failed_at >= FAILED_SECONDS:
                _ask(uri, known)
        finally:
            known.lock.release()
    return _still_good(known)


def _entry(uri: str) -> _Remembered:
    with _lock:
        if uri not in _remembered and len(_remembered) >= MOST_REMEMBERED:
            del _remembered[next(iter(_remembered))]
        return _remembered.setdefault(uri, _Remembered())


def _still_good(known: _Remembered) -> Keys:
    return known.keys if time.monotonic() - known.fetched_at < STALE_SECONDS else NO_KEYS


def _ask(uri: str, known: _Remembered) -> None:
    try:
        answer = outbound.fetch(
            uri, headers={"Accept": "application/json"}, loopback=bool(settings.DEMO), timeout=FETCH_SECONDS, most=MOST_BYTES
        )
        if answer.status != 200:
            raise outbound.Failed(f"status {answer.status}")
        known.keys = _read(json.loads(answer.body))
        known.fetched_at = time.monotonic()
    except (outbound.Refused, outbound.Failed, UnusableKeys, ValueError, RecursionError) as error:
        known.failed_at = time.monotonic()
        log.warning(
            "jwks_uri %s: %s", uri.partition("?")[0], error if isinstance(error, (outbound.Refused, UnusableKeys)) else type(error).__name__
        )
