"""People whom a customer invented for one test environment: known there, and nowhere else."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from authflows.identity import Employment
from authflows.levels import Level
from authflows.models import SimulatedBlock, SimulatedChip, SimulatedPerson
from authflows.upstream.simulator.people import SPACE, Person
from authflows.upstream.simulator.profiles import BEHAVIOURS, Profile

MOST = 500  # at one service
FIELDS = tuple(Profile.__dataclass_fields__)


class Refused(Exception):
    """`reason`: taken | full."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Resident(Person):
    uuid: str = ""

    def result(self, level: Level, factors: list[str], today: date) -> dict[str, Any]:
        return Person.result(self, level, factors, today) | {"uuid": self.uuid}


def of(service: str) -> list[SimulatedPerson]:
    return list(SimulatedPerson.objects.filter(service=service).order_by("user_id"))


def one(service: str, person: uuid.UUID) -> SimulatedPerson | None:
    return SimulatedPerson.objects.filter(service=service, id=person).first()


def find(service: str, user_id: str) -> Resident | None:
    row = SimulatedPerson.objects.filter(service=service, user_id=user_id).first()
    return as_person(row) if row else None


def as_person(row: SimulatedPerson) -> Resident:
    """Blocked is blocked at once, whatever they hold."""
    ending = "blocked" if row.blocked else BEHAVIOURS[row.behaviour]
    return Resident(
        user_id=row.user_id,
        given_name=row.given_name,
        family_name=row.family_name,
        birthdate=row.birthdate,
        ending=ending,
        holds=frozenset(row.authenticators),
        app=Level[row.app.upper()] if row.app else None,
        ial=Level[row.ial.upper()],
        name_protected=row.name_protected,
        cpr=row.cpr,
        employments=tuple(_employment(row, **each) for each in row.employments),
        uuid=str(uuid.uuid5(SPACE, f"{row.service}:{row.id}")),
    )


def _employment(row: SimulatedPerson, *, cvr: str, **told: Any) -> Employment:
    return Employment(str(uuid.uuid5(SPACE, f"{row.service}:{row.id}@{cvr}")), cvr, **told)


def profile(row: SimulatedPerson) -> Profile:
    told = {name: getattr(row, name) for name in FIELDS}
    told |= {name: tuple(told[name]) for name in ("authenticators", "employments")}
    return Profile(**told | {"birthdate": row.birthdate.isoformat()})


def add(service: str, said: Profile) -> SimulatedPerson:
    """Raises Refused."""
    if SimulatedPerson.objects.filter(service=service).count() >= MOST:
        raise Refused("full")
    try:
        with transaction.atomic():
            return SimulatedPerson.objects.create(service=service, **_columns(said))
    except IntegrityError:
        raise Refused("taken") from None


def change(row: SimulatedPerson, said: Profile) -> SimulatedPerson:
    for name, value in _columns(said).items():
        setattr(row, name, value)
    row.save()
    return row


def remove(row: SimulatedPerson) -> None:
    """With what they held: whoever has their user id next begins anew."""
    with transaction.atomic():
        for kind in (SimulatedChip, SimulatedBlock):
            kind.objects.filter(service=row.service, person=row.user_id).delete()
        row.delete()


def _columns(said: Profile) -> dict[str, Any]:
    return said.told() | {"birthdate": date.fromisoformat(said.birthdate)}
