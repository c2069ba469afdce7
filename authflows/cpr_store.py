"""The SQL of CPR numbers: tries, consents, and the numbers that people let us remember. As in `store`, one function a step."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from authflows import cpr
from authflows.models import BrokerSession, CprConsent, RememberedCpr
from authflows.store import transaction
from tenants import vault
from tenants.ids import uuid7
from tenants.isolation import tenant_scope

TABLE = "authflows_rememberedcpr"

TAKE_TRY = """
UPDATE authflows_coresession c SET cpr_tries = cpr_tries + 1
WHERE c.tenant_id = %(tenant)s AND c.id = %(core_session)s AND c.cpr_tries < %(tries)s AND c.state IN ('accepted', 'finished')
RETURNING c.cpr_tries, c.core_id, c.connection_id"""


@dataclass(frozen=True, slots=True)
class Try:
    """One of the few that a core session has; taken before the core is asked."""

    used: int
    core_id: str
    connection_id: uuid.UUID


def take_try(tenant_id: uuid.UUID, core_session: uuid.UUID) -> Try | None:
    with transaction(tenant_id) as step:
        cursor = step.execute(TAKE_TRY, {"tenant": tenant_id, "core_session": core_session, "tries": cpr.TRIES})
    row = cursor.fetchone()
    return Try(*row) if row else None


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody agreed to, word for word; never the number."""

    relying_party_id: uuid.UUID
    login_id: uuid.UUID
    language: str
    title: str
    text: str


CONSENTED = """
INSERT INTO authflows_cprconsent (tenant_id, id, environment_id, relying_party_id, login_id, key, language, title, text, remembers)
VALUES (%(tenant)s, %(consent)s, %(environment)s, %(relying_party)s, %(login)s, %(key)s, %(language)s, %(title)s, %(text)s,
        %(remembers)s)"""
REMEMBER = """
INSERT INTO authflows_rememberedcpr (tenant_id, id, environment_id, key, consent_id, cpr, expires_at)
VALUES (%(tenant)s, %(id)s, %(environment)s, %(key)s, %(consent)s, %(cpr)s, now() + make_interval(days => %(days)s))
ON CONFLICT (tenant_id, environment_id, key) DO UPDATE
SET id = excluded.id, consent_id = excluded.consent_id, cpr = excluded.cpr, created_at = now(), used_at = NULL,
    expires_at = excluded.expires_at"""


def consented(tenant_id: uuid.UUID, environment_id: uuid.UUID, key: bytes, consent: Consent, remember: str) -> None:
    """Keeps the wording; and the number, where `remember` is one, in place of one that was remembered before."""
    row_id, consent_id = uuid7(), uuid7()
    sealed = vault.encrypt(tenant_id, TABLE, "cpr", row_id, remember.encode()) if remember else b""
    where = {"tenant": tenant_id, "environment": environment_id, "key": key, "consent": consent_id}
    said = {
        "relying_party": consent.relying_party_id,
        "login": consent.login_id,
        "language": consent.language,
        "title": consent.title,
        "text": consent.text,
        "remembers": bool(remember),
    }
    with transaction(tenant_id) as step:
        step.execute(CONSENTED, where | said)
        if remember:
            step.execute(REMEMBER, where | {"id": row_id, "cpr": sealed, "days": cpr.REMEMBERED_DAYS})


REMEMBERED = """
UPDATE authflows_rememberedcpr r SET used_at = now()
WHERE r.tenant_id = %(tenant)s AND r.environment_id = %(environment)s AND r.key = %(key)s AND r.expires_at > now()
RETURNING r.id, r.cpr"""


def remembered(tenant_id: uuid.UUID, environment_id: uuid.UUID, key: bytes) -> str:
    """The number that this person let us remember; "" where there is none."""
    with transaction(tenant_id) as step:
        cursor = step.execute(REMEMBERED, {"tenant": tenant_id, "environment": environment_id, "key": key})
    row = cursor.fetchone()
    return vault.decrypt(tenant_id, TABLE, "cpr", row[0], bytes(row[1])).decode() if row else ""


def forget(tenant_id: uuid.UUID, environment_id: uuid.UUID, keys: Iterable[bytes]) -> bool:
    """People withdraw what they consented to. True where something had been remembered."""
    theirs = {"environment_id": environment_id, "key__in": list(keys)}
    with tenant_scope(tenant_id):
        gone = RememberedCpr.objects.of(tenant_id).filter(**theirs)._raw_delete(connection.alias)
        CprConsent.objects.of(tenant_id).filter(**theirs, revoked_at__isnull=True).update(revoked_at=Now())
    return bool(gone)


def kept(tenant_id: uuid.UUID, environment_id: uuid.UUID, keys: Iterable[bytes]) -> list[RememberedCpr]:
    """What is remembered of these people, each with its consent."""
    with tenant_scope(tenant_id):
        rows = RememberedCpr.objects.of(tenant_id).select_related("consent")
        return list(rows.filter(environment_id=environment_id, key__in=list(keys), expires_at__gt=Now()).order_by("id"))


def sealed_sessions(tenant_id: uuid.UUID, environment_id: uuid.UUID, hashes: Iterable[bytes], *, idle: int) -> dict[bytes, bytes]:
    """What a browser's sessions hold, by the hash of their secrets."""
    now = timezone.now()
    with tenant_scope(tenant_id):
        rows = BrokerSession.objects.of(tenant_id).filter(environment_id=environment_id, browser_hash__in=list(hashes))
        lasting = rows.filter(sealed__isnull=False, ended_at__isnull=True, expires_at__gt=now, used_at__gt=now - timedelta(seconds=idle))
        return {bytes(row.browser_hash): bytes(row.sealed or b"") for row in lasting}


OF_TOKEN = """
SELECT s.kind, g.auth_time FROM authflows_accesstoken t
JOIN authflows_grant g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
JOIN authflows_subject s ON s.tenant_id = t.tenant_id AND s.id = g.subject_id
WHERE t.tenant_id = %(tenant)s AND t.hash = %(hash)s"""


def of_token(tenant_id: uuid.UUID, token_hash: bytes) -> tuple[str, datetime] | None:
    """Which kind of identity logged in, and when; None for a login of nobody."""
    with transaction(tenant_id) as step:
        cursor = step.execute(OF_TOKEN, {"tenant": tenant_id, "hash": token_hash})
    row = cursor.fetchone()
    return (row[0], row[1]) if row else None
