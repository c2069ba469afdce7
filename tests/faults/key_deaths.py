"""A process that ends before any one statement of a rotation leaves an environment's keys as they were: in forks, as billing_deaths."""

from __future__ import annotations

import sys
import uuid
from functools import partial

from authflows import key_rotation
from authflows.keys import Urgency
from tenants.isolation import tenant_scope
from tenants.models import Environment, Issuer
from tests.faults.billing_deaths import until_done


def state(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> tuple[object, ...]:
    versions = list(Issuer.objects.filter(environment_id=environment_id).order_by("id").values_list("version", flat=True))
    return versions, [(key.kid, key.state) for key in key_rotation.shown(tenant_id, environment_id)]


def die_everywhere(tenant: str, kind: str) -> None:
    tenant_id = uuid.UUID(tenant)
    with tenant_scope(tenant_id):
        environment_id = Environment.objects.of(tenant_id).get(kind=kind).id
    for urgency in (Urgency.DUE, Urgency.COMPROMISED):
        before = state(tenant_id, environment_id)
        deed = partial(key_rotation.rotate, tenant_id, environment_id, urgency)
        statements = until_done(deed, partial(state, tenant_id, environment_id))
        assert state(tenant_id, environment_id) != before
        print(urgency.value, statements, file=sys.stderr)
