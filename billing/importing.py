"""Requests from elsewhere: moving in from another system, or recovery from the supplier's log. A file is taken whole or not at all.

Written as facts like any other, and counted at once in the same transaction: the roller would be hours at millions of lines.
"""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from billing import usage
from billing.models import Outcome, UsageClient
from billing.periods import Month
from tenants.ids import time_of
from tenants.isolation import tenant_scope
from tenants.models import Environment, Tenant

COLUMNS = ("request_id", "tenant", "environment", "client_id", "occurred_at", "outcome")
FIRST = datetime(2021, 5, 1, tzinfo=UTC)  # MitID's first contract year
AHEAD = timedelta(minutes=5)
FAULTS_TOLD = 20
ACTION = "log_on"
OUTCOMES = frozenset(Outcome.values)
MILLISECOND = timedelta(milliseconds=1)


class Faulty(Exception):
    """The file is refused; `faults` are "line n: what is wrong"."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Source:
    """How an environment's requests reach the core: what a line of the file does not say."""

    connection_id: uuid.UUID
    usage_model: str
    core_client: bool


@dataclass(frozen=True, slots=True)
class Imported:
    lines: int
    events: int
    outcomes: int
    tenants: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a line belongs."""

    tenant: Tenant
    environment_id: uuid.UUID
    relying_party_id: uuid.UUID
    source: Source

    @property
    def columns(self) -> tuple[uuid.UUID | str | bool, ...]:
        source = self.source
        ids = [self.tenant.id, self.environment_id, self.relying_party_id, source.connection_id]
        return (*ids, source.usage_model, source.core_client)


SourceOf = Callable[[uuid.UUID, uuid.UUID], Source]
"""(tenant, environment) → Source. Raises LookupError."""

_STAGE = """
DROP TABLE IF EXISTS pg_temp.import_read, pg_temp.import_place, pg_temp.import_fact, pg_temp.import_line;
CREATE TEMPORARY TABLE import_read (request_id uuid, occurred_at timestamptz, place int, outcome text) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_place (
    place int, tenant_id uuid, environment_id uuid, relying_party_id uuid, connection_id uuid, usage_model text, core_client boolean
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_fact (request_id uuid, occurred_at timestamptz, what text) ON COMMIT DROP"""
_LINES = """
CREATE TEMPORARY TABLE import_line ON COMMIT DROP AS
SELECT p.*, r.request_id, r.occurred_at, r.outcome FROM import_read r JOIN import_place p ON p.place = r.place"""
_AT_ODDS = """
SELECT l.request_id::text FROM import_line l GROUP BY l.request_id
HAVING count(DISTINCT (l.tenant_id, l.environment_id, l.relying_party_id, l.outcome)) > 1 LIMIT 20"""
_RECORDED_OTHERWISE = """
SELECT l.request_id::text FROM import_line l
JOIN usage_event e ON e.tenant_id = l.tenant_id AND e.request_id = l.request_id AND e.occurred_at = l.occurred_at
WHERE l.tenant_id = %(tenant)s AND e.tenant_id = %(tenant)s
  AND (e.environment_id, e.relying_party_id) <> (l.environment_id, l.relying_party_id) LIMIT 20"""
_EVENTS = f"""
WITH written AS (
    INSERT INTO usage_event (tenant_id, operator_id, request_id, occurred_at, environment_id, relying_party_id, connection_id, action,
                             usage_model, core_client)
    SELECT l.tenant_id, %(operator)s, l.request_id, l.occurred_at, l.environment_id, l.relying_party_id, l.connection_id, '{ACTION}',
           l.usage_model, l.core_client
    FROM import_line l WHERE l.tenant_id = %(tenant)s
    ON CONFLICT (tenant_id, request_id, occurred_at) DO NOTHING RETURNING request_id, occurred_at)
INSERT INTO import_fact SELECT request_id, occurred_at, 'requested' FROM written"""
_OUTCOMES = """
WITH written AS (
    INSERT INTO request_outcome (tenant_id, operator_id, request_id, occurred_at, outcome, authenticator, level, ended_at)
    SELECT l.tenant_id, %(operator)s, l.request_id, l.occurred_at, l.outcome, '', '', l.occurred_at
    FROM import_line l WHERE l.tenant_id = %(tenant)s AND l.outcome IS NOT NULL
    ON CONFLICT (tenant_id, request_id, occurred_at) DO NOTHING RETURNING request_id, occurred_at, outcome)
INSERT INTO import_fact SELECT request_id, occurred_at, outcome FROM written"""
# An outcome that was told before its request was recorded counted nothing then. What still waits for the roller is the roller's.
_EARLIER_OUTCOMES = """
INSERT INTO import_fact
SELECT o.request_id, o.occurred_at, o.outcome FROM import_fact f
JOIN request_outcome o ON o.tenant_id = %(tenant)s AND o.request_id = f.request_id AND o.occurred_at = f.occurred_at
WHERE f.what = 'requested'
  AND NOT EXISTS (SELECT FROM import_fact g WHERE g.request_id = f.request_id AND g.what <> 'requested')
  AND NOT EXISTS (SELECT FROM usage_pending p WHERE p.tenant_id = %(tenant)s AND p.request_id = f.request_id)"""
# The outcome of a voided request is taken back where the void is counted: it counts nothing here.
_COUNTED = """
WITH counted AS MATERIALIZED (
    SELECT e.operator_id, e.environment_id, e.relying_party_id, e.connection_id, e.action, e.usage_model, e.core_client, f.what,
           (f.occurred_at AT TIME ZONE 'Europe/Copenhagen')::date AS day, date_trunc('hour', f.occurred_at, 'UTC') AS hour, count(*) AS n
    FROM import_fact f
    JOIN usage_event e ON e.tenant_id = %(tenant)s AND e.request_id = f.request_id AND e.occurred_at = f.occurred_at
    WHERE f.what = 'requested' OR NOT EXISTS (
        SELECT FROM request_void v WHERE v.tenant_id = %(tenant)s AND v.request_id = f.request_id AND v.occurred_at = f.occurred_at)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
by_hour AS (
    INSERT INTO usage_hour AS h (tenant_id, operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client,
                                 what, hour, n)
    SELECT %(tenant)s, operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client, what, hour, n
    FROM counted
    ON CONFLICT (tenant_id, operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client, what, hour)
        DO UPDATE SET n = h.n + excluded.n),
by_day AS (
    INSERT INTO usage_day AS d (tenant_id, operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client,
                                what, day, posted, n)
    SELECT %(tenant)s, operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client, what, day,
           greatest(date_trunc('month', day::timestamp)::date, %(first_open)s::date), sum(n)
    FROM counted GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10
    ON CONFLICT (tenant_id, day, posted, operator_id, environment_id, relying_party_id, connection_id, action, usage_model, core_client,
                 what) DO UPDATE SET n = d.n + excluded.n)
INSERT INTO usage_recount AS r (tenant_id, operator_id, day)
SELECT DISTINCT %(tenant)s::uuid, operator_id, day FROM counted
ON CONFLICT (tenant_id, day) DO UPDATE SET touches = r.touches + 1, counted_at = NULL"""


def take(lines: Iterable[str], source_of: SourceOf) -> Imported:
    """Records and counts what is new in the CSV. Raises Faulty, and then nothing is written."""
    rows = _Rows(lines)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_STAGE)
            with cursor.copy("COPY import_read FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        places = rows.found(source_of)
        with connection.cursor() as cursor:
            for n, place in enumerate(places):
                cursor.execute("INSERT INTO import_place VALUES (%s, %s, %s, %s, %s, %s, %s)", [n, *place.columns])
            cursor.execute(_LINES)
            cursor.execute("ANALYZE import_line")
            cursor.execute(_AT_ODDS)
            if found := [row[0] for row in cursor.fetchall()]:
                raise Faulty([f"request {request}: two lines that say different things" for request in found])
        _open_months(rows)
        tenants = {place.tenant.id: place.tenant for place in places}
        written = [_one_tenant(tenants[tenant_id]) for tenant_id in sorted(tenants)]
    return Imported(rows.count, sum(events for events, _ in written), sum(outcomes for _, outcomes in written), len(written))


def _open_months(rows: _Rows) -> None:
    month = Month.at(rows.first) if rows.first else None
    while month and rows.last and month <= Month.at(rows.last):
        usage.open_partitions(month, months=0)
        month = month.next()


def _one_tenant(tenant: Tenant) -> tuple[int, int]:
    """(events, outcomes) that are new."""
    with tenant_scope(tenant.id):
        account = usage.lock_account(tenant.id)
        assert account is not None
        given = {"tenant": tenant.id, "operator": tenant.operator_id, "first_open": usage.first_open(account)}
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE import_fact")
            cursor.execute(_RECORDED_OTHERWISE, given)
            if found := [row[0] for row in cursor.fetchall()]:
                raise Faulty([f"request {request}: is recorded already, of another client" for request in found])
            cursor.execute(_EVENTS, given)
            events = cursor.rowcount
            cursor.execute(_OUTCOMES, given)
            outcomes = cursor.rowcount
            cursor.execute(_EARLIER_OUTCOMES, given)
            cursor.execute("ANALYZE import_fact")
            cursor.execute(_COUNTED, given)
    return events, outcomes


class _Rows:
    """The file's lines as rows of `import_read`; gathers what is wrong with them. Reads no database: a COPY holds the connection."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._places: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._latest = timezone.now() + AHEAD
        self._faults: list[tuple[int, str]] = []
        self.count = 0
        self.first: datetime | None = None
        self.last: datetime | None = None

    def __iter__(self) -> Iterator[tuple[uuid.UUID, datetime, int, str | None]]:
        reader = csv.reader(self._lines)
        header = next(reader, [])
        if tuple(name.strip().lstrip("\ufeff") for name in header) != COLUMNS:
            raise Faulty([f"line 1: the columns are {','.join(COLUMNS)}"])
        for fields in reader:
            if not fields:
                continue
            try:
                yield self._row(fields, reader.line_num)
            except ValueError as error:
                self._faults.append((reader.line_num, str(error)))
                if len(self._faults) >= FAULTS_TOLD:
                    return

    def found(self, source_of: SourceOf) -> list[_Place]:
        """Where the lines belong, in the order of their numbers. Raises Faulty for whatever was wrong so far."""
        places = []
        for (slug, kind, client), (_, line) in self._places.items():
            try:
                places.append(_found(slug, kind, client, source_of))
            except LookupError as error:
                self._faults.append((line, str(error)))
        if self._faults:
            raise Faulty([f"line {line}: {text}" for line, text in sorted(self._faults)])
        return places

    def _row(self, fields: list[str], line: int) -> tuple[uuid.UUID, datetime, int, str | None]:
        if len(fields) != len(COLUMNS):
            raise ValueError(f"{len(fields)} fields instead of {len(COLUMNS)}")
        request, tenant, environment, client, at, outcome = (field.strip() for field in fields)
        request_id, occurred_at = self._when(request, at)
        if outcome and outcome not in OUTCOMES:
            raise ValueError(f"outcome: {outcome} is none of {', '.join(Outcome.values)}, or nothing")
        place, _ = self._places.setdefault((tenant, environment, client), (len(self._places), line))
        self.count += 1
        return request_id, occurred_at, place, outcome or None

    def _when(self, request: str, at: str) -> tuple[uuid.UUID, datetime]:
        try:
            request_id = uuid.UUID(request)
            born = time_of(request_id)
        except ValueError:
            raise ValueError(f"request_id: {request} is no UUIDv7") from None
        try:
            said = datetime.fromisoformat(at)
        except ValueError:
            raise ValueError(f"occurred_at: {at} is no instant (ISO 8601)") from None
        if said.tzinfo is None:
            raise ValueError(f"occurred_at: {at} has no time zone")
        if abs(said - born) >= MILLISECOND:
            raise ValueError(f"occurred_at: {at} is not the time of the request's id, {born.isoformat()}")
        if not FIRST <= born <= self._latest:
            raise ValueError(f"occurred_at: {at} lies in the future, or before {FIRST.date()}")
        self.first = born if self.first is None or born < self.first else self.first
        self.last = born if self.last is None or born > self.last else self.last
        return request_id, born


def _found(slug: str, kind: str, client: str, source_of: SourceOf) -> _Place:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise LookupError(f"tenant: there is no tenant {slug}")
    with tenant_scope(tenant.id):
        environment = Environment.objects.of(tenant.id).filter(kind=kind).first()
        if environment is None:
            raise LookupError(f"environment: test or production, not {kind}")
        named = UsageClient.objects.of(tenant.id).filter(environment_id=environment.id, client_id=client).first()
        if named is None:
            raise LookupError(f"client_id: {slug} has no {kind} client {client}")
        return _Place(tenant, environment.id, named.relying_party_id, source_of(tenant.id, environment.id))
