"""Facts that are counted, and their counts. The tables are made in SQL (migration 0002): they have no `id` and no foreign keys.

`what` in the roll-ups is additive: requested, completed, cancelled, failed, expired or voided. A void also takes 1 from its request's
outcome.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from tenants.models import OwnedManager


class Outcome(models.TextChoices):
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


REQUESTED = "requested"
VOIDED = "voided"


class Fact(models.Model):
    """About one request to the core. A CHECK holds `occurred_at` to the UUIDv7's own time, so that (request_id, occurred_at) is unique."""

    tenant_id = models.UUIDField()
    operator_id = models.UUIDField()
    request_id = models.UUIDField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        abstract = True
        managed = False


class UsageEvent(Fact):
    """The core accepted an authentication request (decision 10). Never changed."""

    pk = models.CompositePrimaryKey("tenant_id", "request_id", "occurred_at")
    environment_id = models.UUIDField()
    relying_party_id = models.UUIDField()
    connection_id = models.UUIDField()
    action = models.TextField()
    usage_model = models.TextField()
    core_client = models.BooleanField()

    class Meta(Fact.Meta):
        db_table = "usage_event"


class RequestOutcome(Fact):
    """How a request ended; at most one, the first holds."""

    pk = models.CompositePrimaryKey("tenant_id", "request_id", "occurred_at")
    outcome = models.TextField(choices=Outcome.choices)
    authenticator = models.TextField()
    level = models.TextField()
    ended_at = models.DateTimeField()

    class Meta(Fact.Meta):
        db_table = "request_outcome"


class RequestVoid(Fact):
    """A request that is not charged after all."""

    pk = models.CompositePrimaryKey("tenant_id", "request_id", "occurred_at")
    reason = models.TextField()
    voided_by = models.TextField()

    class Meta(Fact.Meta):
        db_table = "request_void"


class UsagePending(models.Model):
    """A fact that is not counted yet; written with the fact, deleted by the roller with the counting."""

    pk = models.CompositePrimaryKey("tenant_id", "request_id", "what")
    tenant_id = models.UUIDField()
    request_id = models.UUIDField()
    what = models.TextField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        managed = False
        db_table = "usage_pending"


class Count(models.Model):
    tenant_id = models.UUIDField()
    operator_id = models.UUIDField()
    environment_id = models.UUIDField()
    relying_party_id = models.UUIDField()
    connection_id = models.UUIDField()
    action = models.TextField()
    usage_model = models.TextField()
    core_client = models.BooleanField()
    what = models.TextField()
    n = models.BigIntegerField()

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        abstract = True
        managed = False


_DIMENSIONS = ("environment_id", "relying_party_id", "connection_id", "action", "usage_model", "core_client", "what")


class UsageDay(Count):
    """`day` is when it happened, in Copenhagen; `posted` the first day of the month whose document carries it."""

    pk = models.CompositePrimaryKey("tenant_id", "day", "posted", "operator_id", *_DIMENSIONS)
    day = models.DateField()
    posted = models.DateField()

    class Meta(Count.Meta):
        db_table = "usage_day"


class UsageHour(Count):
    """`hour` is the start of a UTC hour."""

    pk = models.CompositePrimaryKey("tenant_id", "hour", "operator_id", *_DIMENSIONS)
    hour = models.DateTimeField()

    class Meta(Count.Meta):
        db_table = "usage_hour"


class UsageRecount(models.Model):
    """A day of a tenant that has counts: `touches` moves with every batch rolled into it, `counted_at` is null until recounted since."""

    pk = models.CompositePrimaryKey("tenant_id", "day")
    tenant_id = models.UUIDField()
    operator_id = models.UUIDField()
    day = models.DateField()
    touches = models.BigIntegerField(default=1)
    counted_at = models.DateTimeField(null=True)
    differences = models.JSONField(default=list)

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        managed = False
        db_table = "usage_recount"


class UsageClient(models.Model):
    """What a relying party is called, told by its owner, so that counts can be shown without asking the login side."""

    pk = models.CompositePrimaryKey("tenant_id", "relying_party_id")
    tenant_id = models.UUIDField()
    operator_id = models.UUIDField()
    relying_party_id = models.UUIDField()
    environment_id = models.UUIDField()
    environment_kind = models.TextField()
    client_id = models.TextField()
    name = models.TextField()

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        managed = False
        db_table = "usage_client"
