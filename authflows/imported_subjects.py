"""Subjects that a tenant brings along from another provider: a file is taken whole, or not at all (decision 2)."""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from authflows import subjects
from authflows.models import SubjectAlias, SubjectKind, SubjectScheme
from tenants import audit
from tenants.isolation import tenant_scope
from tenants.models import Environment

PID = re.compile(r"(?:PID:)?[0-9]{4}-[0-9]{4}-[0-9]-[0-9]{12}")
SUB = re.compile(r"[!-~]{1,255}")  # OpenID Connect Core 2
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CPR = re.compile(r"[0-9]{6}-?[0-9]{4}")
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line of the file; never what stands in it."""

    line: int
    problem: str


class Conflicts(Exception):
    """The file cannot be imported, and nothing of it was."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} lines cannot be imported; nothing was")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    value: str
    mitid_uuid: str  # "" where it is not known


@dataclass(frozen=True, slots=True)
class Imported:
    """`completed`: known before, without the MitID UUID that this file has."""

    new: int
    completed: int
    unchanged: int


def read(lines: Iterable[str], scheme: str) -> list[Row]:
    """The rows of a CSV file whose header is `sub` (or `pid`) and, where there is such a column, `mitid_uuid`. Raises Conflicts."""
    column = "pid" if scheme == SubjectScheme.NEMID_PID else "sub"
    reader = csv.reader(lines, strict=True)
    rows: dict[str, Row] = {}
    owners: dict[str, Row] = {}
    problems = []
    try:
        if [name.strip() for name in next(reader, [])] not in ([column], [column, "mitid_uuid"]):
            raise Conflicts([Problem(1, f"the header must be {column},mitid_uuid")])
        for fields in reader:
            if not fields:
                continue
            row = Row(reader.line_num, fields[0].strip(), fields[1].strip().lower() if len(fields) > 1 else "")
            if problem := _malformed(fields, row, scheme) or _contradicts(row, rows, owners):
                problems.append(Problem(row.line, problem))
    except csv.Error:
        problems.append(Problem(reader.line_num, "not CSV"))
    if problems:
        raise Conflicts(problems)
    return list(rows.values())


def _malformed(fields: list[str], row: Row, scheme: str) -> str:
    if len(fields) > 2:
        return "more than two fields"
    if scheme == SubjectScheme.NEMID_PID and not PID.fullmatch(row.value):
        return "not a PID"
    if not SUB.fullmatch(row.value):
        return "not a sub: 1 to 255 characters of ASCII, without spaces"
    if CPR.fullmatch(row.value):
        return "a CPR number is nobody's sub"
    if row.mitid_uuid and not UUID.fullmatch(row.mitid_uuid):
        return "mitid_uuid is not a UUID"
    return ""


def _contradicts(row: Row, rows: dict[str, Row], owners: dict[str, Row]) -> str:
    """Remembers the row where it agrees with those before it; the same line again says nothing new."""
    same = rows.get(row.value)
    if same is not None and same.mitid_uuid and row.mitid_uuid and same.mitid_uuid != row.mitid_uuid:
        return f"line {same.line} has another MitID UUID for it"
    owner = owners.get(row.mitid_uuid)
    if row.mitid_uuid and owner is not None and owner.value != row.value:
        return f"line {owner.line} has another one for the same MitID UUID"
    if same is None or not same.mitid_uuid:
        rows[row.value] = row
    if row.mitid_uuid:
        owners.setdefault(row.mitid_uuid, row)
    return ""


def bring(tenant_id: uuid.UUID, environment_id: uuid.UUID, scheme: str, rows: list[Row], *, actor: str) -> Imported:
    """Remembers what is new, in one transaction. Raises Conflicts; then nothing has changed."""
    with tenant_scope(tenant_id):
        # One import of an environment at a time: what is read here must still be so when it is written.
        Environment.objects.of(tenant_id).select_for_update().get(id=environment_id)
        secret = subjects.load_secret(tenant_id, environment_id)
        import_ = _Import(tenant_id, environment_id, scheme)
        for first in range(0, len(rows), BATCH):
            import_.compare([(row, _key(secret, row)) for row in rows[first : first + BATCH]])
        done = import_.write()
        facts = asdict(done) | {"scheme": scheme}
        audit.record(tenant_id, actor=actor, action="subjects.imported", subject=f"environment:{environment_id}", after=facts)
    return done


def _key(secret: bytes, row: Row) -> bytes | None:
    return subjects.key(secret, SubjectKind.PRIVATE, row.mitid_uuid) if row.mitid_uuid else None


class _Import:
    """What one file changes, collected before anything is written."""

    def __init__(self, tenant_id: uuid.UUID, environment_id: uuid.UUID, scheme: str) -> None:
        self.tenant_id, self.environment_id, self.scheme = tenant_id, environment_id, scheme
        self.new: list[SubjectAlias] = []
        self.completed: list[tuple[uuid.UUID, bytes]] = []
        self.unchanged = 0
        self.problems: list[Problem] = []

    def compare(self, some: list[tuple[Row, bytes | None]]) -> None:
        known = {alias.value: alias for alias in self._aliases(value__in=[row.value for row, _ in some])}
        owners = {bytes(alias.key or b""): alias.value for alias in self._aliases(key__in=[key for _, key in some if key])}
        for row, key in some:
            alias = known.get(row.value)
            if key and owners.get(key, row.value) != row.value:
                self.problems.append(Problem(row.line, "this MitID UUID was imported before with another one"))
            elif alias is None:
                self.new.append(self._alias(row.value, key))
            elif key is None or (alias.key is not None and bytes(alias.key) == key):
                self.unchanged += 1
            elif alias.key is not None:
                self.problems.append(Problem(row.line, "was imported before with another MitID UUID"))
            else:
                self.completed.append((alias.id, key))

    def write(self) -> Imported:
        if self.problems:
            raise Conflicts(self.problems)
        SubjectAlias.objects.bulk_create(self.new, batch_size=BATCH)
        for alias_id, key in self.completed:
            SubjectAlias.objects.of(self.tenant_id).filter(id=alias_id).update(key=key)
        return Imported(len(self.new), len(self.completed), self.unchanged)

    def _aliases(self, **which: list[str] | list[bytes]) -> Iterator[SubjectAlias]:
        return (
            SubjectAlias.objects.of(self.tenant_id)
            .filter(environment_id=self.environment_id, scheme=self.scheme, **which)
            .only("id", "tenant_id", "value", "key")
            .iterator()
        )

    def _alias(self, value: str, key: bytes | None) -> SubjectAlias:
        return SubjectAlias(tenant_id=self.tenant_id, environment_id=self.environment_id, scheme=self.scheme, value=value, key=key)
