"""What a client's switches ask of each other: pages without secrets, keys that can be had, and what FAPI 2.0 fixes."""

from __future__ import annotations

from authflows.client_settings import ClientSettings
from authflows.oidc import jose
from tenants import outbound

PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "k")


def problem(wanted: ClientSettings, *, auth_method: str, id_token_alg: str, loopback: bool) -> str:
    """Why this cannot be registered, or "". `loopback`: whether addresses of this machine may be called."""
    if wanted.application_type == "spa" and auth_method != "none":
        return "application type spa: for auth method none only, since a page keeps no secret"
    if wanted.pkce != "required" and (auth_method == "none" or wanted.fapi):
        return "pkce nonce_instead: never for public clients, nor for FAPI clients"
    return (
        _keys(wanted)
        or _address(wanted.jwks_uri, loopback)
        or _needs_keys(wanted, auth_method)
        or _needs_recipient(wanted)
        or (_fapi(wanted, auth_method, id_token_alg) if wanted.fapi else "")
    )


def _keys(wanted: ClientSettings) -> str:
    if wanted.jwks is None:
        return ""
    if wanted.jwks_uri:
        return "jwks: either the keys or their address, not both"
    try:
        jose.key_set(wanted.jwks)
    except jose.UnusableKeys as reason:
        return f"jwks: {reason}"
    if any(isinstance(key, dict) and any(name in key for name in PRIVATE) for key in wanted.jwks["keys"]):
        return "jwks: holds a private key; send the public part only, and make a new pair"
    return ""


def _address(uri: str, loopback: bool) -> str:
    try:
        if uri:
            outbound.check(uri, loopback=loopback)
    except outbound.Refused as reason:
        return f"jwks_uri: {reason}"
    return ""


def _needs_keys(wanted: ClientSettings, auth_method: str) -> str:
    what = (
        "auth method private_key_jwt" if auth_method == "private_key_jwt" else "signed requests" if wanted.request_object_required else ""
    )
    if what and wanted.jwks is None and not wanted.jwks_uri:
        return f"{what}: needs the client's public keys (jwks) or their address (jwks_uri)"
    if what and wanted.jwks is not None and not jose.key_set(wanted.jwks):
        return f"{what}: jwks has no key that verifies ES256, PS256 or RS256"
    return ""


def _needs_recipient(wanted: ClientSettings) -> str:
    for what, alg in (("id_token", wanted.id_token_encryption), ("userinfo", wanted.userinfo_encryption)):
        if alg and wanted.jwks is None and not wanted.jwks_uri:
            return f"{what} encryption: needs the client's public keys (jwks) or their address (jwks_uri)"
        if alg and wanted.jwks is not None and not any(key.serves(alg) for key in jose.recipients(wanted.jwks)):
            return f"{what} encryption: jwks has no key for {alg} (use enc; P-256, or RSA of 2048 bits or more)"
    return ""


def _fapi(wanted: ClientSettings, auth_method: str, id_token_alg: str) -> str:
    if auth_method != "private_key_jwt":
        return "fapi: needs auth method private_key_jwt"
    if id_token_alg not in jose.FAPI_ALGORITHMS:
        return f"fapi: id_token algorithm {' or '.join(jose.FAPI_ALGORITHMS)}"
    if {wanted.authorization_response_alg, wanted.userinfo_alg} - {"", *jose.FAPI_ALGORITHMS}:
        return f"fapi: whatever we sign, by {' or '.join(jose.FAPI_ALGORITHMS)}"
    return ""
