"""What MitID decides: no tenant, no operator, the same for every broker. Append-only (decision 19)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tenants.ids import uuid7


class ContractYear(models.Model):
    """A stored number and any length; both days belong to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.PositiveSmallIntegerField(unique=True)
    first = models.DateField(unique=True)
    last = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(first__day=1) & Q(last__gt=F("first")), name="billing_contractyear_months"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class AapDecision(models.Model):
    """The price per request of a contract year, from the totals of the whole scheme. Of a year's decisions the newest counts."""

    class Kind(models.TextChoices):
        PROVISIONAL = "provisional"
        FINAL = "final"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    contract_year = models.ForeignKey(ContractYear, models.PROTECT, related_name="decisions")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    requests = models.BigIntegerField(help_text="forecast or actual, of all brokers")
    authenticators = models.BigIntegerField(help_text="physical ones, forecast or actual")
    price = models.DecimalField(max_digits=12, decimal_places=6)
    currency = models.CharField(max_length=3, default="DKK")
    source = models.TextField()
    reason = models.TextField(blank=True)
    entered_by = models.CharField(max_length=100)
    approved_by = models.CharField(max_length=100, blank=True)
    illustrative = models.BooleanField()
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0, requests__gte=0, authenticators__gte=0), name="billing_aapdecision_not_negative"
            ),
        ]


class SchemeCharge(models.Model):
    """A surcharge per request, beside the AAP. `until` is its last day; from then on it is charged by nobody."""

    class Kind(models.TextChoices):
        CORE_CLIENT = "core_client"
        UDVIKLINGSBIDRAG = "udviklingsbidrag"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    usage_model = models.CharField(max_length=20, default="standard", help_text="core_client: whose events it is priced for")
    price = models.DecimalField(max_digits=12, decimal_places=6)
    currency = models.CharField(max_length=3, default="DKK")
    starts = models.DateField()
    until = models.DateField(null=True)
    source = models.TextField()
    entered_by = models.CharField(max_length=100)
    illustrative = models.BooleanField()
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "usage_model", "starts"], name="billing_schemecharge_start"),
            models.CheckConstraint(condition=Q(starts__day=1), name="billing_schemecharge_first"),
            models.CheckConstraint(
                condition=Q(price__gte=0) & (Q(until__isnull=True) | Q(until__gt=F("starts"))), name="billing_schemecharge_sane"
            ),
        ]
