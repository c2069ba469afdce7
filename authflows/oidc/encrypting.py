"""What a client wants to be told in a form that only it can read (OpenID Connect Core 10.2, Registration 1.0 section 2)."""

from __future__ import annotations

from authflows.configuration import Client
from authflows.errors import JsonError
from authflows.oidc import client_keys, jose
from authflows.oidc.jose import PublicKey


def check(client: Client) -> None:
    """Before anything is spent for an answer that could not be given. Raises JsonError."""
    if client.id_token_encryption:
        _recipient(client, client.id_token_encryption)


def encrypted(client: Client, alg: str, text: str, *, cty: str = "JWT") -> str:
    """Raises JsonError where the client has no key for it that can be had now."""
    return jose.encrypt(_recipient(client, alg), alg, text, cty=cty)


def _recipient(client: Client, alg: str) -> PublicKey:
    found = client_keys.recipient(client, alg)
    if found is None:
        raise JsonError("invalid_request", f"the client has no key for {alg} that can be had now")
    return found
