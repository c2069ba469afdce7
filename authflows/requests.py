"""What a relying party asks for, whatever protocol it speaks. Pure and frozen (decision 12)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from authflows.levels import Level

# Beside the request, where hints came with it.
SEALED_HINTS = "sealed_hints"


@dataclass(frozen=True, slots=True)
class Hints:
    """Who is expected to log in, as the relying party says; proves nothing. Kept sealed only (decision 13)."""

    cpr: str = field(default="", repr=False)
    mitid_uuid: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.cpr or self.mitid_uuid)


NO_HINTS = Hints()


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """`reply` belongs to the protocol that made the request: what it needs to answer; nobody else reads it."""

    protocol: str  # oidc
    level: Level
    language: str  # da | en
    reply: dict[str, Any] = field(default_factory=dict)
    purpose: str = "login"  # login | approve | sign
    force: bool = False
    passive: bool = False
    max_age: int | None = None  # seconds
    action: str = "log_on"
    reference_text: str = ""
    attributes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()  # asked for one by one, and allowed
    subject: str = ""  # the one person who may be answered with
    connection: str = ""  # id of the connection that will be asked; "" until the person has chosen one of `connections`
    connections: tuple[str, ...] = ()
    trial: bool = False
    hints: Hints = NO_HINTS

    def as_json(self) -> dict[str, Any]:
        """Without `hints`: whoever stores the rest seals them."""
        return {
            "protocol": self.protocol,
            "level": self.level.word,
            "language": self.language,
            "reply": self.reply,
            "purpose": self.purpose,
            "force": self.force,
            "passive": self.passive,
            "max_age": self.max_age,
            "action": self.action,
            "reference_text": self.reference_text,
            "attributes": list(self.attributes),
            "claims": list(self.claims),
            "subject": self.subject,
            "connection": self.connection,
            "trial": self.trial,
            "connections": list(self.connections),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LoginRequest:
        known = {name: value for name, value in data.items() if name != SEALED_HINTS}
        shapes = {"level": Level[data["level"].upper()], "attributes": tuple(data["attributes"]), "claims": tuple(data.get("claims", ()))}
        shapes["connections"] = tuple(data.get("connections", ()))
        return cls(**(known | shapes))
