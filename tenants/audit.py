"""What was changed, by whom and why: one hash chain per tenant and one per operator (decision 24).

hash = sha256(previous hash || canonical text). An entry that is altered, deleted or cut from the end is found by `verify`; against
somebody who can rewrite the whole chain, its head has to be kept elsewhere, which is why `verify` tells it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Func, Value
from django.utils import timezone
from psycopg.types.json import Jsonb

from tenants.ids import uuid7
from tenants.models import AuditEntry, AuditHead, OperatorAuditEntry, OperatorAuditHead

Facts = Mapping[str, Any]
NOT_RECORDED = "(not recorded)"
# What such a field holds is a secret or tells of a person; that it changed is all that the chain keeps.
_NEVER = ("secret", "password", "private", "token", "cpr", "birth", "email", "phone", "address")
# Named like one of those, and nobody's data.
_SETTINGS = frozenset({"cpr_basis"})


def changed(before: Facts, after: Facts) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The fields that differ, fit to be recorded; None for a side that has none."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    sides = ({key: _recordable(key, side[key]) for key in keys if key in side} for side in (before, after))
    old, new = (side or None for side in sides)
    return old, new


_HEAD = "SELECT seq, hash FROM tenants_audithead WHERE tenant_id = %(tenant)s FOR UPDATE"
_FIRST = "INSERT INTO tenants_audithead (tenant_id, id, seq, hash) VALUES (%(tenant)s, %(id)s, 0, '') ON CONFLICT (tenant_id) DO NOTHING"
# The database's own sha256(): what is stored was hashed where it is stored.
_ADD = """
WITH link AS (SELECT sha256(%(text)s::bytea) AS hash),
entry AS (
    INSERT INTO tenants_auditentry (tenant_id, id, seq, at, actor, action, subject, before, after, reason, previous, hash)
    SELECT %(tenant)s, %(id)s, %(seq)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(before)s::jsonb, %(after)s::jsonb, %(reason)s,
           %(previous)s, hash FROM link)
UPDATE tenants_audithead SET seq = %(seq)s, hash = link.hash FROM link WHERE tenant_id = %(tenant)s"""


def _head(cursor: CursorWrapper, tenant_id: uuid.UUID) -> tuple[int, bytes]:
    """Where the chain ends, locked; made where it has not begun."""
    cursor.execute(_HEAD, {"tenant": tenant_id})
    row = cursor.fetchone()
    if row is None:
        cursor.execute(_FIRST, {"tenant": tenant_id, "id": uuid7()})
        cursor.execute(_HEAD, {"tenant": tenant_id})
        row = cursor.fetchone()
    return row[0], bytes(row[1])


def record(
    tenant_id: uuid.UUID,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
    reason: str = "",
) -> None:
    """Adds to the tenant's chain, inside the caller's tenant_scope and as its last statement: the head stays locked until the commit.

    actor: user:<id>, staff:<id>, client:<id>, command or system; subject: kind:id. Raises ValueError for what `changed` would not pass.
    """
    with connection.cursor() as cursor:
        head = _head(cursor, tenant_id)
        facts = _facts(head[0] + 1, actor, action, subject, before, after, reason)
        given: dict[str, Any] = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in facts.items()}
        text = head[1] + _canonical(tenant_id, facts)
        cursor.execute(_ADD, given | {"tenant": tenant_id, "id": uuid7(), "previous": head[1], "text": text})


def record_for_operator(
    operator_id: uuid.UUID,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Facts | None = None,
    after: Facts | None = None,
    reason: str = "",
) -> None:
    """Adds to the operator's chain, inside the caller's operator_scope; after `record`, where both are written."""
    head, _ = OperatorAuditHead.objects.select_for_update().get_or_create(operator_id=operator_id)
    facts = _facts(head.seq + 1, actor, action, subject, before, after, reason)
    link = _link(bytes(head.hash), operator_id, facts)
    OperatorAuditEntry.objects.create(operator_id=operator_id, previous=head.hash, hash=link, **facts)
    OperatorAuditHead.objects.filter(operator_id=operator_id).update(seq=F("seq") + 1, hash=link)


@dataclass(frozen=True)
class Verdict:
    entries: int
    # To be kept elsewhere: a later chain must still contain it.
    head: str
    first_bad: int | None


def verify(tenant_id: uuid.UUID) -> Verdict:
    """Reads the tenant's whole chain, inside its tenant_scope."""
    entries = AuditEntry.objects.of(tenant_id).order_by("seq")
    return _verify(tenant_id, entries.iterator(), AuditHead.objects.of(tenant_id).first())


