"""What the provider says of itself (OpenID Connect Discovery 1.0): nothing that it cannot do, all that it can."""

from __future__ import annotations

from typing import Any

from authflows.configuration import IssuerConfig
from authflows.levels import Level
from authflows.oidc.authorize import LANGUAGES
from authflows.oidc.claims import SCOPES, SUPPORTED


def metadata(issuer: IssuerConfig) -> dict[str, Any]:
    algorithms = {"ES256": ["ES256"], "RS256": ["RS256", "PS256"]}
    active = {key.alg for key in issuer.keys if key.state == "active"}
    return {
        "issuer": issuer.url,
        "authorization_endpoint": f"{issuer.url}/authorize",
        "token_endpoint": f"{issuer.url}/token",
        "userinfo_endpoint": f"{issuer.url}/userinfo",
        "jwks_uri": f"{issuer.url}/jwks",
        "end_session_endpoint": f"{issuer.url}/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [alg for family in algorithms if family in active for alg in algorithms[family]],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(SCOPES),
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "sid", *SUPPORTED],
        "acr_values_supported": [level.uri for level in Level],
        "ui_locales_supported": list(LANGUAGES),
        "prompt_values_supported": ["none", "login"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def jwks(issuer: IssuerConfig) -> dict[str, Any]:
    return {"keys": [key.public for key in issuer.keys]}
