"""What the provider says of itself (OpenID Connect Discovery 1.0): nothing that it cannot do, all that it can."""

from __future__ import annotations

from typing import Any

from authflows import keys, login
from authflows.configuration import IssuerConfig
from authflows.keys import LoadedKey
from authflows.levels import Level
from authflows.oidc import apis, dpop, jose
from authflows.oidc.authorize import PROMPTS
from authflows.oidc.claims import ADVERTISED, extra_scopes, supported
from authflows.oidc.responses import MODES
from authflows.oidc.token import GRANTS
from authflows.pages import WHOLE_LANGUAGES

CONFIDENTIAL = ["client_secret_basic", "client_secret_post", "private_key_jwt"]


def metadata(issuer: IssuerConfig) -> dict[str, Any]:
    families = {"ES256": ["ES256"], "RS256": ["RS256", "PS256"]}
    active = {key.alg for key in issuer.keys if key.state == "active"}
    signing = [alg for family in families if family in active for alg in families[family]]
    return {
        "issuer": issuer.url,
        "authorization_endpoint": f"{issuer.url}/authorize",
        "pushed_authorization_request_endpoint": f"{issuer.url}/par",
        "token_endpoint": f"{issuer.url}/token",
        "userinfo_endpoint": f"{issuer.url}/userinfo",
        "introspection_endpoint": f"{issuer.url}/introspect",
        "revocation_endpoint": f"{issuer.url}/revoke",
        "jwks_uri": f"{issuer.url}/jwks",
        "end_session_endpoint": f"{issuer.url}/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": list(MODES),
        "grant_types_supported": list(GRANTS),
        "subject_types_supported": ["public"],
        **{f"{what}_signing_alg_values_supported": signing for what in ("authorization", "id_token", "userinfo")},
        **{f"{what}_encryption_alg_values_supported": list(jose.ENCRYPTION) for what in ("id_token", "userinfo")},
        **{f"{what}_encryption_enc_values_supported": [jose.CONTENT_ENCRYPTION] for what in ("id_token", "userinfo")},
        "token_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        "introspection_endpoint_auth_methods_supported": CONFIDENTIAL,
        "revocation_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        **{
            f"{name}_endpoint_auth_signing_alg_values_supported": list(jose.ALGORITHMS) for name in ("token", "introspection", "revocation")
        },
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": [*ADVERTISED, *extra_scopes(), *sorted(apis.SCOPES)],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "sid", *supported()],
        "acr_values_supported": [level.uri for level in Level if level <= _reachable(issuer)],
        "ui_locales_supported": list(WHOLE_LANGUAGES),
        "prompt_values_supported": list(PROMPTS),
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(jose.ALGORITHMS),
        **(_encryption() if _encrypted_for(issuer) else {}),
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def _encryption() -> dict[str, list[str]]:
    return {
        "request_object_encryption_alg_values_supported": [keys.ENCRYPTION],
        "request_object_encryption_enc_values_supported": [keys.CONTENT_ENCRYPTION],
    }


def _reachable(issuer: IssuerConfig) -> Level:
    return max((login.reachable(upstream) for upstream in issuer.upstreams), default=Level.LOW)


def jwks(issuer: IssuerConfig) -> dict[str, Any]:
    """Every key that a signature may be of, and the one to encrypt for now: those before and after it open what comes all the same."""
    return {"keys": [key.public for key in (*issuer.keys, *_encrypted_for(issuer))]}


def _encrypted_for(issuer: IssuerConfig) -> list[LoadedKey]:
    return [key for key in issuer.decryption_keys if key.state == "active"]
