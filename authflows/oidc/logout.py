"""Who may end a session for somebody, and what its members are told (RP-Initiated Logout 1.0, Back-Channel Logout 1.0)."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any

from authflows import keys
from authflows.configuration import Client, IssuerConfig
from authflows.configuration import client as find_client
from authflows.models import Grant
from authflows.oidc import hints
from authflows.oidc.parameters import Parameters
from authflows.oidc.responses import located
from tenants.isolation import tenant_scope

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# Section 2.4 recommends two minutes at most.
TOKEN_SECONDS = 120
LONGEST_STATE = 4096


@dataclass(frozen=True, slots=True)
class Hint:
    """An id_token of ours, however old: the client that it was for, and the session as that client knows it."""

    client: Client
    sid: str


def hint(issuer: IssuerConfig, parameters: Parameters) -> Hint | None:
    """RP-Initiated Logout 1.0 section 2: None for everything that we did not sign for a client of this issuer."""
    claims = hints.shown(issuer, parameters.get("id_token_hint"))
    if claims is None or "events" in claims:
        return None
    audience, sid = claims.get("aud"), claims.get("sid")
    if not isinstance(audience, str) or not isinstance(sid, str):
        return None
    if parameters.get("client_id") not in ("", audience):
        return None
    client = find_client(issuer, audience)
    return Hint(client, sid) if client is not None else None


def return_address(client: Client, parameters: Parameters) -> str | None:
    """Where the client wants the browser back, with its `state`; "" where it says nothing, None where it is not registered."""
    wanted, state = parameters.get("post_logout_redirect_uri"), parameters.get("state")
    if not wanted:
        return ""
    if wanted not in client.post_logout_redirect_uris or len(state) > LONGEST_STATE:
        return None
    return located(wanted, {"state": state}) if state else wanted


@dataclass(frozen=True, slots=True)
class Member:
    issuer_id: uuid.UUID
    relying_party_id: uuid.UUID
    sub: str
    sid: str


def members(tenant_id: uuid.UUID, session_id: uuid.UUID) -> list[Member]:
    """Everybody who was given something within a session."""
    columns = ("issuer_id", "relying_party_id", "sub", "subject_id", "sid")
    with tenant_scope(tenant_id):
        rows = Grant.objects.of(tenant_id).filter(session_id=session_id).order_by(*columns).values_list(*columns).distinct()
        return [Member(issuer_id, party_id, sub or str(subject_id), sid) for issuer_id, party_id, sub, subject_id, sid in rows]


def logout_token(issuer: IssuerConfig, client: Client, member: Member) -> str:
    """Back-Channel Logout 1.0 section 2.4: never a nonce, so that it can never be taken for an id_token."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer.url,
        "sub": member.sub,
        "aud": client.client_id,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "jti": secrets.token_urlsafe(16),
        "events": {EVENT: {}},
        "sid": member.sid,
    }
    return keys.sign(keys.signer(issuer.keys, client.id_token_alg), claims, alg=client.id_token_alg, typ="logout+jwt")
