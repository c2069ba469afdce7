"""Synthetic people for tests. Nobody of these exists; CPR-like numbers would be of the day+60 replacement series."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

SPACE = uuid.UUID("5f0c9a2e-6c0b-4a56-9d0e-4d5b5a1f6f10")


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    given_name: str
    family_name: str
    birthdate: date
    ending: str = "approved"  # what an automatic person does at once; "" for one who acts on a phone page
    level: str = ""  # the level reached; empty: the one asked for
    authenticators: tuple[str, ...] = ("code_app",)
    name_protected: bool = False

    def result(self, level_asked: str, today: date) -> dict[str, Any]:
        reached = self.level or level_asked
        had_birthday = (today.month, today.day) >= (self.birthdate.month, self.birthdate.day)
        return {
            "uuid": str(uuid.uuid5(SPACE, self.user_id)),
            "ial": reached if self.level else "high",
            "aal": reached,
            "authenticators": list(self.authenticators),
            "name": f"{self.given_name} {self.family_name}",
            "given_name": self.given_name,
            "family_name": self.family_name,
            "birthdate": self.birthdate.isoformat(),
            "age": today.year - self.birthdate.year - (not had_birthday),
            "has_cpr": True,
            "name_protected": self.name_protected,
            "simulated": True,
        }


PEOPLE: dict[str, Person] = {
    person.user_id: person
    for person in (
        Person("auto-approve", "Agnes", "Automatisk", date(1985, 4, 12)),
        Person("auto-approve-low", "Lasse", "Lavsikker", date(1991, 9, 3), level="low", authenticators=("password",)),
        Person("auto-approve-protected", "Sofie", "Skjult", date(1988, 3, 14), name_protected=True),
        Person("auto-reject", "Rikke", "Afviser", date(1979, 1, 30), ending="rejected"),
        Person("auto-cancel", "Carl", "Afbryder", date(1968, 7, 21), ending="core_cancelled"),
        Person("auto-timeout", "Tove", "Tøver", date(1955, 11, 5), ending="expired"),
        Person("auto-blocked", "Bent", "Spærret", date(2001, 2, 17), ending="blocked"),
        Person("freja", "Freja", "Lindholm", date(1994, 6, 8), ending=""),
        Person("karl", "Karl", "Brix", date(1961, 12, 24), ending=""),
    )
}
