"""Claims sealed to a secret that we do not keep: a code, a token, a cookie (decision 13). Pure.

A dump of the database opens nothing: the key is derived from what only the holder has.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12


def _key(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"broker-portal/" + purpose.encode()).derive(secret.encode())


def seal(claims: dict[str, Any], secret: str, purpose: str) -> bytes:
    nonce = os.urandom(NONCE)
    plain = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    return nonce + AESGCM(_key(secret, purpose)).encrypt(nonce, plain, purpose.encode())


def unseal(sealed: bytes, secret: str, purpose: str) -> dict[str, Any]:
    """Raises cryptography.exceptions.InvalidTag where the secret is another."""
    plain = AESGCM(_key(secret, purpose)).decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode())
    claims: dict[str, Any] = json.loads(plain)
    return claims


def derive(secret: str, purpose: str) -> bytes:
    """32 bytes that only the holder of `secret` (256 random bits) can make again."""
    return _key(secret, purpose)


def derived_token(secret: str, purpose: str) -> str:
    """The same as a token that fits into an address or a form."""
    return urlsafe_b64encode(derive(secret, purpose)).rstrip(b"=").decode()
