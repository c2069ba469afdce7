"""What a client may be set to, beside its name and its addresses: one place for the registry, the login path and the command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from authflows.requests import ACTIONS


class UnknownSetting(ValueError):
    """The message names the setting and says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartySettings:
    """Whom a relying party meets and what it may learn, whatever protocol it speaks: columns of RelyingParty with the same names."""

    identities: str = "private"  # private, business or both
    cpr_basis: str = ""  # law: delivered where the connection delivers it; consent: the person types it, and it is matched
    cpr_optional: bool = False  # somebody without a CPR number, or who keeps it, comes in all the same
    cpr_business: bool = False  # the basis names business identities too
    risk_basis: str = ""  # the legal basis for risk data, in the tenant's own words

    @property
    def identity_kinds(self) -> tuple[str, ...]:
        return ("private", "business") if self.identities == "both" else (self.identities,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings(PartySettings):
    """What is not PartySettings is a column of ClientExt with the same name. Registrations and remembered clients have both."""

    application_type: str = "web"  # web, spa or native (OpenID Connect Registration 1.0 section 2)
    pkce: str = "required"  # or nonce_instead: a confidential client without a challenge must send a nonce
    par_required: bool = False  # RFC 9126 section 6
    request_object_required: bool = False  # RFC 9101 section 10.5
    fapi: bool = False  # FAPI 2.0 Security Profile
    dpop_required: bool = False  # RFC 9449 section 5.2
    access_token_format: str = "opaque"  # or jwt (RFC 9068)
    authorization_response_alg: str = ""  # of answers that are JWTs (JARM); "" as the id_token's
    id_token_encryption: str = ""  # or RSA-OAEP-256 or ECDH-ES (OpenID Connect Registration 1.0 section 2)
    userinfo_alg: str = ""  # "" is plain JSON
    userinfo_encryption: str = ""
    dialect: str = "native"  # whose names for parameters and claims
    subjects: str = "native"  # whose `sub`, where the person was imported with one
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    origins: tuple[str, ...] = ()  # of a public client's pages, for CORS
    audiences: tuple[str, ...] = ()  # client_ids of resource servers that its access tokens are for
    back_channel_logout_uri: str = ""
    action: str = "log_on"  # where a request names none
    reference_text: str = ""
    psd2: bool = False  # of every request, whatever it says

    @property
    def native(self) -> bool:
        return self.application_type == "native"

    @property
    def needs_par(self) -> bool:
        return self.par_required or self.fapi

    @property
    def needs_dpop(self) -> bool:
        return self.dpop_required or self.fapi


OF_PARTY = tuple(each.name for each in fields(PartySettings))
OF_CLIENT = tuple(each.name for each in fields(ClientSettings) if each.name not in OF_PARTY)


SIGNING = {alg: alg for alg in ("ES256", "RS256", "PS256")}
ENCRYPTION = {alg: alg for alg in ("RSA-OAEP-256", "ECDH-ES")}
# --setting key=value: the field, and each value that it may have. Parts that are not built yet stand in no table.
CHOICES: dict[str, tuple[str, dict[str, Any]]] = {
    "min_loa": ("minimum_level", {"low": "low", "substantial": "substantial", "high": "high"}),
    "application_type": ("application_type", {"web": "web", "spa": "spa", "native": "native"}),
    "request_object": ("request_object_required", {"required": True, "optional": False}),
    "par": ("par_required", {"required": True, "optional": False}),
    "dpop": ("dpop_required", {"required": True, "optional": False}),
    "fapi": ("fapi", {"on": True, "off": False}),
    "pkce": ("pkce", {"required": "required", "nonce_instead": "nonce_instead"}),
    "cpr_basis": ("cpr_basis", {"law": "law", "consent": "consent"}),
    "cpr_optional": ("cpr_optional", {"on": True, "off": False}),
    "cpr_business": ("cpr_business", {"on": True, "off": False}),
    "identities": ("identities", {"private": "private", "business": "business", "both": "both"}),
    "access_token": ("access_token_format", {"opaque": "opaque", "jwt": "jwt"}),
    "authorization_signed_response_alg": ("authorization_response_alg", SIGNING),
    "id_token_encrypted_response_alg": ("id_token_encryption", ENCRYPTION),
    "userinfo_signed_response_alg": ("userinfo_alg", SIGNING),
    "userinfo_encrypted_response_alg": ("userinfo_encryption", ENCRYPTION),
    "dialect": ("dialect", {name: name for name in ("native", "idura", "neb", "signicat")}),
    "subject_source": ("subjects", {name: name for name in ("native", "idura", "neb", "signicat", "nemid_pid")}),
    "action": ("action", {name: name for name in ACTIONS}),
    "psd2": ("psd2", {"required": True, "optional": False}),
}
TEXTS: dict[str, str] = {
    "jwks_uri": "jwks_uri",
    "sso_group": "sso_group",
    "risk_basis": "risk_basis",
    "back_channel_logout_uri": "back_channel_logout_uri",
    "reference_text": "reference_text",
}
LISTS: dict[str, str] = {
    "audience": "audiences",
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
