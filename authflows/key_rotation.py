"""Keys change beside running servers (decision 14): every process learns it by the issuer's version."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from authflows import configuration, keys
from authflows.keys import Ages, Urgency
from authflows.models import Key, KeyState, Purpose
from tenants import audit
from tenants.isolation import tenant_ids, tenant_scope
from tenants.models import Environment

log = logging.getLogger("authflows")


def ages() -> Ages:
    """A retiring key stays for the longest life of what it signed, and a day for those who keep what they read of us."""
    longest = max(settings.ACCESS_TOKEN_SECONDS, settings.ID_TOKEN_SECONDS)
    day = timedelta(days=1)
    return Ages(active=timedelta(days=settings.SIGNING_KEY_DAYS), published=day, retiring=timedelta(seconds=longest) + day)


# As relying parties meet them: what signs now first, what is over last.
ORDER = (KeyState.ACTIVE, KeyState.NEXT, KeyState.RETIRING, KeyState.GONE)
MOST_GONE = 6


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """`until`: when it goes over to its next state by itself, where that can be told."""

    kid: str
    purpose: str
    alg: str
    state: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None
    until: datetime | None


def shown(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> list[KeyFacts]:
    """An environment's keys, by state; of those that are gone the last few."""
    with tenant_scope(tenant_id):
        rows = Key.objects.of(tenant_id).filter(environment_id=environment_id, purpose__in=[Purpose.OIDC_SIGN, Purpose.OIDC_DECRYPT])
        living = list(rows.exclude(state=KeyState.GONE).order_by("-purpose", "alg", "id"))
        gone = list(rows.filter(state=KeyState.GONE).order_by("-retired_at", "-id")[:MOST_GONE])
    return [_facts(key) for state in ORDER for key in (*living, *gone) if key.state == state]


def _facts(key: Key) -> KeyFacts:
    lives = ages()
    until = {
        KeyState.ACTIVE: key.activated_at and key.activated_at + lives.active,
        KeyState.RETIRING: key.retired_at and key.retired_at + lives.retiring,
    }
    return KeyFacts(
        key.kid, key.purpose, key.alg, key.state, key.created_at, key.activated_at, key.retired_at, until.get(KeyState(key.state))
    )


def rotate_all() -> int:
    """What is due, everywhere; how many environments have changed. One tenant's trouble stops nobody else's keys."""
    changed = 0
    for tenant_id in tenant_ids():
        try:
            with tenant_scope(tenant_id):
                environments = list(Environment.objects.of(tenant_id).values_list("id", flat=True))
            changed += sum(bool(rotate(tenant_id, environment_id)) for environment_id in environments)
        except Exception:
            # Whatever it was: a data key that cannot be opened, a row that somebody holds.
            log.exception("keys of tenant %s", tenant_id)
    return changed


def rotate(
    tenant_id: uuid.UUID, environment_id: uuid.UUID, urgency: Urgency = Urgency.DUE, *, actor: str = "system", reason: str = ""
) -> dict[str, list[str]]:
    """One environment's keys, in one transaction: kids by the state that they are in since. Raises LookupError as `keys.rotate` does."""
    with tenant_scope(tenant_id):
        moved = keys.rotate(tenant_id, environment_id, ages(), urgency)
        if moved:
            configuration.changed(tenant_id, environment_id)
            facts = {state: ", ".join(kids) for state, kids in moved.items()}
            audit.record(tenant_id, actor=actor, action="keys.rotated", subject=f"environment:{environment_id}", after=facts, reason=reason)
    return moved
