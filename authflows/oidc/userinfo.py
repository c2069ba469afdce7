"""The userinfo endpoint (OpenID Connect Core 5.3, RFC 6750)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from cryptography.exceptions import InvalidTag

from authflows import grants, keys, refresh_tokens, sealing
from authflows.configuration import Client, IssuerConfig, client_of
from authflows.errors import JsonError
from authflows.grants import LiveToken
from authflows.oidc import dpop, encrypting
from authflows.oidc.dialects.registry import DIALECTS
from authflows.oidc.dpop import Shown
from authflows.oidc.parameters import Parameters

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True)
class Opened:
    """A live access token in its holder's hands, and the claims that it opens."""

    client: Client
    live: LiveToken
    hash: bytes
    claims: dict[str, Any]


def answer(issuer: IssuerConfig, authorization: str, form: Parameters, shown: Shown) -> dict[str, Any] | str:
    """A JWT where the client is registered so."""
    opened = open_token(issuer, authorization, form, shown)
    client = opened.client
    told = DIALECTS[client.dialect].userinfo({"sub": opened.live.sub, **opened.claims}, opened.live.scope)
    return _as_jwt(issuer, client, told) if client.userinfo_alg or client.userinfo_encryption else told


def open_token(issuer: IssuerConfig, authorization: str, form: Parameters, shown: Shown) -> Opened:
    """The token comes in the header or in a form body, never in the query, never in both. Raises JsonError."""
    scheme, token = _presented(authorization, form)
    token_hash = hashlib.sha256(token.encode()).digest()
    live = grants.live_token(issuer.tenant_id, issuer.id, token_hash)
    client = client_of(issuer, live.relying_party_id) if live is not None else None
    # A token that is bound to a key is nobody's without it, and one that is not has no key to prove (RFC 9449 section 7.1 and 7.2).
    if live is None or client is None or (scheme == "dpop") != bool(live.jkt):
        raise _invalid("invalid_token", "the access token is not valid", 401, scheme)
    if live.jkt:
        _prove(issuer, client, live.jkt, replace(shown, access_token=token))
    if live.confirms is not None:
        refresh_tokens.confirm(issuer.tenant_id, live.confirms, token_hash)
    if "openid" not in live.scope.split():
        raise _invalid("insufficient_scope", "the access token is not for userinfo", 403, scheme)
    try:
        claims = sealing.unseal(bytes(live.sealed), token, "access-token") if live.sealed else {}
    except InvalidTag:
        raise _invalid("invalid_token", "the access token is not valid", 401, scheme) from None
    return Opened(client, live, token_hash, claims)


def _as_jwt(issuer: IssuerConfig, client: Client, told: dict[str, Any]) -> str:
    """OpenID Connect Core 5.3.2: signed says for whom it is; encrypted hides whichever form it has."""
    alg = client.userinfo_alg
    text = json.dumps(told, ensure_ascii=False)
    if alg:
        text = keys.sign(keys.signer(issuer.keys, alg), {**told, "iss": issuer.url, "aud": client.client_id}, alg=alg)
    return encrypting.encrypted(client, client.userinfo_encryption, text, cty="JWT" if alg else "") if client.userinfo_encryption else text


def _prove(issuer: IssuerConfig, client: Client, bound_to: str, shown: Shown) -> None:
    try:
        jkt = dpop.prove(issuer, shown, needs_nonce=client.fapi)
    except dpop.NotProven as problem:
        refusal = _invalid(problem.error, str(problem), 401, "dpop")
        refusal.headers["DPoP-Nonce"] = dpop.nonce(issuer)
        raise refusal from None
    if jkt != bound_to:
        raise _invalid("invalid_token", "the access token is bound to another key", 401, "dpop")


def _presented(authorization: str, form: Parameters) -> tuple[str, str]:
    """How it is presented, in lower case, and the token."""
    scheme, _, credentials = authorization.partition(" ")
    scheme = scheme.lower()
    in_header, in_form = scheme in ("bearer", "dpop"), "access_token" in form
    if (in_header and in_form) or "access_token" in form.repeated:
        raise _invalid("invalid_request", "the access token was sent more than once", 400)
    if not in_header and not in_form:
        raise JsonError("invalid_token", "an access token is needed", 401, {"WWW-Authenticate": 'Bearer realm="userinfo"'})
    token = credentials.strip() if in_header else form.get("access_token")
    if not TOKEN.fullmatch(token):
        raise _invalid("invalid_token", "the access token is not valid", 401, scheme)
    return (scheme if in_header else "bearer"), token


def _invalid(error: str, description: str, status: int, scheme: str = "bearer") -> JsonError:
    told = f'error="{error}", error_description="{description}"'
    bound = f'DPoP realm="userinfo", {told}, algs="{" ".join(dpop.ALGORITHMS)}"'
    challenge = bound if scheme == "dpop" else f'Bearer realm="userinfo", {told}'
    return JsonError(error, description, status, {"WWW-Authenticate": challenge})
