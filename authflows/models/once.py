"""What counts once: requests that a client pushed, and ids of JWTs that it showed."""

import uuid

from django.db import models
from django.db.models.functions import Now

from authflows.models.relying_party import RelyingParty
from tenants.models import Issuer, TenantOwned, TenantRef


class PushedRequest(TenantOwned):
    """An authorization request that waits for its browser (RFC 9126). Used when its login ends, not when a page is visited."""

    relying_party = TenantRef(RelyingParty, related_name="+", cascades=True)
    relying_party_id: uuid.UUID
    issuer = models.ForeignKey(Issuer, models.PROTECT, related_name="+", db_index=False)
    reference_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the reference in its request_uri")
    sealed = models.BinaryField(help_text="the parameters, sealed to the reference: they may tell who logs in")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    used_by = models.UUIDField(null=True, help_text="the login that ended with an answer to it")

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "reference_hash"], name="authflows_pushedrequest_reference"),
        ]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="authflows_pushedrequest_over")]


class SpentJti(TenantOwned):
    """The id of a JWT that was accepted, until it could not be accepted again anyway (RFC 7523 section 3, RFC 9449 section 11.1)."""

    hash = models.BinaryField(max_length=32, help_text="SHA-256 of what it was for, by whom, and its jti")
    expires_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "hash"], name="authflows_spentjti_one"),
        ]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="authflows_spentjti_over")]
