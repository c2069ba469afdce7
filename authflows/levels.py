"""Assurance levels of NSIS, and when an identity is good enough. Pure (decision 11)."""

from __future__ import annotations

from enum import IntEnum

NSIS = "https://data.gov.dk/concept/core/nsis/"


class Level(IntEnum):
    LOW = 1
    SUBSTANTIAL = 2
    HIGH = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def uri(self) -> str:
        """The acr value, e.g. https://data.gov.dk/concept/core/nsis/Substantial."""
        return NSIS + self.name.capitalize()


# What nobody asked for is asked for here; brokers default to substantial (reference, domain facts 2.2).
DEFAULT = Level.SUBSTANTIAL


def parse(value: str) -> Level | None:
    """A level from its word, or from its NSIS URI; None for anything else."""
    word = value.removeprefix(NSIS).lower() if value.startswith(NSIS) else value
    return Level[word.upper()] if word in ("low", "substantial", "high") else None


def asked(acr_values: str) -> Level | None:
    """The lowest of the acr values that we know: any of them would satisfy the client (OpenID Connect Core 3.1.2.1)."""
    known = [level for level in map(parse, acr_values.split()) if level is not None]
    return min(known) if known else None


def required(asked_level: Level | None, minimum: Level | None) -> Level:
    """What this login must reach: as asked, never below the relying party's minimum."""
    return max(asked_level or minimum or DEFAULT, minimum or Level.LOW)


def loa(ial: Level, aal: Level, cap: Level) -> Level:
    """The level that may be asserted: never above what the operator is notified for."""
    return min(ial, aal, cap)


def accept(achieved: Level, needed: Level) -> bool:
    return achieved >= needed
