"""A browser that need not log in again for a while."""

from django.db import models
from django.db.models.functions import Now

from tenants.models import TenantOwned


class BrokerSession(TenantOwned):
    """Of one browser at one relying party, or at a group of them in one environment (decision 8). Its members are its grants.

    Without references: a login writes one, and each reference would cost it a look-up.
    """

    environment_id = models.UUIDField(editable=False)
    holder = models.CharField(max_length=60, help_text="who shares it: client:<relying party's id> or group:<name>")
    browser_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the secret in the browser's cookie")
    subject_id = models.UUIDField(help_text="sub")
    sealed = models.BinaryField(null=True, help_text="the Identity without CPR, sealed to the cookie; null: cannot be reused, or has ended")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    used_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "browser_hash"], name="authflows_brokersession_browser"),
        ]
