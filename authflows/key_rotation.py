"""Keys change beside running servers (decision 14): every process learns it by the issuer's version."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from django.conf import settings

from authflows import configuration, keys
from authflows.keys import Ages, Urgency
from tenants import audit
from tenants.isolation import tenant_ids, tenant_scope
from tenants.models import Environment

log = logging.getLogger("authflows")


def ages() -> Ages:
    """A retiring key stays for the longest life of what it signed, and a day for those who keep what they read of us."""
    longest = max(settings.ACCESS_TOKEN_SECONDS, settings.ID_TOKEN_SECONDS)
    day = timedelta(days=1)
    return Ages(active=timedelta(days=settings.SIGNING_KEY_DAYS), published=day, retiring=timedelta(seconds=longest) + day)


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
