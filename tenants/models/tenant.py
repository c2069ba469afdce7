"""Operator, tenant, environment: who sells, who buys, and test apart from production."""

from django.db import models
from django.db.models.functions import Now

from tenants.ids import uuid7


class Operator(models.Model):
    """The legal seller. One is seeded; nothing assumes that there is one (decision 18)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    cvr = models.CharField(max_length=8)
    address = models.JSONField(default=list, help_text="lines of the postal address")
    country = models.CharField(max_length=2, default="DK")
    email = models.EmailField(blank=True)
    currency = models.CharField(max_length=3, default="DKK")
    bank_registration = models.CharField(max_length=4, blank=True)
    bank_account = models.CharField(max_length=10, blank=True)
    iban = models.CharField(max_length=34, blank=True)
    fik_creditor = models.CharField(max_length=8, blank=True)
    series_prefix = models.CharField(max_length=8, default="F")
    credit_prefix = models.CharField(max_length=8, default="K")
    approval = models.BooleanField(default=True, help_text="a person approves drafts before they are issued")
    issue_day = models.PositiveSmallIntegerField(default=3)
    payment_days = models.PositiveSmallIntegerField(default=30)
    support_url = models.URLField(blank=True)
    privacy_url = models.URLField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class Sector(models.TextChoices):
    PRIVATE = "private"
    PUBLIC = "public"


class Tenant(models.Model):
    """A service provider: the operator's customer. Slugs never change and never end in -test (decision 5)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="tenants")
    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    sector = models.CharField(max_length=10, choices=Sector.choices, default=Sector.PRIVATE)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(slug__regex=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$") & ~models.Q(slug__endswith="-test"),
                name="tenants_tenant_slug",
            )
        ]

    def __str__(self) -> str:
        return self.name
