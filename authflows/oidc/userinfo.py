"""The userinfo endpoint (OpenID Connect Core 5.3, RFC 6750)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from cryptography.exceptions import InvalidTag

from authflows import grants, refresh_tokens, sealing
from authflows.configuration import IssuerConfig, client_of
from authflows.errors import JsonError
from authflows.oidc.dialects.registry import DIALECTS
from authflows.oidc.parameters import Parameters

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def answer(issuer: IssuerConfig, authorization: str, form: Parameters) -> dict[str, Any]:
    """The token comes in the header or in a form body, never in the query, never in both."""
    token = _presented(authorization, form)
    token_hash = hashlib.sha256(token.encode()).digest()
    live = grants.live_token(issuer.tenant_id, issuer.id, token_hash)
    if live is None:
        raise _invalid("invalid_token", "the access token is not valid", 401)
    if live.confirms is not None:
        refresh_tokens.confirm(issuer.tenant_id, live.confirms, token_hash)
    if "openid" not in live.scope.split():
        raise _invalid("insufficient_scope", "the access token is not for userinfo", 403)
    try:
        claims = sealing.unseal(bytes(live.sealed), token, "access-token") if live.sealed else {}
    except InvalidTag:
        raise _invalid("invalid_token", "the access token is not valid", 401) from None
    client = client_of(issuer, live.relying_party_id)
    if client is None:
        raise _invalid("invalid_token", "the access token is not valid", 401)
    return DIALECTS[client.dialect].userinfo({"sub": live.sub, **claims}, live.scope)


def _presented(authorization: str, form: Parameters) -> str:
    scheme, _, credentials = authorization.partition(" ")
    in_header, in_form = scheme.lower() == "bearer", "access_token" in form
    if (in_header and in_form) or "access_token" in form.repeated:
        raise _invalid("invalid_request", "the access token was sent more than once", 400)
    if not in_header and not in_form:
        raise JsonError("invalid_token", "an access token is needed", 401, {"WWW-Authenticate": 'Bearer realm="userinfo"'})
    token = credentials.strip() if in_header else form.get("access_token")
    if not TOKEN.fullmatch(token):
        raise _invalid("invalid_token", "the access token is not valid", 401)
    return token


def _invalid(error: str, description: str, status: int) -> JsonError:
    challenge = f'Bearer realm="userinfo", error="{error}", error_description="{description}"'
    return JsonError(error, description, status, {"WWW-Authenticate": challenge})
