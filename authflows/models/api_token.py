"""What a client calls our own API with: for itself, and for nobody who logged in (RFC 6749 section 4.4)."""

import uuid

from django.db import models

from authflows.models.relying_party import RelyingParty
from tenants.models import Issuer, TenantOwned, TenantRef


class ApiToken(TenantOwned):
    relying_party = TenantRef(RelyingParty, related_name="+", cascades=True)
    relying_party_id: uuid.UUID
    issuer = models.ForeignKey(Issuer, models.PROTECT, related_name="+", db_index=False)
    hash = models.BinaryField(max_length=32)
    scope = models.TextField()
    expires_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "hash"], name="authflows_apitoken_hash"),
        ]
