"""Who has a user id at a service, with all that they hold there."""

from __future__ import annotations

from dataclasses import replace

from authflows.upstream.simulator import chips, residents
from authflows.upstream.simulator.people import PEOPLE, Person


def find(service: str, user_id: str) -> Person | None:
    """None where nobody has it. A chip is held by whoever has registered one there."""
    person: Person | None = PEOPLE.get(user_id) or residents.find(service, user_id)
    if person is None or person.ending or not chips.has(service, user_id):
        return person
    return replace(person, holds=person.holds | {"chip"})
