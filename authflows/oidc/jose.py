"""JWTs that come in from outside: believed by a key of whoever signed them, an algorithm of a list and a type of a list, or not at all.

A header chooses among the keys that we already know for that signer; `jku`, `x5u`, `jwk` and `x5c` in it are never looked at
(RFC 8725 sections 3.1 to 3.11). DPoP alone carries its key with it, and that key proves nothing but itself.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from authflows.keys import LoadedKey

ALGORITHMS = ("ES256", "PS256", "RS256")
FAPI_ALGORITHMS = ("ES256", "PS256")  # FAPI 2.0 Security Profile section 5.4.1
FAMILY = {"ES256": "EC", "PS256": "RSA", "RS256": "RSA"}
# What we encrypt for others with, and the one way that the content is.
ENCRYPTION = {"RSA-OAEP-256": "RSA", "ECDH-ES": "EC"}
CONTENT_ENCRYPTION = "A256GCM"
ENCRYPTING = frozenset(("encrypt", "wrapKey", "deriveKey", "deriveBits"))
MOST_CHARACTERS = 32 * 1024
MOST_KEYS = 30
# A token that names no key is tried with so many of its signer's.
MOST_TRIED = 5
RSA_BYTES = range(256, 1025)
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class NotBelieved(Exception):
    """The message is public: it names the rule, never what was sent."""


class UnknownKey(NotBelieved):
    """None of the signer's keys that we know is the one that the token names: it may have a new one."""


class UnusableKeys(ValueError):
    """A key set that nothing can be verified with; the message says what to change."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of somebody else, parsed once. `alg` "" where it names none."""

    kid: str
    family: str  # EC or RSA
    alg: str
    key: ECKey | RSAKey

    def serves(self, alg: str) -> bool:
        return self.family == (FAMILY | ENCRYPTION)[alg] and self.alg in ("", alg)


@dataclass(frozen=True, slots=True)
class Unverified:
    """A JWT taken apart: nothing in it is known to be true."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]


class _Registry(jws.JWSRegistry):
    """Unknown header parameters are ignored (RFC 7515 section 4); sizes are ours, so that a DPoP proof may carry an RSA key."""

    max_header_length = MOST_CHARACTERS
    max_payload_length = MOST_CHARACTERS

    def __init__(self, alg: str) -> None:
        super().__init__(algorithms=[alg], strict_check_header=False)


def take_apart(text: str) -> Unverified:
    """Raises NotBelieved for what is no signed JWT in compact form."""
    if len(text) > MOST_CHARACTERS:
        raise NotBelieved("the JWT is too large")
    if not COMPACT.fullmatch(text):
        raise NotBelieved("not a signed JWT")
    header, payload, _ = text.split(".")
    return Unverified(text, _object(header), _object(payload))


def verify(token: Unverified, keys: Sequence[PublicKey], *, algorithms: Collection[str], types: Collection[str]) -> dict[str, Any]:
    """The claims of a JWT that one of these keys signed. `types` in lower case, without `application/`; "" allows it to be absent.

    Raises NotBelieved, and UnknownKey where none of the keys is the one.
    """
    for check in HEADER_CHECKS:
        check(token.header, algorithms, types)
    for candidate in _candidates(token.header, keys):
        if _signed_by(token, candidate):
            return token.claims
    raise NotBelieved("the signature does not verify")


def key_set(document: Any) -> tuple[PublicKey, ...]:
    """The keys of a JWK Set that can verify something; others in it are passed over. Raises UnusableKeys where nothing in it is of use."""
    keys = tuple(key for entry in _entries(document) if (key := public_key(entry)) is not None)
    if not keys and not recipients(document):
        raise UnusableKeys("no key for ES256, PS256 or RS256 (P-256, or RSA of 2048 bits or more)")
    return keys


def ours(keys: Sequence[LoadedKey]) -> list[PublicKey]:
    """What we sign with, to verify it again. One RSA key signs two algorithms."""
    return [PublicKey(key.kid, FAMILY[key.alg], "" if FAMILY[key.alg] == "RSA" else key.alg, key.private) for key in keys]


def recipients(document: Any) -> tuple[PublicKey, ...]:
    """The keys of a JWK Set that something can be encrypted for. Raises UnusableKeys for what is no JWK Set."""
    return tuple(key for entry in _entries(document) if (key := _recipient(entry)) is not None)


def _entries(document: Any) -> list[Any]:
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise UnusableKeys('a JWK Set is an object with a member "keys"')
    if len(entries) > MOST_KEYS:
        raise UnusableKeys(f"more than {MOST_KEYS} keys")
    return entries


def encrypt(recipient: PublicKey, alg: str, text: str, *, cty: str) -> str:
    """A JWE in compact form, of one of ENCRYPTION's algorithms. `cty` is "JWT" where another JWT is inside (RFC 7519 section 5.2)."""
    header = {"alg": alg, "enc": CONTENT_ENCRYPTION, "typ": "JWT"} | ({"cty": cty} if cty else {})
    registry = jwe.JWERegistry(algorithms=[alg, CONTENT_ENCRYPTION])
    return jwe.encrypt_compact(header | ({"kid": recipient.kid} if recipient.kid else {}), text, recipient.key, registry=registry)


