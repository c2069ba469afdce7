"""What a client may be set to, beside its name and its addresses: one place for the registry, the login path and the command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class UnknownSetting(ValueError):
    """The message names the setting and says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Every field is a column of ClientExt with the same name. Registrations and what a process remembers of a client have them too."""

    application_type: str = "web"  # web, spa or native (OpenID Connect Registration 1.0 section 2)
    pkce: str = "required"  # or nonce_instead: a confidential client without a challenge must send a nonce
    par_required: bool = False  # RFC 9126 section 6
    request_object_required: bool = False  # RFC 9101 section 10.5
    fapi: bool = False  # FAPI 2.0 Security Profile
    dpop_required: bool = False  # RFC 9449 section 5.2
    access_token_format: str = "opaque"  # or jwt (RFC 9068)
    dialect: str = "native"  # whose names for parameters and claims
    subjects: str = "native"  # whose `sub`, where the person was imported with one
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    origins: tuple[str, ...] = ()  # of a public client's pages, for CORS
    audiences: tuple[str, ...] = ()  # client_ids of resource servers that its access tokens are for
    back_channel_logout_uri: str = ""

    @property
    def native(self) -> bool:
        return self.application_type == "native"

    @property
    def needs_par(self) -> bool:
        return self.par_required or self.fapi

    @property
    def needs_dpop(self) -> bool:
        return self.dpop_required or self.fapi


# --setting key=value: the field, and each value that it may have. Parts that are not built yet stand in no table.
CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    "min_loa": ("minimum_level", {"low": "low", "substantial": "substantial", "high": "high"}),
    "application_type": ("application_type", {"web": "web", "spa": "spa", "native": "native"}),
    "request_object": ("request_object_required", {"required": True, "optional": False}),
    "par": ("par_required", {"required": True, "optional": False}),
    "dpop": ("dpop_required", {"required": True, "optional": False}),
    "fapi": ("fapi", {"on": True, "off": False}),
    "pkce": ("pkce", {"required": "required", "nonce_instead": "nonce_instead"}),
    "access_token": ("access_token_format", {"opaque": "opaque", "jwt": "jwt"}),
    "dialect": ("dialect", {name: name for name in ("native", "idura", "neb", "signicat")}),
    "subject_source": ("subjects", {name: name for name in ("native", "idura", "neb", "signicat", "nemid_pid")}),
}
TEXTS: dict[str, str] = {
    "jwks_uri": "jwks_uri",
    "sso_group": "sso_group",
    "back_channel_logout_uri": "back_channel_logout_uri",
}
LISTS: dict[str, str] = {
    "audience": "audiences",
    "method": "methods",
    "origin": "origins",
    "post_logout_redirect_uri": "post_logout_redirect_uris",
}


def parse(pairs: Iterable[str]) -> dict[str, Any]:
    """`key=value` pairs as fields of a Registration. Raises UnknownSetting: nothing is accepted and ignored."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UnknownSetting(f"--setting {pair}: expected key=value")
        if key in LISTS:
            found[LISTS[key]] = (*found.get(LISTS[key], ()), value)
        elif key in TEXTS:
            found[TEXTS[key]] = value
        elif value in CHOICES.get(key, ("", {}))[1]:
            field, values = CHOICES[key]
            found[field] = values[value]
        else:
            raise UnknownSetting(f"--setting {pair}: not available yet")
    return found
