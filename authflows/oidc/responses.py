"""Authorization responses: back to the relying party at its proven redirect_uri, with `iss` in every one (RFC 9207)."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from authflows import keys
from authflows.configuration import IssuerConfig
from authflows.configuration import client as find_client
from authflows.errors import ENDINGS, RedirectError
from authflows.oidc.dialects.dialect import ASKED
from authflows.oidc.dialects.registry import DIALECTS
from authflows.requests import LoginRequest

# Modes whose answer is one signed JWT, and the mode that this travels by (JWT Secured Authorization Response Mode, section 2.3).
SIGNED = {"jwt": "query", "query.jwt": "query", "form_post.jwt": "form_post"}
MODES = ("query", "form_post", *SIGNED)
# Section 2.1 recommends ten minutes at most.
SIGNED_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    address: str
    fields: dict[str, str]
    mode: str
    client_id: str
    language: str

    @property
    def location(self) -> str:
        return located(self.address, self.fields)


def respond(issuer: IssuerConfig, request: LoginRequest, code: str) -> Answer:
    """What a completed login ends with."""
    return _answer(issuer, request, code=code)


def grant(request: LoginRequest, code: str) -> dict[str, Any]:
    """What the code will be redeemed against, as columns of the Grant."""
    return {
        "code_hash": hashlib.sha256(code.encode()).digest(),
        "redirect_uri": request.reply["redirect_uri"],
        "challenge": request.reply["challenge"],
        "nonce": request.reply["nonce"],
        "scope": request.reply["scope"],
        "sid": secrets.token_urlsafe(24),
        "jkt": request.reply.get("jkt", ""),
        **told_as(request),
    }


def told_as(request: LoginRequest) -> dict[str, str]:
    """How the client is told `sub`, where it is not the Subject's id as it is: whose old one, else in which form."""
    if "dialect" not in request.reply:
        return {}
    before, after = DIALECTS[request.reply["dialect"]].SUBJECT_FORM
    return {"scheme": request.reply["subjects"], "sub_before": before, "sub_after": after}


def asked(request: LoginRequest) -> dict[str, Any]:
    """What only a dialect tells the client again, of what it asked for: sealed with the claims."""
    if "dialect" not in request.reply:
        return {}
    return {ASKED: {"level": request.level.word, "reference_text": request.reference_text}}


def fail(issuer: IssuerConfig, request: LoginRequest, ending: str) -> Answer:
    """What a login without an identity ends with."""
    told = ENDINGS[ending]
    return _answer(issuer, request, error=told.error, error_description=told.description)


def refusal(request: LoginRequest, error: str, description: str) -> RedirectError:
    """What the relying party is told where no Login was made for its request."""
    reply = request.reply
    return RedirectError(error, description, reply["redirect_uri"], reply["state"], reply.get("response_mode", "query"), reply["client_id"])


def refuse(issuer: IssuerConfig, error: RedirectError, language: str) -> Answer:
    told = {"error": error.error, "error_description": error.description, "state": error.state, "iss": issuer.url}
    back = Answer(error.redirect_uri, _sent(told), error.response_mode, error.client_id, language)
    return _signed(issuer, back) if back.mode in SIGNED else back


def _answer(issuer: IssuerConfig, request: LoginRequest, **told: str) -> Answer:
    reply = request.reply
    fields = _sent(told | {"state": reply["state"], "iss": issuer.url})
    back = Answer(reply["redirect_uri"], fields, reply.get("response_mode", "query"), reply["client_id"], request.language)
    return _signed(issuer, back) if back.mode in SIGNED else back


def _signed(issuer: IssuerConfig, plain: Answer) -> Answer:
    """Everything that it says, errors too, as one JWT for its client (JARM section 2.1)."""
    client, now = find_client(issuer, plain.client_id), int(time.time())
    alg = (client.authorization_response_alg or client.id_token_alg) if client is not None else "ES256"
    claims = {"aud": plain.client_id, "iat": now, "exp": now + SIGNED_SECONDS, **plain.fields}
    return replace(plain, fields={"response": keys.sign(keys.signer(issuer.keys, alg), claims, alg=alg)}, mode=SIGNED[plain.mode])


def _sent(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def located(address: str, fields: Mapping[str, str]) -> str:
    """An address with fields added; its own query stays as it is (RFC 6749 section 3.1.2)."""
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
