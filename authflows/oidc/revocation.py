"""A client gives a token back before its time (RFC 7009)."""

from __future__ import annotations

from authflows import tokens
from authflows.configuration import IssuerConfig
from authflows.errors import JsonError
from authflows.oidc import caller, issued
from authflows.oidc.parameters import Parameters


def revoke(issuer: IssuerConfig, parameters: Parameters, authorization: str, address: str) -> None:
    """Whether there was such a token is not told, and no hint is needed to find it. Raises JsonError, and Stale."""
    asking = caller.admit(issuer, parameters, authorization, address, "revoke")
    if "token" not in parameters:
        raise JsonError("invalid_request", "token is missing")
    question = {
        "hash": issued.hashed(parameters.get("token")),
        "issuer": issuer.id,
        "relying_party": asking.client.relying_party_id,
        "secret": asking.secret_id,
    }
    tokens.revoke(issuer.tenant_id, question)
