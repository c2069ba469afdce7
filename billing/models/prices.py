"""What the operator decides: plans in dated versions, and which account pays which from when. Append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.billing_account import BillingAccount
from tenants.ids import uuid7
from tenants.models import Operator, TenantOwned, TenantRef


class Plan(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False, help_text="given to new accounts")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operator", "name"], name="billing_plan_name"),
            models.UniqueConstraint(fields=["operator"], condition=Q(is_default=True), name="billing_plan_default"),
        ]

    def __str__(self) -> str:
        return self.name


class PassOn(models.TextChoices):
    """How a price of the scheme reaches the account (decision 19)."""

    AT_COST = "at_cost"
    INCLUDED = "included"  # in the operator's own fee


class PlanVersion(models.Model):
    """A plan from the first of a month until the next version starts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="versions")
    starts = models.DateField()
    currency = models.CharField(max_length=3, default="DKK")
    aap = models.CharField(max_length=12, choices=PassOn.choices, default=PassOn.AT_COST)
    core_client = models.CharField(max_length=12, choices=PassOn.choices, default=PassOn.AT_COST)
    udviklingsbidrag = models.CharField(max_length=12, choices=PassOn.choices, default=PassOn.AT_COST)
    subscription = models.DecimalField(max_digits=14, decimal_places=2, null=True, help_text="per month")
    illustrative = models.BooleanField()
    entered_by = models.CharField(max_length=100)
    reason = models.TextField(blank=True)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "starts"], name="billing_planversion_start"),
            models.CheckConstraint(condition=Q(starts__day=1), name="billing_planversion_first"),
            models.CheckConstraint(
                condition=Q(subscription__isnull=True) | Q(subscription__gte=0), name="billing_planversion_subscription"
            ),
        ]


class PlanTier(models.Model):
    """`price` holds up to and including request number `up_to` of the month; null is without end. Graduated."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="tiers")
    up_to = models.BigIntegerField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "up_to"], name="billing_plantier_up_to", nulls_distinct=False),
            models.CheckConstraint(condition=Q(price__gte=0) & (Q(up_to__isnull=True) | Q(up_to__gt=0)), name="billing_plantier_sane"),
        ]


class AccountPlan(TenantOwned):
    """The account pays this plan from a month until its next row starts."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    account = TenantRef(BillingAccount, related_name="+")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+", db_index=False)
    starts = models.DateField()
    entered_by = models.CharField(max_length=100)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "starts"], name="billing_accountplan_start"),
            models.CheckConstraint(condition=Q(starts__day=1), name="billing_accountplan_first"),
        ]
