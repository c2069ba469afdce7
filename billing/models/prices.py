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
    AT_COST_PLUS = "at_cost_plus"  # a percentage, or ore per request, or both
    INCLUDED = "included"  # in the operator's own fee


class TierMode(models.TextChoices):
    GRADUATED = "graduated"  # each request costs what its own tier says
    VOLUME = "volume"  # all requests cost what the tier says that their number reaches


class Period(models.TextChoices):
    """What the requests of the operator's fee are counted over."""

    MONTH = "month"
    YEAR = "year"  # MitID's contract year


class PlanVersion(models.Model):
    """A plan from the first of a month until the next version starts.

    `plus`: of each price that is passed on at cost plus, {"percent": "2.5", "ore": "0.5"}. `minimum`: of a month's fee without the
    subscription. `discount`: percent of that fee, until the month of `discount_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="versions")
    starts = models.DateField()
    currency = models.CharField(max_length=3, default="DKK")
    aap = models.CharField(max_length=12, choices=PassOn.choices, default=PassOn.AT_COST)
    core_client = models.CharField(max_length=12, choices=PassOn.choices, default=PassOn.AT_COST)
    udviklingsbidrag = models.CharField(max_length=12, choices=PassOn.choices, default=PassOn.AT_COST)
    plus = models.JSONField(default=dict)
    mode = models.CharField(max_length=9, choices=TierMode.choices, default=TierMode.GRADUATED)
    period = models.CharField(max_length=5, choices=Period.choices, default=Period.MONTH)
    subscription = models.DecimalField(max_digits=14, decimal_places=2, null=True, help_text="per month")
    minimum = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    discount = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    discount_until = models.DateField(null=True)
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
            models.CheckConstraint(
                condition=(Q(minimum__isnull=True) | Q(minimum__gte=0))
                & (Q(discount__isnull=True) | Q(discount__gte=0, discount__lte=100))
                & (Q(period="month") | Q(minimum__isnull=True, discount__isnull=True)),
                name="billing_planversion_sane",
            ),
        ]


class PlanTier(models.Model):
    """`price` holds up to and including request number `up_to` of the period; null is without end."""

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


class PlanPrice(models.Model):
    """A price of their own for the requests of a connection (null: any) and action ("": any): they do not count in the tiers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(PlanVersion, models.PROTECT, related_name="prices")
    connection_id = models.UUIDField(null=True)
    action = models.CharField(max_length=50, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "connection_id", "action"], name="billing_planprice_one", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(price__gte=0) & (Q(connection_id__isnull=False) | ~Q(action="")), name="billing_planprice_sane"
            ),
        ]


class OneOff(TenantOwned):
    """Charged once, with a month's document: a connection that was set up, hours of support."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    account = TenantRef(BillingAccount, related_name="+")
    month = models.DateField()
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    unit_price = models.DecimalField(max_digits=14, decimal_places=2)
    text = models.CharField(max_length=200)
    entered_by = models.CharField(max_length=100)
    approved_by = models.CharField(max_length=100)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.CheckConstraint(condition=Q(month__day=1, quantity__gt=0, unit_price__gte=0), name="billing_oneoff_sane"),
        ]
        indexes = [models.Index(fields=["tenant", "month"], name="billing_oneoff_month")]


class ProposedOneOff(TenantOwned):
    """A one-off line that waits for somebody else. Approved, the OneOff has its id."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    account = TenantRef(BillingAccount, related_name="+")
    month = models.DateField()
    quantity = models.DecimalField(max_digits=12, decimal_places=2)
    unit_price = models.DecimalField(max_digits=14, decimal_places=2)
    text = models.CharField(max_length=200)
    entered_by = models.CharField(max_length=100)
    withdrawn_by = models.CharField(max_length=100, blank=True)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.CheckConstraint(condition=Q(month__day=1, quantity__gt=0, unit_price__gte=0), name="billing_proposedoneoff_sane"),
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
            models.CheckConstraint(condition=Q(starts__day=1), name="billing_accountplan_first"),
        ]
