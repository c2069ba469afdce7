"""What a tenant logs people in to, and how its page looks."""

import uuid

from django.db import models
from django.db.models.functions import Now

from tenants.ids import uuid7
from tenants.models import Environment, Operator, Sector, Tenant, TenantOwned, TenantRef


class Level(models.TextChoices):
    LOW = "low"
    SUBSTANTIAL = "substantial"
    HIGH = "high"


def login_only() -> list[str]:
    return ["login"]


class Connection(models.Model):
    """A way to an upstream, owned by the operator or by one tenant; environments are granted some (decision 15)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+")
    owner_tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=20, help_text="a key of upstream.registry")
    name = models.CharField(max_length=100)
    sector = models.CharField(max_length=10, choices=Sector.choices, default=Sector.PRIVATE)
    level_cap = models.CharField(max_length=12, choices=Level.choices, default=Level.HIGH)
    usage_model = models.CharField(max_length=20, default="standard", help_text="the scheme's usage model that prices its requests")
    core_client = models.BooleanField(default=True, help_text="the core's own client is used, which MitID charges for")
    sso = models.BooleanField(default=True, help_text="its logins may be reused while a session lasts")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "owner_tenant", "name"], name="authflows_connection_name", nulls_distinct=False)
        ]


class ConnectionGrant(TenantOwned):
    """An environment may use a connection."""

    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="+")

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "environment_id", "connection"], name="authflows_connectiongrant_one"),
        ]


class Logo(TenantOwned):
    """An image of ours, drawn from what was uploaded (loginbox.logos); named by its content, so immutable."""

    digest = models.CharField(max_length=64, help_text="SHA-256 of the content, hexadecimal")
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "digest"], name="authflows_logo_digest"),
        ]


class Theme(TenantOwned):
    """What stands around the box: values only, never CSS. A published theme is immutable; changing it makes a new version.

    An environment's design is named after its kind. Its newest version may be a draft, which no page of a login shows.
    """

    name = models.CharField(max_length=50)
    version = models.PositiveIntegerField(default=1)
    layout = models.CharField(max_length=10, default="split", help_text="split, centred or topbar")
    content_on_phones = models.BooleanField(default=False, help_text="the column beside the box stands below it on a phone")
    kinds = models.JSONField(default=login_only, help_text="kinds of page that it applies to: login, approve, sign")
    values = models.JSONField(default=dict, help_text="validated tokens: colours per scheme and font")
    texts = models.JSONField(default=dict, help_text="per language: heading, text, points, groups of links, cpr_consent")
    logo = TenantRef(Logo, null=True, related_name="+")
    logo_id: uuid.UUID | None
    saved_at = models.DateTimeField(db_default=Now())
    saved_by = models.CharField(max_length=60, blank=True, default="", help_text="as the audit chain names people")
    published_at = models.DateTimeField(null=True)
    published_by = models.CharField(max_length=60, blank=True, default="")
    restored_from = models.PositiveIntegerField(null=True, help_text="the version that was rolled back to")

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "name", "version"], name="authflows_theme_version"),
        ]


class Service(TenantOwned):
    """What the end user is told they log on to; its alias is shown in the box."""

    environment = TenantRef(Environment, related_name="+")
    environment_id: uuid.UUID
    alias = models.CharField(max_length=60)
    approved_at = models.DateTimeField(null=True)
    theme = TenantRef(Theme, null=True, related_name="+")
    theme_id: uuid.UUID | None
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "environment_id", "alias"], name="authflows_service_alias"),
        ]
