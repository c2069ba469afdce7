"""From a national id to the row that stands for a person at one organisation (decision 2)."""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid

from authflows.models import SubjectSecret
from tenants import vault
from tenants.ids import uuid7


def create_secret(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> SubjectSecret:
    """Made once, when the environment is. Runs in the tenant's scope."""
    row_id = uuid7()
    secret = vault.encrypt(tenant_id, "authflows_subjectsecret", "secret", row_id, os.urandom(32))
    return SubjectSecret.objects.create(id=row_id, tenant_id=tenant_id, environment_id=environment_id, secret=secret)


def load_secret(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> bytes:
    row = SubjectSecret.objects.of(tenant_id).get(environment_id=environment_id)
    return vault.decrypt(tenant_id, "authflows_subjectsecret", "secret", row.id, bytes(row.secret))


def key(secret: bytes, kind: str, national_id: str) -> bytes:
    return hmac.digest(secret, f"{kind}:{national_id}".encode(), hashlib.sha256)
