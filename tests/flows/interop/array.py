"""What real clients are driven through: rows of what discovery advertises, in which every two values meet that can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authflows.levels import NSIS


@dataclass(frozen=True)
class Row:
    """Fields are as a request or a registration has them, `acr` the last word of its URI; "" leaves a parameter out. `proof` is the
    algorithm of a client's own key, `alg` that of the id_token, `way` how the request goes to us, `mode` how the answer comes back,
    `claim` one that is asked for by itself.
    """

    client: str
    auth: str = "client_secret_basic"
    proof: str = ""
    alg: str = "ES256"
    metadata: str = "openid-configuration"
    way: str = "query"
    mode: str = "query"
    pkce: str = "S256"
    offline: bool = False
    access_token: str = "opaque"
    prompt: str = ""
    acr: str = ""
    locale: str = ""
    scope: str = "openid profile mitid"
    claim: str = ""

    @property
    def scopes(self) -> str:
        return self.scope + " offline_access" * self.offline

    @property
    def acr_values(self) -> str:
        return NSIS + self.acr if self.acr else ""

    @property
    def parameters(self) -> dict[str, str]:
        """Of the authorization request, beside what every client sends by itself."""
        wanted = {
            "response_mode": self.mode if self.mode != "query" else "",
            "acr_values": self.acr_values,
            "prompt": self.prompt,
            "ui_locales": self.locale,
            "claims": json.dumps({part: {self.claim: None} for part in ("id_token", "userinfo")}) if self.claim else "",
        }
        return {name: value for name, value in wanted.items() if value}


FACTORS: Mapping[str, tuple[Any, ...]] = {
    "client": ("openid-client", "oidc-client-ts", "Authlib"),
    "auth": ("client_secret_basic", "client_secret_post", "private_key_jwt", "none"),
    "proof": ("", "ES256", "RS256", "PS256"),
    "alg": ("ES256", "RS256", "PS256"),
    "metadata": ("openid-configuration", "oauth-authorization-server"),
    "way": ("query", "pushed", "signed"),
    "mode": ("query", "form_post"),
    "pkce": ("S256", "nonce_instead"),
    "offline": (False, True),
    "access_token": ("opaque", "jwt"),
    "prompt": ("", "none", "login", "consent", "select_account", "consent_revoke"),
    "acr": ("", "Low", "Substantial", "High"),
    "locale": ("", "da", "en"),
    "scope": ("openid", "openid profile", "openid mitid", "openid profile mitid"),
    "claim": ("", "birthdate"),
}


def possible(row: Row) -> bool:
    """What a client cannot do, or a registration does not allow."""
    can = {
        "openid-client": True,
        "oidc-client-ts": (row.auth, row.mode, row.way, row.metadata) == ("none", "query", "query", "openid-configuration"),
        "Authlib": row.proof in ("", "RS256") and row.way == "query",
    }
    registered = (row.auth == "private_key_jwt") == bool(row.proof) and (row.pkce == "S256" or row.auth != "none")
    return can[row.client] and registered and (row.way != "signed" or bool(row.proof))


# Found by `python -m tests.flows.interop.pairs`; that nothing is missing is tested.
ROWS = [
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="RS256",
        alg="PS256",
        metadata="oauth-authorization-server",
        way="pushed",
        pkce="nonce_instead",
        offline=True,
        access_token="jwt",
        prompt="none",
        acr="High",
        locale="en",
        scope="openid mitid",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        way="signed",
        mode="form_post",
        offline=True,
        access_token="jwt",
        prompt="consent_revoke",
        acr="Low",
    ),
    Row(
        "openid-client",
        auth="client_secret_post",
        metadata="oauth-authorization-server",
        pkce="nonce_instead",
        access_token="jwt",
        prompt="consent",
        scope="openid",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        alg="RS256",
        way="pushed",
        mode="form_post",
        pkce="nonce_instead",
        access_token="jwt",
        prompt="login",
        acr="Substantial",
        scope="openid",
    ),
    Row(
        "openid-client",
        alg="RS256",
        metadata="oauth-authorization-server",
        way="pushed",
        mode="form_post",
        pkce="nonce_instead",
        offline=True,
        prompt="select_account",
        locale="da",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        alg="PS256",
        metadata="oauth-authorization-server",
        way="signed",
        offline=True,
        acr="High",
        scope="openid profile",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="none",
        alg="RS256",
        metadata="oauth-authorization-server",
        way="pushed",
        mode="form_post",
        offline=True,
        prompt="consent_revoke",
        acr="High",
        locale="en",
        scope="openid",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        alg="RS256",
        metadata="oauth-authorization-server",
        way="pushed",
        mode="form_post",
        pkce="nonce_instead",
        prompt="consent",
        acr="Low",
        locale="en",
        scope="openid mitid",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        metadata="oauth-authorization-server",
        way="signed",
        pkce="nonce_instead",
        prompt="consent_revoke",
        locale="en",
        scope="openid mitid",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="RS256",
        alg="RS256",
        way="signed",
        access_token="jwt",
        prompt="select_account",
        acr="Low",
        locale="da",
        scope="openid",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="client_secret_post",
        alg="RS256",
        metadata="oauth-authorization-server",
        way="pushed",
        mode="form_post",
        offline=True,
        acr="Substantial",
        locale="en",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        metadata="oauth-authorization-server",
        way="pushed",
        offline=True,
        prompt="login",
        acr="High",
        scope="openid profile",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        metadata="oauth-authorization-server",
        way="pushed",
        pkce="nonce_instead",
        offline=True,
        access_token="jwt",
        acr="Substantial",
        locale="da",
        scope="openid",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        metadata="oauth-authorization-server",
        mode="form_post",
        pkce="nonce_instead",
        offline=True,
        access_token="jwt",
        prompt="select_account",
        acr="High",
        locale="en",
        scope="openid profile",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        alg="PS256",
        pkce="nonce_instead",
        offline=True,
        access_token="jwt",
        prompt="consent",
        acr="Low",
        scope="openid profile",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="client_secret_post",
        alg="RS256",
        way="pushed",
        offline=True,
        prompt="consent_revoke",
        acr="High",
        locale="da",
        scope="openid profile",
    ),
    Row("openid-client", auth="client_secret_post", way="pushed", offline=True, prompt="none", acr="Substantial", locale="en"),
    Row("openid-client", auth="private_key_jwt", proof="ES256", offline=True, acr="Low", locale="da", claim="birthdate"),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        alg="PS256",
        metadata="oauth-authorization-server",
        way="signed",
        mode="form_post",
        pkce="nonce_instead",
        offline=True,
        access_token="jwt",
        prompt="consent",
        acr="Substantial",
        scope="openid profile",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        alg="RS256",
        way="signed",
        pkce="nonce_instead",
        prompt="none",
        acr="Low",
        locale="en",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        way="signed",
        offline=True,
        access_token="jwt",
        prompt="select_account",
        acr="Low",
        locale="da",
        scope="openid mitid",
        claim="birthdate",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        alg="PS256",
        way="signed",
        mode="form_post",
        prompt="login",
        scope="openid mitid",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        alg="RS256",
        offline=True,
        access_token="jwt",
        prompt="none",
        scope="openid mitid",
        claim="birthdate",
    ),
    Row("openid-client", auth="private_key_jwt", proof="RS256", way="signed", mode="form_post", claim="birthdate"),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="RS256",
        metadata="oauth-authorization-server",
        way="signed",
        mode="form_post",
        pkce="nonce_instead",
        prompt="consent",
        acr="Low",
        scope="openid profile",
        claim="birthdate",
    ),
    Row("openid-client", auth="private_key_jwt", proof="RS256", way="signed", prompt="consent_revoke", scope="openid"),
    Row("openid-client", auth="private_key_jwt", proof="RS256", pkce="nonce_instead", prompt="login", locale="en", scope="openid mitid"),
    Row(
        "oidc-client-ts",
        auth="none",
        alg="PS256",
        access_token="jwt",
        prompt="select_account",
        acr="Substantial",
        locale="en",
        scope="openid mitid",
        claim="birthdate",
    ),
    Row("oidc-client-ts", auth="none", access_token="jwt", prompt="none", acr="Low", locale="da", scope="openid profile"),
    Row("oidc-client-ts", auth="none", alg="RS256", access_token="jwt", prompt="none", scope="openid mitid"),
    Row("oidc-client-ts", auth="none", alg="PS256", offline=True, acr="High", locale="en", scope="openid mitid", claim="birthdate"),
    Row("oidc-client-ts", auth="none", access_token="jwt", prompt="login", locale="en"),
    Row("oidc-client-ts", auth="none", offline=True, access_token="jwt", prompt="consent", acr="Substantial", locale="da", scope="openid"),
    Row(
        "oidc-client-ts",
        auth="none",
        access_token="jwt",
        prompt="consent_revoke",
        acr="High",
        locale="en",
        scope="openid mitid",
        claim="birthdate",
    ),
    Row("Authlib", alg="RS256", mode="form_post", access_token="jwt", locale="da", scope="openid profile", claim="birthdate"),
    Row(
        "Authlib",
        auth="client_secret_post",
        alg="PS256",
        metadata="oauth-authorization-server",
        offline=True,
        prompt="login",
        acr="Low",
        locale="da",
        scope="openid mitid",
    ),
    Row(
        "Authlib",
        auth="private_key_jwt",
        proof="RS256",
        mode="form_post",
        pkce="nonce_instead",
        prompt="none",
        acr="Substantial",
        locale="da",
        scope="openid profile",
        claim="birthdate",
    ),
    Row("Authlib", auth="none", alg="PS256", prompt="consent", acr="High", locale="da"),
    Row(
        "Authlib",
        alg="PS256",
        metadata="oauth-authorization-server",
        mode="form_post",
        offline=True,
        access_token="jwt",
        prompt="none",
        locale="en",
        scope="openid",
    ),
    Row("Authlib", alg="PS256", mode="form_post", access_token="jwt", prompt="consent_revoke", acr="Substantial", scope="openid mitid"),
    Row(
        "Authlib",
        auth="client_secret_post",
        metadata="oauth-authorization-server",
        offline=True,
        access_token="jwt",
        prompt="select_account",
        acr="Low",
        scope="openid profile",
        claim="birthdate",
    ),
]
