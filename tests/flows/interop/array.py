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
    `dpop` the algorithm of proofs of possession, `claim` one that is asked for by itself, `userinfo` what userinfo is
    signed with, `encrypted` what the id_token, and userinfo where it is signed, are encrypted with.
    """

    client: str
    auth: str = "client_secret_basic"
    proof: str = ""
    alg: str = "ES256"
    metadata: str = "openid-configuration"
    way: str = "query"
    mode: str = "query"
    pkce: str = "S256"
    dpop: str = ""
    fapi: bool = False
    offline: bool = False
    access_token: str = "opaque"
    prompt: str = ""
    acr: str = ""
    locale: str = ""
    scope: str = "openid profile mitid"
    claim: str = ""
    encrypted: str = ""
    userinfo: str = ""

    @property
    def scopes(self) -> str:
        return self.scope + " offline_access" * self.offline

    @property
    def api(self) -> str:
        """The scope of our API for which the client asks a token of its own, where it can have one."""
        return "simulator_identities" if self.client == "openid-client" and self.auth != "none" and not self.dpop else ""

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
    "mode": ("query", "form_post", "jwt", "query.jwt", "form_post.jwt"),
    "pkce": ("S256", "nonce_instead"),
    "dpop": ("", "ES256", "PS256"),
    "fapi": (False, True),
    "offline": (False, True),
    "access_token": ("opaque", "jwt"),
    "prompt": ("", "none", "login", "consent", "select_account", "consent_revoke"),
    "acr": ("", "Low", "Substantial", "High"),
    "locale": ("", "da", "en"),
    "scope": ("openid", "openid profile", "openid mitid", "openid profile mitid"),
    "claim": ("", "birthdate"),
    "encrypted": ("", "RSA-OAEP-256", "ECDH-ES"),
    "userinfo": ("", "ES256", "RS256", "PS256"),
}


def possible(row: Row) -> bool:
    """What a client can do and a registration allows."""
    plain = (row.auth, row.mode, row.way, row.metadata) == ("none", "query", "query", "openid-configuration")
    unread = not row.encrypted and not row.userinfo
    can = {
        "openid-client": True,
        "oidc-client-ts": plain and unread and row.dpop in ("", "ES256"),
        "Authlib": row.proof in ("", "RS256") and row.way == "query" and not row.dpop and not row.mode.endswith("jwt"),
    }
    registered = (row.auth == "private_key_jwt") == bool(row.proof) and (row.pkce == "S256" or row.auth != "none")
    profile = (
        row.way == "pushed"
        and row.pkce == "S256"
        and bool(row.dpop)
        and "RS256" not in (row.proof, row.alg, row.userinfo)
        and bool(row.proof)
    )
    return can[row.client] and registered and (row.way != "signed" or bool(row.proof)) and (profile or not row.fapi)