def verify_operator(operator_id: uuid.UUID) -> Verdict:
    """Reads the operator's whole chain, inside its operator_scope."""
    entries = OperatorAuditEntry.objects.filter(operator_id=operator_id).order_by("seq")
    return _verify(operator_id, entries.iterator(), OperatorAuditHead.objects.filter(operator_id=operator_id).first())


def _verify(owner_id: uuid.UUID, entries: Iterable[AuditEntry | OperatorAuditEntry], head: AuditHead | OperatorAuditHead | None) -> Verdict:
    count, seq, link, bad = 0, 0, b"", None
    for entry in entries:
        count += 1
        if bad is None and not _follows(owner_id, entry, seq, link):
            bad = min(entry.seq, seq + 1)
        seq, link = entry.seq, bytes(entry.hash)
    end, told = (head.seq, bytes(head.hash)) if head else (0, b"")
    if bad is None and (seq, link) != (end, told):
        bad = min(seq, end) + 1 if seq != end else seq
    return Verdict(entries=count, head=told.hex(), first_bad=bad)


def _follows(owner_id: uuid.UUID, entry: AuditEntry | OperatorAuditEntry, seq: int, link: bytes) -> bool:
    facts = {name: getattr(entry, name) for name in ("seq", "at", "actor", "action", "subject", "before", "after", "reason")}
    computed = hashlib.sha256(link + _canonical(owner_id, facts)).digest()
    return entry.seq == seq + 1 and bytes(entry.previous) == link and bytes(entry.hash) == computed


def _facts(seq: int, actor: str, action: str, subject: str, before: Facts | None, after: Facts | None, reason: str) -> dict[str, Any]:
    for side in (before or {}, after or {}):
        for key, value in side.items():
            if _recordable(key, value) != value:
                raise ValueError(f"{action}: {key} may not be recorded like this; pass it through audit.changed()")
    return {
        "seq": seq,
        "at": timezone.now(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "before": dict(before) if before else None,
        "after": dict(after) if after else None,
        "reason": reason,
    }


def _link(previous: bytes, owner_id: uuid.UUID, facts: Facts) -> Func:
    # The database's own sha256(): what is stored was hashed where it is stored.
    return Func(Value(previous + _canonical(owner_id, facts)), function="sha256")


def _canonical(owner_id: uuid.UUID, facts: Facts) -> bytes:
    """One JSON list; its values are those that JSON and jsonb give back as they were."""
    at = facts["at"].astimezone(UTC).isoformat(timespec="microseconds")
    rest = [facts[name] for name in ("actor", "action", "subject", "before", "after", "reason")]
    return json.dumps([str(owner_id), facts["seq"], at, *rest], sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _recordable(key: str, value: Any) -> Any:
    if value is None or (isinstance(value, bool | int) and not isinstance(value, Enum)):
        return value
    if key not in _SETTINGS and any(word in key.lower() for word in _NEVER):
        return NOT_RECORDED
    return _plain(value)


def _plain(value: Any) -> Any:
    """The value as JSON keeps it exactly; floats do not survive jsonb, bytes are secrets or hashes."""
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int() | str():
            return value
        case uuid.UUID() | Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
        case dict():
            return {str(key): _recordable(str(key), item) for key, item in value.items()}
        case _:
            raise ValueError(f"{type(value).__name__} cannot be recorded")
