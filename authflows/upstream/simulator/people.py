"""Synthetic people for tests. Nobody of these exists; CPR-like numbers would be of the day+60 replacement series."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from authflows.levels import Level

SPACE = uuid.UUID("5f0c9a2e-6c0b-4a56-9d0e-4d5b5a1f6f10")


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    given_name: str
    family_name: str
    birthdate: date
    ending: str = ""  # what an automatic person does at once; "" for one who takes the steps
    automatic_level: Level | None = None  # what an automatic person reaches; None: what is asked for
    holds: frozenset[str] = frozenset()  # factors, as methods names them
    app: Level | None = None  # what the app is enrolled for
    ial: Level = Level.HIGH
    name_protected: bool = False

    def result(self, level: Level, factors: list[str], today: date) -> dict[str, Any]:
        """What the core says of the person who has authenticated at this level with these factors, in MitID's names."""
        had_birthday = (today.month, today.day) >= (self.birthdate.month, self.birthdate.day)
        return {
            "uuid": str(uuid.uuid5(SPACE, self.user_id)),
            "ial": min(self.ial, self.automatic_level or self.ial).word,
            "aal": level.word,
            "authenticators": factors,
            "name": f"{self.given_name} {self.family_name}",
            "given_name": self.given_name,
            "family_name": self.family_name,
            "birthdate": self.birthdate.isoformat(),
            "age": today.year - self.birthdate.year - (not had_birthday),
            "has_cpr": True,
            "name_protected": self.name_protected,
            "simulated": True,
        }


ALL = frozenset(("app", "code_display", "audio_reader", "password"))
PEOPLE: dict[str, Person] = {
    person.user_id: person
    for person in (
        Person("auto-approve", "Agnes", "Automatisk", date(1985, 4, 12), ending="approved"),
        Person("auto-approve-low", "Lasse", "Lavsikker", date(1991, 9, 3), ending="approved", automatic_level=Level.LOW),
        Person("auto-approve-protected", "Sofie", "Skjult", date(1988, 3, 14), ending="approved", name_protected=True),
        Person("auto-reject", "Rikke", "Afviser", date(1979, 1, 30), ending="rejected"),
        Person("auto-cancel", "Carl", "Afbryder", date(1968, 7, 21), ending="core_cancelled"),
        Person("auto-timeout", "Tove", "Tøver", date(1955, 11, 5), ending="expired"),
        Person("auto-blocked", "Bent", "Spærret", date(2001, 2, 17), ending="blocked"),
        Person("freja", "Freja", "Lindholm", date(1994, 6, 8), holds=ALL, app=Level.HIGH),
        Person("karl", "Karl", "Brix", date(1961, 12, 24), holds=ALL, app=Level.SUBSTANTIAL),
        Person("gerda", "Gerda", "Grøn", date(1947, 3, 30), holds=frozenset(("password",))),
        Person("villads", "Villads", "Nyholm", date(2005, 10, 19), holds=frozenset(("app",)), app=Level.LOW),
    )
}
