"""What real clients are driven through: rows of what discovery advertises, in which every two values meet that can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from authflows.levels import NSIS


@dataclass(frozen=True)
class Row:
    """Fields are as a request or a registration has them, `acr` the last word of its URI; "" leaves a parameter out."""

    client: str
    auth: str = "client_secret_basic"
    alg: str = "ES256"
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


FACTORS: Mapping[str, tuple[object, ...]] = {
    "client": ("openid-client", "Authlib"),
    "auth": ("client_secret_basic", "client_secret_post", "none"),
    "alg": ("ES256", "RS256", "PS256"),
    "offline": (False, True),
    "access_token": ("opaque", "jwt"),
    "prompt": ("", "login"),
    "acr": ("", "Low", "Substantial", "High"),
    "locale": ("", "da", "en"),
    "scope": ("openid", "openid profile", "openid mitid", "openid profile mitid"),
}


def possible(row: Row) -> bool:
    """What a client cannot do, or a registration does not allow."""
    return True


# Found by `python -m tests.flows.interop.pairs`; that nothing is missing is tested.
ROWS = [
    Row("openid-client", auth="client_secret_post", alg="PS256", offline=True, access_token="jwt", prompt="login", acr="High", locale="da"),
    Row("openid-client", access_token="jwt", prompt="login", acr="Low", locale="en", scope="openid profile"),
    Row("openid-client", auth="none", alg="RS256", offline=True, acr="Low"),
    Row("openid-client", auth="client_secret_post", prompt="login", acr="Substantial", locale="da", scope="openid"),
    Row("openid-client", access_token="jwt", prompt="login", locale="en"),
    Row("openid-client", auth="none", alg="PS256", offline=True, access_token="jwt", prompt="login", locale="da", scope="openid mitid"),
    Row("openid-client", auth="none", alg="RS256", offline=True, access_token="jwt", acr="High", locale="en", scope="openid profile"),
    Row("openid-client", offline=True, acr="High", scope="openid"),
    Row("Authlib", auth="none", alg="RS256", access_token="jwt", scope="openid"),
    Row("Authlib", auth="none", offline=True, access_token="jwt", acr="Substantial", locale="en", scope="openid mitid"),
    Row("Authlib", alg="PS256", offline=True, locale="da", scope="openid profile"),
    Row("Authlib", auth="client_secret_post", alg="RS256", prompt="login", acr="High", scope="openid mitid"),
    Row("Authlib", auth="client_secret_post", alg="PS256", acr="Low", locale="en", scope="openid"),
    Row("Authlib", alg="RS256", offline=True, prompt="login", acr="Low", locale="da", scope="openid mitid"),
    Row("Authlib", auth="client_secret_post", alg="PS256", offline=True, prompt="login", acr="Substantial", scope="openid profile"),
    Row("Authlib", alg="RS256", offline=True, access_token="jwt", prompt="login", acr="Substantial", locale="en"),
    Row("Authlib", auth="client_secret_post", alg="PS256", offline=True, prompt="login", locale="da", scope="openid"),
]
