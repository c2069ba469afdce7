"""What real clients are driven through: rows of what discovery advertises, in which every two values meet that can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authflows.levels import NSIS


@dataclass(frozen=True)
class Row:
    """Fields are as a request or a registration has them, `acr` the last word of its URI; "" leaves a parameter out. `proof` is the
    algorithm of a client's own key, `alg` that of the id_token, `way` how the request goes to us.
    """

    client: str
    auth: str = "client_secret_basic"
    proof: str = ""
    alg: str = "ES256"
    way: str = "query"
    offline: bool = False
    access_token: str = "opaque"
    prompt: str = ""
    acr: str = ""
    locale: str = ""
    scope: str = "openid profile mitid"

    @property
    def scopes(self) -> str:
        return self.scope + " offline_access" * self.offline

    @property
    def acr_values(self) -> str:
        return NSIS + self.acr if self.acr else ""

    @property
    def parameters(self) -> dict[str, str]:
        """Of the authorization request, beside what every client sends by itself."""
        wanted = {"acr_values": self.acr_values, "prompt": self.prompt, "ui_locales": self.locale}
        return {name: value for name, value in wanted.items() if value}


FACTORS: Mapping[str, tuple[Any, ...]] = {
    "client": ("openid-client", "oidc-client-ts", "Authlib"),
    "auth": ("client_secret_basic", "client_secret_post", "private_key_jwt", "none"),
    "proof": ("", "ES256", "RS256", "PS256"),
    "alg": ("ES256", "RS256", "PS256"),
    "way": ("query", "pushed"),
    "offline": (False, True),
    "access_token": ("opaque", "jwt"),
    "prompt": ("", "login"),
    "acr": ("", "Low", "Substantial", "High"),
    "locale": ("", "da", "en"),
    "scope": ("openid", "openid profile", "openid mitid", "openid profile mitid"),
}


def possible(row: Row) -> bool:
    """What a client cannot do, or a registration does not allow."""
    if row.client == "oidc-client-ts" and row.auth != "none":
        return False
    if (row.auth == "private_key_jwt") != bool(row.proof) or (row.client == "Authlib" and row.proof not in ("", "RS256")):
        return False
    return row.way == "query" or row.client == "openid-client"


# Found by `python -m tests.flows.interop.pairs`; that nothing is missing is tested.
ROWS = [
    Row("openid-client", alg="RS256", offline=True, access_token="jwt", locale="en", scope="openid profile"),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        alg="PS256",
        way="pushed",
        offline=True,
        access_token="jwt",
        prompt="login",
        acr="Low",
        locale="da",
        scope="openid",
    ),
    Row("openid-client", auth="private_key_jwt", proof="ES256", alg="RS256", way="pushed", scope="openid mitid"),
    Row("openid-client", auth="none", way="pushed", offline=True, acr="Low"),
    Row("openid-client", auth="private_key_jwt", proof="RS256", way="pushed", acr="Substantial", locale="en", scope="openid profile"),
    Row("openid-client", auth="client_secret_post", way="pushed", prompt="login", locale="da"),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        alg="PS256",
        way="pushed",
        offline=True,
        access_token="jwt",
        prompt="login",
        acr="High",
        locale="da",
        scope="openid profile",
    ),
    Row("openid-client", auth="private_key_jwt", proof="PS256", alg="RS256", acr="High", locale="en", scope="openid mitid"),
    Row("openid-client", alg="PS256", way="pushed", offline=True, access_token="jwt", acr="Substantial"),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        offline=True,
        access_token="jwt",
        acr="Substantial",
        locale="da",
        scope="openid",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="ES256",
        alg="RS256",
        way="pushed",
        access_token="jwt",
        prompt="login",
        acr="Low",
        locale="en",
    ),
    Row("openid-client", auth="private_key_jwt", proof="PS256", way="pushed", access_token="jwt", scope="openid profile"),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="PS256",
        alg="PS256",
        way="pushed",
        access_token="jwt",
        acr="Substantial",
        locale="en",
    ),
    Row(
        "openid-client",
        auth="private_key_jwt",
        proof="RS256",
        alg="RS256",
        offline=True,
        access_token="jwt",
        prompt="login",
        acr="Substantial",
        scope="openid",
    ),
    Row(
        "oidc-client-ts", auth="none", alg="PS256", access_token="jwt", prompt="login", acr="Substantial", locale="da", scope="openid mitid"
    ),
    Row("oidc-client-ts", auth="none", alg="RS256", offline=True, scope="openid"),
    Row("oidc-client-ts", auth="none", alg="RS256", offline=True, access_token="jwt", prompt="login", acr="Substantial", locale="en"),
    Row("oidc-client-ts", auth="none", offline=True, prompt="login", acr="High", locale="da", scope="openid profile"),
    Row("oidc-client-ts", auth="none", alg="PS256", acr="Low", scope="openid mitid"),
    Row("Authlib", auth="private_key_jwt", proof="RS256", access_token="jwt", prompt="login", acr="High"),
    Row("Authlib", auth="client_secret_post", alg="PS256", offline=True, acr="High", locale="en", scope="openid"),
    Row("Authlib", alg="RS256", prompt="login", acr="Low", locale="da", scope="openid"),
    Row("Authlib", auth="private_key_jwt", proof="RS256", offline=True, prompt="login", acr="Low", locale="en", scope="openid mitid"),
    Row("Authlib", auth="client_secret_post", alg="RS256", offline=True, access_token="jwt", acr="Low", scope="openid profile"),
    Row("Authlib", auth="private_key_jwt", proof="RS256", alg="PS256", locale="da", scope="openid profile"),
    Row("Authlib", access_token="jwt", acr="High", locale="da", scope="openid mitid"),
    Row("Authlib", auth="client_secret_post", offline=True, acr="Substantial", locale="da", scope="openid mitid"),
    Row("Authlib", auth="none", access_token="jwt", prompt="login", acr="Low", locale="da", scope="openid profile"),
]
