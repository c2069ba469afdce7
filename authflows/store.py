"""The login path's SQL: one function per step, each one transaction, each named for the step (decision 25).

The tenant's id is always the first argument, so that a step can become one database function behind the same name. Statements of a
step are sent together as a pipeline; row-level security is on, and the scope is set before anything else. `set_config` never
stands in a CTE: under row-level security the statement would see no rows, without an error.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db import OperationalError as DatabaseUnavailable
from psycopg.types.json import Jsonb

from authflows import sessions
from authflows.errors import Stale, Unavailable
from authflows.pipeline import Step
from authflows.sessions import Opening
from billing import metering
from tenants import limits
from tenants.ids import uuid7
from tenants.limits import Bucket

SCOPE = "SELECT set_config('broker.tenant', %(tenant)s, true)"


@contextmanager
def transaction(tenant_id: uuid.UUID) -> Iterator[Step]:
    """One transaction of one tenant on Django's own connection; its statements leave in one round trip when the block ends."""
    django = connections[DEFAULT_DB_ALIAS]
    try:
        if django.connection is None:
            django.ensure_connection()
        step = Step(django.connection)
        step.execute(SCOPE, {"tenant": str(tenant_id)})
        yield step
        # A savepoint where a transaction is open already.
        with django.connection.transaction() if django.in_atomic_block else nullcontext():
            step.send()
    except (psycopg.OperationalError, DatabaseUnavailable) as error:
        # A connection that broke is given up here; the next request makes a new one.
        django.close()
        raise Unavailable(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Begun:
    stored: bool
    over_limit: bool


BEGIN = f"""
WITH {limits.COUNT_CTE},
stored AS (
    INSERT INTO authflows_login (tenant_id, id, environment_id, issuer_id, relying_party_id, handle, browser_hash, state, request,
                                 outcome, error, trace_id, trial, expires_at)
    SELECT %(tenant)s, %(id)s, %(environment)s, %(issuer)s, %(relying_party)s, %(handle)s, %(browser_hash)s, 'created', %(request)s,
           '', '', %(trace_id)s, %(trial)s, now() + make_interval(secs => %(seconds)s)
    FROM tenants_issuer i
    WHERE i.id = %(issuer)s AND i.version = %(version)s AND i.state = 'active' AND NOT EXISTS (SELECT FROM exceeded)
    RETURNING id)
SELECT (SELECT count(*) FROM stored), (SELECT count(*) FROM exceeded)"""


def begin(tenant_id: uuid.UUID, login: dict[str, Any], buckets: list[Bucket]) -> Begun:
    """Stores a Login. Raises Stale where `login["version"]` is not the issuer's version any more."""
    with transaction(tenant_id) as step:
        cursor = step.execute(BEGIN, login | {"tenant": tenant_id, "request": Jsonb(login["request"])} | limits.parameters(buckets))
    stored, over = cursor.fetchone() or (0, 0)
    if not stored and not over:
        raise Stale
    return Begun(bool(stored), bool(over))


@dataclass(frozen=True, slots=True)
class StoredLogin:
    """A Login as its own browser finds it, with the newest of its core sessions."""

    id: uuid.UUID
    issuer_id: uuid.UUID
    relying_party_id: uuid.UUID
    state: str
    request: dict[str, Any]
    answer: dict[str, Any] | None
    outcome: str
    error: str
    trace_id: str
    expired: bool
    core_session: uuid.UUID | None
    core_state: str
    core_id: str
    core_age: float
    connection_id: uuid.UUID | None
    issuer_version: int
    sealed: bytes | None = None
    cpr_tries: int = 0
    moved: bool = False
    over_limit: bool = False


FOUND = """
SELECT l.id, l.issuer_id, l.relying_party_id, l.state, l.request, l.answer, l.outcome, l.error, l.trace_id, l.expires_at < now(),
       c.id, coalesce(c.state, ''), coalesce(c.core_id, ''), coalesce(extract(epoch FROM now() - c.created_at), 0)::float,
       c.connection_id, (SELECT version FROM tenants_issuer i WHERE i.id = l.issuer_id), l.sealed, coalesce(c.cpr_tries, 0)"""
NEWEST_CORE_SESSION = """
LEFT JOIN LATERAL (SELECT * FROM authflows_coresession c WHERE c.tenant_id = %(tenant)s AND c.login_id = l.id ORDER BY c.id DESC LIMIT 1) c
    ON true"""
READ = f"""{FOUND} FROM authflows_login l {NEWEST_CORE_SESSION}
WHERE l.tenant_id = %(tenant)s AND l.handle = %(handle)s AND l.browser_hash = %(browser_hash)s AND l.issuer_id = %(issuer)s"""


def read(tenant_id: uuid.UUID, issuer_id: uuid.UUID, handle: str, browser_hash: bytes) -> StoredLogin | None:
    """The Login behind a handle, for the browser that began it; None for anybody else."""
    params = {"tenant": tenant_id, "issuer": issuer_id, "handle": handle, "browser_hash": browser_hash}
    with transaction(tenant_id) as step:
        cursor = step.execute(READ, params)
    row = cursor.fetchone()
    return _login(row) if row else None


def _login(row: tuple[Any, ...], **more: Any) -> StoredLogin:
    # Django leaves jsonb as text on its connection.
    id_, issuer, relying_party, state, request, answer, *rest = row
    return StoredLogin(id_, issuer, relying_party, state, json.loads(request), json.loads(answer) if answer else None, *rest, **more)


def owner(tenant_id: uuid.UUID, issuer_id: uuid.UUID, handle: str) -> tuple[uuid.UUID, str, str] | None:
    """(relying party, redirect_uri, outcome) of a handle, whoever asks; no outcome while it is open."""
    sql = (
        "SELECT relying_party_id, request->'reply'->>'redirect_uri', outcome FROM authflows_login"
        " WHERE tenant_id = %(tenant)s AND issuer_id = %(issuer)s AND handle = %(handle)s"
    )
    with transaction(tenant_id) as step:
        cursor = step.execute(sql, {"tenant": tenant_id, "issuer": issuer_id, "handle": handle.replace("\x00", "")})
    row = cursor.fetchone()
    return (row[0], row[1], row[2]) if row else None


REQUESTING = f"""
WITH l AS (SELECT * FROM authflows_login
           WHERE tenant_id = %(tenant)s AND handle = %(handle)s AND browser_hash = %(browser_hash)s AND issuer_id = %(issuer)s),
bucket AS (
    SELECT coalesce(b.key, 'core.relying_party:' || left(encode(sha256(convert_to(l.relying_party_id::text, 'UTF8')), 'hex'), 40)) AS key,
           b.ends, b.allowed
    FROM l, unnest(%(limit_keys)s::text[], %(limit_windows)s::bigint[], %(limit_allowed)s::int[]) AS b (key, ends, allowed)
    WHERE l.state = 'created' AND l.answer IS NULL AND l.request->>'connection' <> '' AND l.expires_at > now()),
{limits.COUNTED_CTE},
moved AS (
    UPDATE authflows_login u SET state = 'requesting' FROM l
    WHERE u.tenant_id = %(tenant)s AND u.id = l.id AND u.state = 'created' AND u.answer IS NULL AND u.expires_at > now()
      AND NOT EXISTS (SELECT FROM exceeded) AND l.request->>'connection' <> ''
      AND EXISTS (SELECT FROM tenants_issuer i WHERE i.id = u.issuer_id AND i.version = %(version)s)
    RETURNING u.id),
core AS (
    INSERT INTO authflows_coresession (tenant_id, id, login_id, connection_id, state, core_id, action)
    SELECT %(tenant)s, %(core_session)s, moved.id, (l.request->>'connection')::uuid, 'requesting', '', l.request->>'action' FROM moved, l)
{FOUND}, EXISTS (SELECT FROM moved), EXISTS (SELECT FROM exceeded) FROM l {NEWEST_CORE_SESSION}"""


def requesting(
    tenant_id: uuid.UUID,
    issuer_id: uuid.UUID,
    version: int,
    handle: str,
    browser_hash: bytes,
    core_session: uuid.UUID,
    buckets: list[Bucket],
) -> StoredLogin | None:
    """Commits the CoreSession before the core is asked; `moved` says whether this call did. Also reads: a reload finds its Login here.

    The relying party's bucket comes without its key: only the Login knows which one it is.
    """
    params = {
        "tenant": tenant_id,
        "issuer": issuer_id,
        "version": version,
        "handle": handle,
        "browser_hash": browser_hash,
        "core_session": core_session,
    }
    counts = limits.parameters(buckets)
    counts["limit_keys"] = [None if key.startswith("core.relying_party:") else key for key in counts["limit_keys"]]
    with transaction(tenant_id) as step:
        cursor = step.execute(REQUESTING, params | counts)
    row = cursor.fetchone()
    found = _login(row) if row else None
    # The statement that made the CoreSession did not see it.
    if found is not None and found.moved:
        return replace(found, core_session=core_session, core_state="requesting", connection_id=uuid.UUID(found.request["connection"]))
    return found


REQUESTED = f"""
WITH accepted AS (
    UPDATE authflows_coresession SET state = 'accepted', core_id = %(core_id)s, accepted_at = now()
    WHERE tenant_id = %(tenant)s AND id = %(core_session)s AND state IN ('requesting', 'unconfirmed') RETURNING login_id),
{metering.RECORD_CTE}
UPDATE authflows_login l SET state = 'requested' FROM accepted
WHERE l.tenant_id = %(tenant)s AND l.id = accepted.login_id AND l.state = 'requesting'"""


def requested(tenant_id: uuid.UUID, event: metering.UsageEvent, core_id: str) -> None:
    """The core accepted: `accepted` and the usage event in one transaction. Repeatable: the event is unique by request id."""
    params = metering.record_params(event) | {"tenant": tenant_id, "core_session": event.request_id, "core_id": core_id}
    with transaction(tenant_id) as step:
        step.execute(REQUESTED, params)


REFUSED = """
WITH refused AS (
    UPDATE authflows_coresession SET state = 'refused'
    WHERE tenant_id = %(tenant)s AND id = %(core_session)s AND state IN ('requesting', 'unconfirmed') RETURNING login_id)
UPDATE authflows_login l SET state = 'failed', outcome = %(outcome)s, error = %(error)s, answer = %(answer)s, ended_at = now(),
                             request = l.request - 'reference_text'
FROM refused WHERE l.tenant_id = %(tenant)s AND l.id = refused.login_id AND l.state = 'requesting'"""


def refused(tenant_id: uuid.UUID, core_session: uuid.UUID, *, outcome: str, error: str, answer: dict[str, Any]) -> None:
    """The core said no: the Login has failed and nothing is owed."""
    params = {"tenant": tenant_id, "core_session": core_session, "outcome": outcome, "error": error, "answer": Jsonb(answer)}
    with transaction(tenant_id) as step:
        step.execute(REFUSED, params)


UNKNOWN_TO_CORE = """
WITH refused AS (
    UPDATE authflows_coresession SET state = 'refused'
    WHERE tenant_id = %(tenant)s AND id = %(core_session)s AND state IN ('requesting', 'unconfirmed') RETURNING login_id)
UPDATE authflows_login l SET state = 'created' FROM refused
WHERE l.tenant_id = %(tenant)s AND l.id = refused.login_id AND l.state = 'requesting'"""


def unknown_to_core(tenant_id: uuid.UUID, core_session: uuid.UUID) -> None:
    """The core never heard of it: the Login may ask again, as a new CoreSession."""
    with transaction(tenant_id) as step:
        step.execute(UNKNOWN_TO_CORE, {"tenant": tenant_id, "core_session": core_session})


def unconfirmed(tenant_id: uuid.UUID, core_session: uuid.UUID) -> None:
    """The core's answer was lost."""
    sql = (
        "UPDATE authflows_coresession SET state = 'unconfirmed'"
        " WHERE tenant_id = %(tenant)s AND id = %(core_session)s AND state = 'requesting'"
    )
    with transaction(tenant_id) as step:
        step.execute(sql, {"tenant": tenant_id, "core_session": core_session})


KNOWN_AS = """
SELECT coalesce(
    (SELECT a.value FROM authflows_subjectalias a
     WHERE a.tenant_id = %(tenant)s AND a.environment_id = %(environment)s AND a.scheme = %(scheme)s AND a.key = %(key)s),
    (SELECT %(sub_before)s::text || s.id::text || %(sub_after)s::text FROM authflows_subject s
     WHERE s.tenant_id = %(tenant)s AND s.environment_id = %(environment)s AND s.kind = %(kind)s AND s.key = %(key)s))"""


def subject(tenant_id: uuid.UUID, environment_id: uuid.UUID, kind: str, key: bytes, told_as: dict[str, str]) -> str | None:
    """The `sub` of somebody who has logged in before, or was imported, as a client is told it."""
    ours = {"scheme": "", "sub_before": "", "sub_after": ""}
    with transaction(tenant_id) as step:
        cursor = step.execute(KNOWN_AS, {"tenant": tenant_id, "environment": environment_id, "kind": kind, "key": key} | ours | told_as)
    row = cursor.fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Completion:
    """What completing writes beside the Login itself."""

    login_id: uuid.UUID
    core_session: uuid.UUID
    environment_id: uuid.UUID
    subject_kind: str
    subject_key: bytes | None  # None: a `sub` that is this login's only, and is kept nowhere else
    answer: dict[str, Any]
    grant: dict[str, Any]
    authenticator: str
    level: str
    session: Opening


# ON CONFLICT DO UPDATE, not DO NOTHING: two first logins of one person at once must both learn the id.
# The last SELECT runs `done` before all else: the Login's row is locked first here as in FAIL, so that outcomes never wait crosswise.
_COMPLETE = """
WITH done AS (
    UPDATE authflows_login SET state = 'completed', outcome = 'completed', answer = %(answer)s, sealed = NULL, ended_at = now(),
                               request = request - 'reference_text'
    WHERE tenant_id = %(tenant)s AND id = %(login)s AND state = 'requested' RETURNING id),
known AS (
    INSERT INTO authflows_subject (tenant_id, id, environment_id, kind, key)
    SELECT %(tenant)s, %(new_subject)s, %(environment)s, %(kind)s, %(key)s FROM done WHERE %(key)s::bytea IS NOT NULL
    ON CONFLICT (tenant_id, environment_id, kind, key) DO UPDATE SET kind = excluded.kind RETURNING id),
person AS (SELECT id FROM known UNION ALL SELECT %(new_subject)s::uuid FROM done WHERE %(key)s::bytea IS NULL),
finished AS (
    UPDATE authflows_coresession c SET state = 'finished' FROM done WHERE c.tenant_id = %(tenant)s AND c.id = %(core_session)s),{opened},
granted AS (
    INSERT INTO authflows_grant (tenant_id, id, login_id, relying_party_id, issuer_id, subject_id, code_hash, code_expires_at, redirect_uri,
                                 challenge, nonce, scope, acr, amr, auth_time, sid, jkt, session_id, sealed)
    SELECT %(tenant)s, %(grant_id)s, done.id, %(relying_party)s, %(issuer)s, person.id, %(code_hash)s,
           now() + make_interval(secs => %(code_seconds)s), %(redirect_uri)s, %(challenge)s, %(nonce)s, %(scope)s, %(acr)s, %(amr)s,
           %(auth_time)s, opened.sid, %(jkt)s, opened.id, %(sealed)s FROM done, person, opened),
{outcome}
SELECT count(*) FROM done"""
COMPLETE = _COMPLETE.format(opened=sessions.OPENED, outcome=metering.OUTCOME_CTE)
COMPLETE_AGAIN = _COMPLETE.format(opened=sessions.CONTINUED, outcome=metering.OUTCOME_CTE)


# The old `sub` of a person who was imported, who is linked at the first login; else the Subject's id in the client's form.
TOLD_AS = """
WITH alias AS (
    SELECT a.id, a.value, a.subject_id FROM authflows_subjectalias a
    WHERE a.tenant_id = %(tenant)s AND a.environment_id = %(environment)s AND a.scheme = %(scheme)s AND a.key = %(key)s),
linked AS (
    UPDATE authflows_subjectalias u SET subject_id = g.subject_id, linked_at = now() FROM alias, authflows_grant g
    WHERE u.tenant_id = %(tenant)s AND u.id = alias.id AND alias.subject_id IS NULL
      AND g.tenant_id = %(tenant)s AND g.id = %(grant_id)s)
UPDATE authflows_grant g SET sub = coalesce((SELECT value FROM alias), %(sub_before)s::text || g.subject_id::text || %(sub_after)s::text)
WHERE g.tenant_id = %(tenant)s AND g.id = %(grant_id)s"""


def complete(tenant_id: uuid.UUID, completion: Completion) -> bool:
    """Compare and swap: True for the one caller whose Login this completed, with its Subject, Grant and usage outcome."""
    outcome = metering.outcome_params(
        tenant_id, completion.core_session, "completed", authenticator=completion.authenticator, level=completion.level
    )
    params = completion.grant | {
        "tenant": tenant_id,
        "login": completion.login_id,
        "core_session": completion.core_session,
        "environment": completion.environment_id,
        "kind": completion.subject_kind,
        "key": completion.subject_key,
        "new_subject": uuid.uuid4(),
        "answer": Jsonb(completion.answer),
        "amr": Jsonb(completion.grant["amr"]),
        **_opening(completion.session),
        **outcome,
    }
    with transaction(tenant_id) as step:
        cursor = step.execute(COMPLETE if completion.session.was is None else COMPLETE_AGAIN, params)
        if "scheme" in completion.grant:
            step.execute(TOLD_AS, params)
    row = cursor.fetchone()
    return bool(row and row[0])


def _opening(session: Opening) -> dict[str, Any]:
    return {
        "session": uuid7(),
        "holder": session.holder,
        "session_hash": session.hash,
        "session_was": session.was,
        "session_sealed": session.sealed,
        "session_seconds": session.seconds,
        "message": uuid7(),
    }


FAIL = """
WITH ended AS (
    UPDATE authflows_login SET state = 'failed', outcome = %(outcome)s, error = %(error)s, answer = %(answer)s, sealed = NULL,
                               ended_at = now(), request = request - 'reference_text'
    WHERE tenant_id = %(tenant)s AND id = %(login)s AND state IN ('created', 'requested') RETURNING id)
UPDATE authflows_coresession c SET state = 'finished' FROM ended
WHERE c.tenant_id = %(tenant)s AND c.login_id = ended.id AND c.state = 'accepted'"""


def fail(
    tenant_id: uuid.UUID, login_id: uuid.UUID, core_session: uuid.UUID | None, *, outcome: str, error: str, answer: dict[str, Any]
) -> None:
    """Ends a Login without an identity; the first ending holds."""
    params = {"tenant": tenant_id, "login": login_id, "outcome": outcome, "error": error, "answer": Jsonb(answer)}
    with transaction(tenant_id) as step:
        step.execute(FAIL, params)
        if core_session is not None:
            metering.outcome(step, tenant_id, core_session, outcome)


def version(issuer_id: uuid.UUID) -> int:
    connection.ensure_connection()
    row = connection.connection.execute("SELECT version FROM tenants_issuer WHERE id = %s", [issuer_id], prepare=True).fetchone()
    return int(row[0]) if row else 0
