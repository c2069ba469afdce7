"""The token endpoint: a code for an id_token and an access token (OpenID Connect Core 3.1.3)."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from django.conf import settings

from authflows import grants, keys, sealing, store
from authflows.configuration import Client, IssuerConfig
from authflows.errors import JsonError, Stale
from authflows.grants import Redeemed
from authflows.oidc import client_authentication, trial
from authflows.oidc.dialects.registry import DIALECTS
from authflows.oidc.parameters import Parameters
from tenants import limits
from tenants.ids import uuid7

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def no_repeats(parameters: Parameters) -> None:
    if parameters.repeated:
        raise JsonError("invalid_request", f"{min(parameters.repeated)} was sent more than once")


def grant_is_supported(parameters: Parameters) -> None:
    grant = parameters.get("grant_type")
    if not grant:
        raise JsonError("invalid_request", "grant_type is missing")
    if grant != "authorization_code":
        raise JsonError("unsupported_grant_type", "only grant_type=authorization_code is supported")


def code_is_sent(parameters: Parameters) -> None:
    for name in ("code", "redirect_uri", "code_verifier"):
        if name not in parameters:
            raise JsonError("invalid_request", f"{name} is missing")
        if "\x00" in parameters.get(name):
            raise JsonError("invalid_request", f"{name} is malformed")


def verifier_is_wellformed(parameters: Parameters) -> None:
    if not VERIFIER.fullmatch(parameters.get("code_verifier")):
        raise JsonError("invalid_grant", "code_verifier is malformed")


CHECKS: list[Callable[[Parameters], None]] = [grant_is_supported, code_is_sent, verifier_is_wellformed]


def exchange(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str) -> dict[str, Any]:
    """Answers a token request. Raises JsonError, and Stale where the client has changed since it was read."""
    no_repeats(parameters)
    credentials = client_authentication.presented(authorization, parameters)
    guess = f"{credentials.client_id}:{address}"
    try:
        client, secret_id = client_authentication.authenticate(issuer, credentials)
    except JsonError:
        if store.version(issuer.id) != issuer.version:
            raise Stale from None
        if not limits.hit("token_failure.client", guess):
            raise too_many() from None
        raise
    for check in CHECKS:
        check(parameters)
    return redeem(issuer, client, parameters, secret_id=secret_id, guess=guess)


def too_many() -> JsonError:
    return JsonError("slow_down", "too many failed attempts", 429, {"Retry-After": "60"})


def redeem(issuer: IssuerConfig, client: Client, parameters: Parameters, *, secret_id: uuid.UUID | None, guess: str) -> dict[str, Any]:
    """Spends the code of an authenticated client."""
    code = parameters.get("code")
    code_hash = hashlib.sha256(code.encode()).digest()
    claims = _unsealed(grants.sealed_to(issuer.tenant_id, code_hash), code)
    if claims is None:
        raise _refusal(issuer, client, code_hash, guess)
    access_token = secrets.token_urlsafe(32)
    (bucket,) = limits.buckets([("token_failure.client", guess)])
    question = {
        "code_hash": code_hash,
        "issuer": issuer.id,
        "version": issuer.version,
        "relying_party": client.relying_party_id,
        "redirect_uri": parameters.get("redirect_uri"),
        "challenge": _challenge(parameters.get("code_verifier")),
        "limit_key": bucket.key,
        "limit_window": bucket.window,
        "limit": bucket.allowed,
        "secret": secret_id,
        "token": uuid7(),
        "hash": hashlib.sha256(access_token.encode()).digest(),
        "seconds": settings.ACCESS_TOKEN_SECONDS,
        "sealed": sealing.seal(claims, access_token, "access-token"),
    }
    redeemed = grants.redeem(issuer.tenant_id, question)
    if redeemed is None:
        raise _refusal(issuer, client, code_hash, guess)
    return _answer(issuer, client, redeemed, claims, access_token)


def redeem_trial(issuer: IssuerConfig, client: Client, code: str, verifier: str) -> dict[str, Any]:
    """A trial's code, spent by the portal in its own process: it has no secret of the client's, only the code that it asked for.

    Raises JsonError, and Stale where the client has changed since it was read.
    """
    parameters = Parameters({"code": code, "redirect_uri": trial.redirect_uri(), "code_verifier": verifier}, frozenset())
    for check in (code_is_sent, verifier_is_wellformed):
        check(parameters)
    return redeem(issuer, client, parameters, secret_id=None, guess=f"trial:{client.client_id}")


def _unsealed(sealed: bytes | None, code: str) -> dict[str, Any] | None:
    try:
        return sealing.unseal(sealed, code, "code") if sealed else None
    except (InvalidTag, ValueError):
        return None


def _refusal(issuer: IssuerConfig, client: Client, code_hash: bytes, guess: str) -> Exception:
    """A replayed code ends what was issued for it, and that stays although the answer is an error."""
    if grants.revoke_replayed(issuer.tenant_id, code_hash, client.relying_party_id):
        return JsonError("invalid_grant", "the code was used before; what was issued for it has been revoked")
    if store.version(issuer.id) != issuer.version:
        return Stale()
    if limits.blocked("token_failure.client", guess):
        return too_many()
    return JsonError("invalid_grant", "the code is not valid")


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _answer(issuer: IssuerConfig, client: Client, redeemed: Redeemed, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
    now = int(time.time())
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    id_token = {
        "iss": issuer.url,
        "sub": redeemed.sub,
        "aud": client.client_id,
        "iat": now,
        "exp": now + settings.ID_TOKEN_SECONDS,
        "auth_time": keys.seconds(redeemed.auth_time),
        "acr": redeemed.acr,
        "amr": redeemed.amr,
        "sid": redeemed.sid,
        "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
        **({"nonce": redeemed.nonce} if redeemed.nonce else {}),
        **claims,
    }
    told = DIALECTS[client.dialect].id_token(id_token, redeemed.scope)
    signing = keys.signer(issuer.keys, client.id_token_alg)
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": settings.ACCESS_TOKEN_SECONDS,
        "scope": redeemed.scope,
        "id_token": keys.sign(signing, told, alg=client.id_token_alg),
    }
