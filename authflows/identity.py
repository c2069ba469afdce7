"""Who logged in, as an upstream vouches for it. Pure; lives in memory and in sealed form only (decision 13)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from authflows.levels import Level


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

    @property
    def mitid_uuid(self) -> str:
        """ "" of somebody whom an upstream knows by a name of its own only (upstream.oidc.answers)."""
        return "" if "#" in self.national_id else self.national_id

    def as_json(self) -> dict[str, Any]:
        # Not asdict: it copies in depth what is flat, and costs as much as a signature.
        return {each.name: getattr(self, each.name) for each in fields(self)} | {
            "ial": self.ial.word,
            "aal": self.aal.word,
            "authenticated_at": self.authenticated_at.isoformat(),
            "authenticators": list(self.authenticators),
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
