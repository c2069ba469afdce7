"""Ways to authenticate, as combinations of factors, and the level that each gives (reference, domain facts 2.2). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from authflows.levels import Level
from authflows.upstream.simulator.people import Person

# MitID's own names of the factors, as they stand in its results.
NAMES = {
    "app": "code_app",
    "code_display": "code_token",
    "audio_reader": "code_reader",
    "password": "password",
    "chip": "u2f_token",
}


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    factors: tuple[str, ...]
    level: Level

    def level_of(self, person: Person) -> Level:
        """An app alone gives what it is enrolled for."""
        return person.app if self.name == "app" and person.app else self.level

    def after(self, factor: str) -> str | None:
        """The factor that follows, or None where it was the last."""
        rest = self.factors[self.factors.index(factor) + 1 :]
        return rest[0] if rest else None


# In the order in which they are offered.
METHODS = {
    method.name: method
    for method in (
        Method("app", ("app",), Level.SUBSTANTIAL),
        Method("code_display", ("code_display", "password"), Level.SUBSTANTIAL),
        Method("audio_reader", ("audio_reader", "password"), Level.SUBSTANTIAL),
        Method("password_chip", ("password", "chip"), Level.HIGH),
        Method("app_chip", ("app", "chip"), Level.HIGH),
        Method("password", ("password",), Level.LOW),
        Method("chip", ("chip",), Level.LOW),
    )
}


def offered(person: Person, minimum: Level) -> list[Method]:
    """Those that the person can use and that reach the level asked for; a chip beside another factor only where neither does alone."""
    found = [method for method in METHODS.values() if person.holds >= set(method.factors) and method.level_of(person) >= minimum]
    alone = {method.factors[0] for method in found if len(method.factors) == 1}
    return [method for method in found if len(method.factors) == 1 or "chip" not in method.factors or not alone & set(method.factors)]
