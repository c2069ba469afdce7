"""A redirect_uri that is not registered, told to the client's owners: where it differs from what is, and nothing personal.

As in `store`, what an issuer address does to the database is SQL, one transaction a step.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from authflows.errors import Unavailable, UnregisteredRedirect
from authflows.models import RefusedRedirect
from authflows.store import transaction
from tenants.ids import uuid7
from tenants.isolation import tenant_scope

SLOTS = 20
LONGEST_REST = 300
PERSONAL = re.compile(r"\d{6}-?\d{4}")
HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class Difference:
    """`same` characters of `registered` were received, and after them `rest`."""

    registered: str
    same: int
    rest: str


def difference(received: str, registered: Iterable[str]) -> Difference:
    """From the registered address that comes nearest. Values of a query, and what may be a personal number, are hidden."""
    nearest = max(registered, key=lambda uri: (_same(uri, received), -abs(len(uri) - len(received))), default="")
    same = _same(nearest, received)
    rest = PERSONAL.sub(HIDDEN, _without_values(received[:same], received[same:]))
    if len(rest) > LONGEST_REST:
        rest = rest[:LONGEST_REST] + HIDDEN
    return Difference(nearest, same, "".join(_visible(character) for character in rest))


def _same(one: str, other: str) -> int:
    """How many characters two texts begin with together."""
    both = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(both) if a != b), min(len(one), len(other)))


def _without_values(before: str, rest: str) -> str:
    """Names of a query stay; its values, a fragment and who stands before @ go."""
    user, at, host = rest.partition("@")
    if at and user and "/" not in before.partition("//")[2] + user:
        rest = f"{HIDDEN}@{host}"
    rest, fragment, _ = rest.partition("#")
    path, question, query = ("", "", rest) if "?" in before else rest.partition("?")
    name, *more = query.split("&")
    in_value = "?" in before and "=" in before.rpartition("?")[2].rpartition("&")[2]
    first = (HIDDEN if name else "") if in_value else _without_value(name)
    return f"{path}{question}{'&'.join([first, *map(_without_value, more)])}{fragment}{HIDDEN if fragment else ''}"


def _without_value(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}{equals}{HIDDEN if value else ''}"


def _visible(character: str) -> str:
    return character if character.isprintable() else f"\\u{ord(character):04x}"


# The same one again within a second is not worth a row's new version.
RECORD = """
INSERT INTO authflows_refusedredirect AS r (tenant_id, id, relying_party_id, slot, registered, same, rest, trace_id, times, last_at)
VALUES (%(tenant)s, %(id)s, %(relying_party)s, %(slot)s, %(registered)s, %(same)s, %(rest)s, %(trace_id)s, 1, now())
ON CONFLICT (tenant_id, relying_party_id, slot) DO UPDATE
SET times = CASE WHEN (r.registered, r.same, r.rest) = (excluded.registered, excluded.same, excluded.rest) THEN r.times + 1 ELSE 1 END,
    registered = excluded.registered, same = excluded.same, rest = excluded.rest, trace_id = excluded.trace_id, last_at = now()
WHERE r.tenant_id = %(tenant)s AND ((r.registered, r.same, r.rest) <> (excluded.registered, excluded.same, excluded.rest)
      OR r.last_at < now() - interval '1 second')"""


def tell(tenant_id: uuid.UUID, refused: UnregisteredRedirect, trace_id: str) -> None:
    """Whoever asked is answered all the same where it cannot be kept."""
    assert refused.relying_party_id is not None
    with suppress(Unavailable):
        record(tenant_id, refused.relying_party_id, difference(refused.received, refused.registered), trace_id)


def record(tenant_id: uuid.UUID, relying_party_id: uuid.UUID, found: Difference, trace_id: str) -> None:
    told = f"{found.registered}\n{found.same}\n{found.rest}"
    params = {
        "tenant": tenant_id,
        "id": uuid7(),
        "relying_party": relying_party_id,
        "slot": hashlib.sha256(told.encode()).digest()[0] % SLOTS,
        "registered": found.registered,
        "same": found.same,
        "rest": found.rest,
        "trace_id": trace_id,
    }
    with transaction(tenant_id) as step:
        step.execute(RECORD, params)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Both addresses in three parts: what is the same, the first character that differs ("" at an end), and the rest."""

    same: str
    received: tuple[str, str]
    registered: tuple[str, str]
    times: int
    last_at: datetime
    trace_id: str


def latest(tenant_id: uuid.UUID, relying_party_id: uuid.UUID, limit: int) -> list[Refusal]:
    """The newest first."""
    with tenant_scope(tenant_id):
        rows = RefusedRedirect.objects.of(tenant_id).filter(relying_party_id=relying_party_id).order_by("-last_at")[:limit]
        return [_refusal(row) for row in rows]


def _refusal(row: RefusedRedirect) -> Refusal:
    same, expected = row.registered[: row.same], row.registered[row.same :]
    width = 6 if row.rest.startswith("\\u") else 1
    return Refusal(same, (row.rest[:width], row.rest[width:]), (expected[:1], expected[1:]), row.times, row.last_at, row.trace_id)
