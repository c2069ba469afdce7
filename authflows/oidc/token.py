"""The token endpoint: a code or a refresh token for an id_token and an access token (OpenID Connect Core 3.1.3 and 12)."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cryptography.exceptions import InvalidTag
from django.conf import settings

from authflows import grants, sealing
from authflows.configuration import Client, IssuerConfig
from authflows.errors import JsonError
from authflows.oidc import caller, client_credentials, dpop, encrypting, issued, refreshing, trial
from authflows.oidc.caller import Caller
from authflows.oidc.dpop import Shown
from authflows.oidc.parameters import Parameters
from tenants.ids import uuid7

VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def code_is_sent(parameters: Parameters) -> None:
    for name in ("code", "redirect_uri"):
        if name not in parameters:
            raise JsonError("invalid_request", f"{name} is missing")
        if "\x00" in parameters.get(name):
            raise JsonError("invalid_request", f"{name} is malformed")


def verifier_is_wellformed(parameters: Parameters) -> None:
    if "code_verifier" in parameters and not VERIFIER.fullmatch(parameters.get("code_verifier")):
        raise JsonError("invalid_grant", "code_verifier is malformed")


CHECKS: list[Callable[[Parameters], None]] = [code_is_sent, verifier_is_wellformed]


def redeem(issuer: IssuerConfig, asking: Caller, parameters: Parameters) -> dict[str, Any]:
    """Spends the code of a proven client. Raises JsonError, and Stale where the client has changed since it was read."""
    code, client = parameters.get("code"), asking.client
    if "code_verifier" not in parameters and not client.nonce_instead_of_challenge:
        raise JsonError("invalid_request", "code_verifier is missing")
    code_hash = issued.hashed(code)
    found = grants.find(issuer.tenant_id, code_hash)
    claims = _unsealed(found[0], code) if found else None
    if found is None or claims is None:
        raise _refusal(issuer, asking, code_hash)
    terms = found[1]
    access_token = issued.access_token(issuer, client, terms, terms.scope, asking.jkt)
    refresh_token = issued.opaque() if issued.refreshable(client, terms) else ""
    question = asking.limit() | {
        "code_hash": code_hash,
        "issuer": issuer.id,
        "version": issuer.version,
        "relying_party": client.relying_party_id,
        "redirect_uri": parameters.get("redirect_uri"),
        "challenge": _challenge(parameters.get("code_verifier")),
        "token": uuid7(),
        "hash": issued.hashed(access_token),
        "seconds": settings.ACCESS_TOKEN_SECONDS,
        "sealed": sealing.seal(claims, access_token, "access-token"),
        "jkt": asking.jkt,
        # A public client has no other proof of itself when it refreshes (RFC 9449 section 5).
        "binds": client.public,
        **(_refreshable(refresh_token) if refresh_token else {}),
    }
    if not grants.redeem(issuer.tenant_id, question):
        raise _refusal(issuer, asking, code_hash)
    more = ({"nonce": terms.nonce} if terms.nonce else {}) | claims
    tokens = issued.Tokens(access_token, terms.scope, refresh_token, asking.jkt)
    return issued.answer(issuer, client, terms, tokens, more)


def redeem_trial(issuer: IssuerConfig, client: Client, code: str, verifier: str) -> dict[str, Any]:
    """A trial's code, spent by the portal in its own process: it has no secret of the client's, only the code that it asked for.

    Raises JsonError, and Stale where the client has changed since it was read.
    """
    parameters = Parameters({"code": code, "redirect_uri": trial.redirect_uri(), "code_verifier": verifier}, frozenset())
    for check in CHECKS:
        check(parameters)
    readable = replace(client, id_token_encryption="")
    return redeem(issuer, Caller(readable, None, f"trial:{client.client_id}"), parameters)


# What each grant checks, in this order, and then does.
GRANTS: dict[str, tuple[list[Callable[[Parameters], None]], Callable[[IssuerConfig, Caller, Parameters], dict[str, Any]]]] = {
    "authorization_code": (CHECKS, redeem),
    "refresh_token": (refreshing.CHECKS, refreshing.refresh),
    "client_credentials": (client_credentials.CHECKS, client_credentials.give),
}


def exchange(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str, shown: Shown) -> dict[str, Any]:
    """Answers a token request. Raises JsonError, and Stale where the client has changed since it was read."""
    asking = caller.prove(issuer, parameters, authorization, address, "token")
    grant = parameters.get("grant_type")
    if not grant:
        raise JsonError("invalid_request", "grant_type is missing")
    if grant not in GRANTS:
        raise JsonError("unsupported_grant_type", f"grant_type is one of {', '.join(GRANTS)}")
    if grant not in asking.client.grant_types:
        raise caller.refusal(issuer, asking, "the client is not registered for this grant_type", "unauthorized_client")
    encrypting.check(asking.client)
    checks, answer = GRANTS[grant]
    for check in checks:
        check(parameters)
    jkt = dpop.of_client(issuer, asking.client, shown, needed=asking.client.needs_dpop)
    return answer(issuer, replace(asking, jkt=jkt), parameters)


def _refreshable(refresh_token: str) -> dict[str, Any]:
    return {
        "refresh_token": uuid7(),
        "refresh_hash": issued.hashed(refresh_token),
        "idle_seconds": min(settings.REFRESH_TOKEN_IDLE_SECONDS, settings.REFRESH_TOKEN_SECONDS),
        "refresh_seconds": settings.REFRESH_TOKEN_SECONDS,
    }


def _unsealed(sealed: bytes, code: str) -> dict[str, Any] | None:
    try:
        return sealing.unseal(sealed, code, "code")
    except (InvalidTag, ValueError):
        return None


def _refusal(issuer: IssuerConfig, asking: Caller, code_hash: bytes) -> Exception:
    """A replayed code ends what was issued for it, and that stays although the answer is an error."""
    if grants.revoke_replayed(issuer.tenant_id, code_hash, asking.client.relying_party_id):
        return JsonError("invalid_grant", "the code was used before; what was issued for it has been revoked")
    return caller.refusal(issuer, asking, "the code is not valid")


def _challenge(verifier: str) -> str:
    """No verifier goes with no challenge, and with no other code (RFC 9700 section 2.1.1)."""
    if not verifier:
        return ""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
