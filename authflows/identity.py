"""Who logged in, as an upstream vouches for it. Pure; lives in memory and in sealed form only (decision 13)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from authflows.levels import Level


@dataclass(frozen=True, slots=True)
class Employment:
    """One role that a person has at a company, as MitID Erhverv vouches for it."""

    employee_uuid: str
    cvr: str
    organisation_name: str
    rid: str = ""
    production_unit: str = ""  # P-number
    can_represent: bool = False
    company_signatory: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    national_id: str  # MitID's person UUID, or the employment's for business
    kind: str  # private | business
    ial: Level
    aal: Level
    authenticated_at: datetime
    authenticators: tuple[str, ...] = ()  # MitID's own names: code_app, password, ...
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    birthdate: str = ""  # YYYY-MM-DD
    age: int | None = None
    has_cpr: bool = False
    name_protected: bool = False
    simulated: bool = False
    psd2: bool = False  # the core kept to the rules for payment services
    cpr: str = field(default="", repr=False)  # ten digits, where the connection delivers it or the person gave it
    cpr_status: str = ""  # delivered | matched | remembered | none; "" until somebody has asked
    address: dict[str, str] | None = field(default=None, repr=False)  # members of OpenID Connect Core 5.1.1
    nemid_pid: str = ""
    risk: dict[str, dict[str, Any]] | None = field(default=None, repr=False)  # {"distance_km": {"value": 3, "source": "mitid"}, ...}
    employments: tuple[Employment, ...] = ()  # that may be chosen from
    employment: Employment | None = None  # that was chosen: kind is business

    def as_employee(self, employment: Employment, *, with_cpr: bool = False) -> Identity:
        """The other identity that this person has: what belongs to the private one stays behind, the CPR number too unless it is named."""
        return replace(
            self,
            kind="business",
            national_id=employment.employee_uuid,
            employment=employment,
            employments=(),
            cpr=self.cpr if with_cpr else "",
            has_cpr=self.has_cpr and with_cpr,
            address=None,
            nemid_pid="",
        )

    def kept(self) -> Identity:
        """What a session may keep: no CPR, and nothing of risk (decision 13)."""
        return replace(self, cpr="", cpr_status="", risk=None, employments=())

    def as_json(self) -> dict[str, Any]:
        # Not asdict: it copies in depth what is flat, and costs as much as a signature.
        return {each.name: getattr(self, each.name) for each in fields(self)} | {
            "ial": self.ial.word,
            "aal": self.aal.word,
            "authenticated_at": self.authenticated_at.isoformat(),
            "authenticators": list(self.authenticators),
            "employments": [asdict(each) for each in self.employments],
            "employment": asdict(self.employment) if self.employment else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Identity:
        return cls(
            **data
            | {
                "ial": Level[data["ial"].upper()],
                "aal": Level[data["aal"].upper()],
                "authenticated_at": datetime.fromisoformat(data["authenticated_at"]),
                "authenticators": tuple(data["authenticators"]),
                "employments": tuple(Employment(**each) for each in data.get("employments", ())),
                "employment": Employment(**data["employment"]) if data.get("employment") else None,
            }
        )


# RFC 8176 names for what MitID's authenticators prove.
AMR = {
    "password": ("pwd",),
    "code_app": ("hwk", "pin"),
    "code_token": ("otp",),
    "code_reader": ("otp",),
    "u2f_token": ("hwk",),
}


def methods(identity: Identity) -> list[str]:
    """`amr`: RFC 8176 values, and mfa where two kinds of factor were used (code_app is possession and knowledge)."""
    values = [value for name in identity.authenticators for value in AMR.get(name, ())]
    several = len(identity.authenticators) > 1 or "code_app" in identity.authenticators
    return list(dict.fromkeys([*values, *(["mfa"] if several else [])]))
