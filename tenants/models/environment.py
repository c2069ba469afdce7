"""A tenant's two worlds, and the addresses at which each answers."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.ids import uuid7
from tenants.models.owned import TenantOwned
from tenants.models.tenant import Tenant


class Kind(models.TextChoices):
    TEST = "test"
    PRODUCTION = "production"


class Environment(TenantOwned):
    """(tenant, test | production): own issuer, clients, keys, subjects and usage (decision 4)."""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "kind"], name="tenants_environment_kind"),
        ]


class Role(models.TextChoices):
    ISSUER = "issuer"
    BOX = "box"


class Domain(models.Model):
    """The only host table. A box host has no tenant: it may serve many (decision 9)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, related_name="+")
    host = models.CharField(max_length=255, unique=True)
    role = models.CharField(max_length=6, choices=Role.choices)
    verified_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)


class IssuerState(models.TextChoices):
    ACTIVE = "active"
    RETIRED = "retired"


class Issuer(models.Model):
    """An address of an environment: on a host of its own, or a path below the installation's base URL (decision 5).

    `version` moves whenever anything that a process may cache about the environment changes.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    environment_id = models.UUIDField()
    domain = models.OneToOneField(Domain, models.PROTECT, null=True)
    path = models.CharField(max_length=100, null=True, unique=True, help_text="/t/<environment-slug>")
    state = models.CharField(max_length=10, choices=IssuerState.choices, default=IssuerState.ACTIVE)
    version = models.BigIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(domain__isnull=True, path__isnull=False) | Q(domain__isnull=False, path__isnull=True),
                name="tenants_issuer_host_or_path",
            ),
            models.CheckConstraint(condition=Q(path__isnull=True) | Q(path__regex=r"^/t/[a-z0-9-]+$"), name="tenants_issuer_path"),
        ]
        indexes = [models.Index(fields=["tenant", "environment_id"], name="tenants_issuer_environment")]


class Installation(models.Model):
    """What the running server recorded about itself at start: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    base_url = models.URLField()
    box_url = models.URLField(blank=True)
    recorded_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="tenants_installation_one")]
