"""What people agreed to about their CPR numbers, and the numbers that they let us remember."""

import uuid

from django.db import models
from django.db.models.functions import Now

from authflows.models.relying_party import RelyingParty
from tenants.models import TenantOwned, TenantRef


class CprConsent(TenantOwned):
    """The proof: who agreed to what, word for word, and when; never the number. `key` is that of Subject."""

    environment_id = models.UUIDField(editable=False)
    relying_party = TenantRef(RelyingParty, related_name="+")
    relying_party_id: uuid.UUID
    login_id = models.UUIDField(help_text="the Login in which it was given; no reference: that may go first")
    key = models.BinaryField(max_length=32, help_text="as Subject.key")
    language = models.CharField(max_length=2)
    title = models.TextField(help_text="as it was shown")
    text = models.TextField(help_text="as it was shown")
    remembers = models.BooleanField(help_text="whether remembering was agreed to")
    given_at = models.DateTimeField(db_default=Now(), editable=False)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "environment_id", "key"], name="authflows_cprconsent_person")]


class RememberedCpr(TenantOwned):
    """The one exception to claims that live no longer than their token (decision 13): by consent, in the vault, for a year."""

    environment_id = models.UUIDField(editable=False)
    key = models.BinaryField(max_length=32, help_text="as Subject.key")
    consent = TenantRef(CprConsent, related_name="+")
    consent_id: uuid.UUID
    cpr = models.BinaryField(help_text="ten digits, encrypted by the vault")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "environment_id", "key"], name="authflows_rememberedcpr_person"),
        ]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="authflows_rememberedcpr_over")]
