"""Authorization responses: back to the relying party at its proven redirect_uri, with `iss` in every one (RFC 9207)."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from authflows.configuration import IssuerConfig
from authflows.errors import ENDINGS, RedirectError
from authflows.requests import LoginRequest


def respond(issuer: IssuerConfig, request: LoginRequest, code: str) -> str:
    """The address that a completed login ends at."""
    return located(request.reply["redirect_uri"], {"code": code, "state": request.reply["state"], "iss": issuer.url})


def grant(request: LoginRequest, code: str) -> dict[str, Any]:
    """What the code will be redeemed against, as columns of the Grant."""
    return {
        "code_hash": hashlib.sha256(code.encode()).digest(),
        "redirect_uri": request.reply["redirect_uri"],
        "challenge": request.reply["challenge"],
        "nonce": request.reply["nonce"],
        "scope": request.reply["scope"],
        "sid": secrets.token_urlsafe(24),
    }


def fail(issuer: IssuerConfig, request: LoginRequest, ending: str) -> str:
    """The address that a login without an identity ends at."""
    told = ENDINGS[ending]
    return refuse(issuer, RedirectError(told.error, told.description, request.reply["redirect_uri"], request.reply["state"]))


def refusal(request: LoginRequest, error: str, description: str) -> RedirectError:
    """What the relying party is told where no Login was made for its request."""
    return RedirectError(error, description, request.reply["redirect_uri"], request.reply["state"])


def refuse(issuer: IssuerConfig, error: RedirectError) -> str:
    told = {"error": error.error, "error_description": error.description, "state": error.state, "iss": issuer.url}
    return located(error.redirect_uri, told)


def located(redirect_uri: str, parameters: dict[str, Any]) -> str:
    """Adds parameters to a registered address, whose own query stays as it is (RFC 6749 section 3.1.2)."""
    added = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items() if value is not None)
    parts = urlsplit(redirect_uri)
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
