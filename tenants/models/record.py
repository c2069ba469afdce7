"""Rows that keep the ground honest: audit chains, keys of the vault, work, outbox, limits, heartbeats."""

from django.db import models
from django.db.models import Index, Q
from django.db.models.functions import Now

from tenants.ids import uuid7
from tenants.models.owned import TenantOwned
from tenants.models.tenant import Operator


class AuditFacts(models.Model):
    """One entry of a hash chain: hash = sha256(previous || canonical text of the entry)."""

    seq = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=100, help_text="user:<id>, staff:<id>, client:<id>, command or system")
    action = models.CharField(max_length=100)
    subject = models.CharField(max_length=200, help_text="kind:id of what was changed")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True)
    previous = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        abstract = True


class AuditEntry(AuditFacts, TenantOwned):
    class Meta(TenantOwned.Meta):
        constraints = [*TenantOwned.Meta.constraints, models.UniqueConstraint(fields=["tenant", "seq"], name="tenants_auditentry_seq")]


class AuditHead(TenantOwned):
    """The chain's end, locked last: (tenant, seq, hash)."""

    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(default=bytes)

    class Meta(TenantOwned.Meta):
        constraints = [*TenantOwned.Meta.constraints, models.UniqueConstraint(fields=["tenant"], name="tenants_audithead_one")]


class OperatorAuditEntry(AuditFacts):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "seq"], name="tenants_operatorauditentry_seq")]


class OperatorAuditHead(models.Model):
    operator = models.OneToOneField(Operator, models.PROTECT, primary_key=True, related_name="+")
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(default=bytes)


class MasterKey(models.Model):
    """Which master keys may wrap data keys. The key itself is never in the database."""

    kid = models.CharField(max_length=40, primary_key=True)
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["current"], condition=Q(current=True), name="tenants_masterkey_one_current")]


class DataKey(TenantOwned):
    """A tenant's data key, wrapped by a master key."""

    master_kid = models.CharField(max_length=40)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [*TenantOwned.Meta.constraints, models.UniqueConstraint(fields=["tenant"], name="tenants_datakey_one")]


class WorkState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Work(models.Model):
    """Something that must be done once (decision 23). A tenant's id here is data, not a reference."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    for_tenant = models.UUIDField(null=True)
    ids = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=WorkState.choices, default=WorkState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="tenants_work_once")]
        indexes = [Index(fields=["kind", "not_before"], condition=Q(state__in=["waiting", "running"]), name="tenants_work_open")]


class OutboxMessage(models.Model):
    """An announcement written in the transaction of what it announces; sent at least once by the portal."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=60)
    for_tenant = models.UUIDField(null=True)
    ids = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [Index(fields=["next_at"], condition=Q(sent_at__isnull=True), name="tenants_outbox_waiting")]


class RateLimit(models.Model):
    """Requests counted in one window of one limit."""

    key = models.CharField(max_length=200, primary_key=True)
    window = models.BigIntegerField()
    n = models.IntegerField()


class Heartbeat(models.Model):
    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
