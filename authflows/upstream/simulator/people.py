"""Synthetic people for tests. Nobody of these exists; CPR-like numbers would be of the day+60 replacement series."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from authflows.identity import Employment
from authflows.levels import Level

SPACE = uuid.UUID("5f0c9a2e-6c0b-4a56-9d0e-4d5b5a1f6f10")


@dataclass(frozen=True, slots=True)
class Address:
    street: str
    postal_code: str
    city: str

    def told(self) -> dict[str, str]:
        """Members of OpenID Connect Core 5.1.1."""
        formatted = f"{self.street}\n{self.postal_code} {self.city}"
        return {
            "formatted": formatted,
            "street_address": self.street,
            "postal_code": self.postal_code,
            "locality": self.city,
            "country": "DK",
        }


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
    cpr: str = ""  # of the replacement series; "" for somebody who has none
    address: Address | None = None
    employments: tuple[Employment, ...] = ()
    nemid_pid: str = ""

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
            "has_cpr": bool(self.cpr),
            "name_protected": self.name_protected,
            "simulated": True,
            "cpr": self.cpr,
            "address": self.address.told() if self.address and not self.name_protected else None,
            "nemid_pid": self.nemid_pid,
            "risk": RISK,
            "employments": [asdict(each) for each in self.employments],
        }


# Somebody at home, as always; addresses of RFC 5737.
RISK = {
    "distance_km": {"value": 3, "source": "mitid"},
    "device": {"value": "phone", "source": "mitid"},
    "ip_address": {"value": "192.0.2.17", "source": "mitid"},
}


def told_to(asked: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    """Of what is known of a person, what this request may be told: no CPR number to the private sector, no roles unasked."""
    withheld = {"cpr"} if asked["sector"] != "public" else set()
    withheld |= {"employments"} if "business" not in asked["identities"] else set()
    return {name: value for name, value in person.items() if name not in withheld}


def employee(name: str, cvr: str, organisation: str, rid: str, **more: Any) -> Employment:
    """`name` tells one role from another; the uuid that it has is always the same."""
    return Employment(str(uuid.uuid5(SPACE, f"{name}@{cvr}")), cvr, organisation, rid, **more)


ALL = frozenset(("app", "code_display", "audio_reader", "password"))
BAKERY, HARBOUR = ("13748136", "Lindholm Brød ApS"), ("25313763", "Havnens Skibsværft A/S")
PEOPLE: dict[str, Person] = {
    person.user_id: person
    for person in (
        Person(
            "auto-approve",
            "Agnes",
            "Automatisk",
            date(1985, 4, 12),
            ending="approved",
            cpr="7204859998",
            address=Address("Skovvej 12, 1. th.", "8000", "Aarhus C"),
            nemid_pid="9208-2002-2-100000000001",
        ),
        Person(
            "auto-approve-low",
            "Lasse",
            "Lavsikker",
            date(1991, 9, 3),
            ending="approved",
            automatic_level=Level.LOW,
            cpr="6309919997",
            address=Address("Engdraget 4", "5000", "Odense C"),
        ),
        Person(
            "auto-approve-protected",
            "Sofie",
            "Skjult",
            date(1988, 3, 14),
            ending="approved",
            name_protected=True,
            cpr="7403889994",
            address=Address("Hemmelig 1", "9000", "Aalborg"),
        ),
        Person("auto-approve-no-cpr", "Noor", "Tilflytter", date(1993, 5, 26), ending="approved"),
        Person(
            "auto-approve-business",
            "Erik",
            "Erhverv",
            date(1976, 8, 9),
            ending="approved",
            cpr="6908769995",
            employments=(employee("erik", *BAKERY, "98023728", production_unit="1099456789", can_represent=True),),
        ),
        Person(
            "auto-approve-two-jobs",
            "Tone",
            "Tojob",
            date(1982, 2, 11),
            ending="approved",
            cpr="7102829994",
            employments=(
                employee("tone", *BAKERY, "51122334", can_represent=True, company_signatory=True),
                employee("tone", *HARBOUR, "76655443", production_unit="1099876543"),
            ),
        ),
        Person("auto-reject", "Rikke", "Afviser", date(1979, 1, 30), ending="rejected", cpr="9001799996"),
        Person("auto-cancel", "Carl", "Afbryder", date(1968, 7, 21), ending="core_cancelled", cpr="8107689995"),
        Person("auto-timeout", "Tove", "Tøver", date(1955, 11, 5), ending="expired", cpr="6511559994"),
        Person("auto-blocked", "Bent", "Spærret", date(2001, 2, 17), ending="blocked", cpr="7702014997"),
        Person(
            "freja",
            "Freja",
            "Lindholm",
            date(1994, 6, 8),
            holds=ALL,
            app=Level.HIGH,
            cpr="6806949996",
            address=Address("Møllegade 7", "4300", "Holbæk"),
            employments=(
                employee("freja", *BAKERY, "51122334", can_represent=True, company_signatory=True),
                employee("freja", *HARBOUR, "76655443", production_unit="1099876543"),
            ),
            nemid_pid="9208-2002-2-100000000002",
        ),
        Person("karl", "Karl", "Brix", date(1961, 12, 24), holds=ALL, app=Level.SUBSTANTIAL, cpr="8412619999"),
        Person("gerda", "Gerda", "Grøn", date(1947, 3, 30), holds=frozenset(("password",)), cpr="9003479998"),
        Person("villads", "Villads", "Nyholm", date(2005, 10, 19), holds=frozenset(("app",)), app=Level.LOW, cpr="7910054999"),
    )
}
