"""Families of scopes, one ScopeClaims class of django-oidc-provider's each: which claims they are, and where those come from."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from oidc_provider.lib.claims import ScopeClaims

from authflows.identity import Identity
from authflows.levels import Level
from authflows.requests import LOG_ON, LoginRequest

# What each scope gives, beside `sub`.
SCOPES: dict[str, tuple[str, ...]] = {
    "openid": (
        *("acr", "amr", "auth_time", "loa", "ial", "aal", "identity_type", "idp", "transaction_id", "core_transaction_id"),
        *("action", "reference_text", "psd2"),
    ),
    "profile": ("name", "given_name", "family_name", "birthdate", "name_protected"),
    "mitid": ("mitid_uuid", "mitid_age", "mitid_has_cpr", "mitid_authenticators"),
    "address": ("address",),
    "ssn": ("cpr", "cpr_status"),
    "business": ("cvr", "organisation_name", "employee_uuid", "rid", "production_unit", "can_represent", "company_signatory"),
    "nemid_pid": ("nemid_pid",),
    "risk": ("risk",),
    "offline_access": (),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at the end of a login. Only what was asked for and is allowed leaves it."""

    identity: Identity
    level: Level
    login_id: uuid.UUID
    core_session: uuid.UUID
    idp: str
    request: LoginRequest


class Family(ScopeClaims):  # type: ignore[misc]  # the package carries no types
    """Claims of some of our scopes: of what is known, those of these names."""

    def __init__(self, token: Any, facts: Facts, names: Collection[str]) -> None:
        # Not ScopeClaims.__init__: it copies a table of standard claims for a user, and there is none.
        self.user, self.client, self.scopes = None, token.client, token.scope
        self.userinfo: dict[str, Any] = {}
        self.facts, self.names = facts, names

    def known(self) -> dict[str, Any]:
        raise NotImplementedError

    def create_response_dic(self) -> dict[str, Any]:
        return {name: value for name, value in self.known().items() if name in self.names and value not in (None, "")}


class OpenidClaims(Family):
    """`acr`, `amr` and `auth_time` stand on the grant."""

    def known(self) -> dict[str, Any]:
        facts = self.facts
        return {
            "loa": facts.level.uri,
            "ial": facts.identity.ial.uri,
            "aal": facts.identity.aal.uri,
            "identity_type": "test" if facts.identity.simulated else facts.identity.kind,
            "idp": facts.idp,
            "transaction_id": str(facts.login_id),
            "core_transaction_id": str(facts.core_session),
            **_approved(facts),
        }


def _approved(facts: Facts) -> dict[str, Any]:
    """What the person was shown beyond a plain login. `psd2` is the core's word, where it was asked for."""
    request = facts.request
    said = bool(request.reference_text) or request.action != LOG_ON
    return {
        "action": request.action if said else None,
        "reference_text": request.reference_text,
        "psd2": True if request.psd2 and facts.identity.psd2 else None,
    }


class ProfileClaims(Family):
    """A name-protected person yields no name."""

    def known(self) -> dict[str, Any]:
        identity = self.facts.identity
        names = {} if identity.name_protected else _names(identity)
        return names | {"birthdate": identity.birthdate, "name_protected": identity.name_protected}


class MitidClaims(Family):
    def known(self) -> dict[str, Any]:
        identity = self.facts.identity
        return {
            "mitid_uuid": identity.national_id if identity.kind == "private" else None,
            "mitid_age": identity.age,
            "mitid_has_cpr": identity.has_cpr,
            "mitid_authenticators": list(identity.authenticators),
        }


class AgeClaims(Family):
    """`age_over_18` for the scope `age_over:18`; nothing where the age is not known."""

    def known(self) -> dict[str, Any]:
        age = self.facts.identity.age
        if age is None:
            return {}
        return {name: age >= int(name.removeprefix("age_over_")) for name in self.names if name.startswith("age_over_")}


class CprClaims(Family):
    """What became of the question for a CPR number, and the number where it was given."""

    def known(self) -> dict[str, Any]:
        return {"cpr": self.facts.identity.cpr, "cpr_status": self.facts.identity.cpr_status}


class BusinessClaims(Family):
    """Of the employment that was chosen; nothing of a private identity."""

    def known(self) -> dict[str, Any]:
        employment = self.facts.identity.employment
        return asdict(employment) if employment is not None else {}


class AddressClaims(Family):
    def known(self) -> dict[str, Any]:
        identity = self.facts.identity
        return {"address": None if identity.name_protected else identity.address}


class RiskClaims(Family):
    """What the connection says of this one login, each thing with its source."""

    def known(self) -> dict[str, Any]:
        return {"risk": self.facts.identity.risk}


class NemidClaims(Family):
    def known(self) -> dict[str, Any]:
        return {"nemid_pid": self.facts.identity.nemid_pid}


FAMILIES: tuple[type[Family], ...] = (
    OpenidClaims,
    ProfileClaims,
    MitidClaims,
    AgeClaims,
    CprClaims,
    BusinessClaims,
    AddressClaims,
    RiskClaims,
    NemidClaims,
)


def _names(identity: Identity) -> dict[str, Any]:
    return {"name": identity.name, "given_name": identity.given_name, "family_name": identity.family_name}
