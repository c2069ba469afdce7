"""What a relying party asks for, whatever protocol it speaks. Pure and frozen (decision 12)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from authflows.levels import Level

# What a person is asked to do, as the box says it; the first where nobody said (UX scheme principle 9).
ACTIONS = ("log_on", "approve", "confirm", "accept", "sign")
LOG_ON = ACTIONS[0]
TEXT_LENGTH = 130  # characters of a reference text, composed (NFC)

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


def text_problem(text: str, forbidden: str) -> str:
    """Which rule a reference text breaks, or "". `forbidden`: characters that this installation refuses besides."""
    if len(unicodedata.normalize("NFC", text)) > TEXT_LENGTH:
        return f"longer than {TEXT_LENGTH} characters"
    # Also line and paragraph separators, and what turns the direction of text around.
    if any(unicodedata.category(character)[0] == "C" or character in "\u2028\u2029" for character in text):
        return "contains a control character"
    if found := next((character for character in text if character in forbidden), ""):
        return f"contains {found}, which is not allowed here"
    return ""


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """`reply` belongs to the protocol that made the request: what it needs to answer; nobody else reads it."""

    protocol: str  # oidc
    level: Level
    language: str  # of pages.LANGUAGES
    reply: dict[str, Any] = field(default_factory=dict)
    purpose: str = "login"  # login | approve | sign
    force: bool = False
    passive: bool = False
    max_age: int | None = None  # seconds
    action: str = LOG_ON
    reference_text: str = ""  # as it was sent; gone from the row when the login ends
    psd2: bool = False
    attributes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()  # asked for one by one, and allowed
    subject: str = ""  # the one person who may be answered with
    connection: str = ""  # id of the connection that will be asked
    trial: bool = False
    forget_cpr: bool = False  # the person withdraws what they consented to
    identities: tuple[str, ...] = ()  # kinds of identity that are wanted; none: whatever the relying party meets
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
            "psd2": self.psd2,
            "attributes": list(self.attributes),
            "claims": list(self.claims),
            "subject": self.subject,
            "connection": self.connection,
            "trial": self.trial,
            "forget_cpr": self.forget_cpr,
            "identities": list(self.identities),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LoginRequest:
        known = {name: value for name, value in data.items() if name != SEALED_HINTS}
        shapes = {"level": Level[data["level"].upper()], "attributes": tuple(data["attributes"]), "claims": tuple(data.get("claims", ()))}
        shapes["identities"] = tuple(data.get("identities", ()))
        return cls(**(known | shapes))