def public_key(jwk: Any) -> PublicKey | None:
    """A JWK that verifies signatures; None for any other, and for one that brings its private part."""
    return _key(jwk, "sig", frozenset(("verify",)), FAMILY)


def _recipient(jwk: Any) -> PublicKey | None:
    return _key(jwk, "enc", ENCRYPTING, ENCRYPTION)


def _key(jwk: Any, use: str, operations: frozenset[str], families: Mapping[str, str]) -> PublicKey | None:
    if not isinstance(jwk, dict) or "d" in jwk or jwk.get("use", use) != use or not _does(jwk.get("key_ops"), operations):
        return None
    kid, alg = jwk.get("kid", ""), jwk.get("alg", "")
    if not isinstance(kid, str) or not isinstance(alg, str) or (alg and families.get(alg) != jwk.get("kty")):
        return None
    try:
        return PublicKey(kid, str(jwk["kty"]), alg, _import(jwk))
    except (JoseError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _does(key_ops: Any, operations: frozenset[str]) -> bool:
    return key_ops is None or (isinstance(key_ops, list) and any(isinstance(each, str) and each in operations for each in key_ops))


def _import(jwk: dict[str, Any]) -> ECKey | RSAKey:
    """Only the members that make the key. Raises ValueError for a size or curve that is not ours."""
    if jwk["kty"] == "EC" and jwk["crv"] == "P-256":
        if len(_bytes(jwk["x"])) != 32 or len(_bytes(jwk["y"])) != 32:
            raise ValueError("a coordinate of P-256 has 32 bytes")
        return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"]})
    if jwk["kty"] == "RSA":
        n, e = _bytes(jwk["n"]).lstrip(b"\0"), _bytes(jwk["e"])
        if len(n) not in RSA_BYTES or n[0] < 128 or len(e) > 4:
            raise ValueError("RSA keys have 2048 to 8192 bits")
        return RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})
    raise ValueError("a kind of key that is not used here")


def algorithm_is_allowed(header: dict[str, Any], algorithms: Collection[str], types: Collection[str]) -> None:
    if header.get("alg") not in algorithms:
        raise NotBelieved(f"alg must be one of {', '.join(algorithms)}")


def type_is_expected(header: dict[str, Any], algorithms: Collection[str], types: Collection[str]) -> None:
    typ = header.get("typ", "")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise NotBelieved(f"typ must be {' or '.join(sorted(filter(None, types)))}")


def nothing_is_critical(header: dict[str, Any], algorithms: Collection[str], types: Collection[str]) -> None:
    """RFC 7515 section 4.1.11: what must be understood and is not ends it; we understand no extension."""
    if "crit" in header:
        raise NotBelieved("crit names an extension that is not supported")


def key_id_is_text(header: dict[str, Any], algorithms: Collection[str], types: Collection[str]) -> None:
    if not isinstance(header.get("kid", ""), str):
        raise NotBelieved("kid must be a string")


HEADER_CHECKS: list[Callable[[dict[str, Any], Collection[str], Collection[str]], None]] = [
    algorithm_is_allowed,
    type_is_expected,
    nothing_is_critical,
    key_id_is_text,
]


def _candidates(header: dict[str, Any], keys: Sequence[PublicKey]) -> Sequence[PublicKey]:
    kid = header.get("kid")
    found = [key for key in keys if key.serves(header["alg"]) and (kid is None or key.kid == kid)]
    if not found:
        raise UnknownKey("no key of the client has this kid" if kid is not None else "no key of the client serves this algorithm")
    return found[:MOST_TRIED]


def _signed_by(token: Unverified, candidate: PublicKey) -> bool:
    try:
        jws.deserialize_compact(token.text, candidate.key, registry=_Registry(token.header["alg"]))
    except (JoseError, ValueError):
        return False
    return True


def _object(encoded: str) -> dict[str, Any]:
    """A JSON object, in which every name stands once and every text can be written down."""
    try:
        found = json.loads(_bytes(encoded).decode(), object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise NotBelieved("a part of the JWT is not JSON") from None
    if not isinstance(found, dict):
        raise NotBelieved("a part of the JWT is not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no_number(name: str) -> None:
    raise ValueError(name)


def _bytes(encoded: Any) -> bytes:
    if not isinstance(encoded, str) or not BASE64URL.fullmatch(encoded):
        raise ValueError("not base64url")
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
