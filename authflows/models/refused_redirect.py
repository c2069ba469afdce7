"""Addresses that were asked for and are not registered: what a client's owners need to see to put it right."""

import uuid

from django.db import models
from django.db.models.functions import Now

from authflows.models.relying_party import RelyingParty
from tenants.models import TenantOwned, TenantRef


class RefusedRedirect(TenantOwned):
    """At most as many for each client as there are slots: a newer one takes the place of an older. No value of a query is kept."""

    relying_party = TenantRef(RelyingParty, related_name="+", cascades=True)
    relying_party_id: uuid.UUID
    slot = models.PositiveSmallIntegerField()
    registered = models.TextField(help_text="the registered address that comes nearest")
    same = models.PositiveIntegerField(help_text="how many characters of it were received")
    rest = models.TextField(blank=True, help_text="what was received after them, without values of a query")
    trace_id = models.CharField(max_length=32, help_text="of the last such request")
    times = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField(db_default=Now())

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "relying_party_id", "slot"], name="authflows_refusedredirect_slot"),
        ]
