"""The tenant's legal buyer, and how far its months are closed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.vat import Treatment
from tenants.models import Language, Operator, TenantOwned, TenantRef


class BillingAccount(TenantOwned):
    """One per tenant. Its row is the lock of everything that changes what the tenant owes (decision 22)."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3, default="DKK")
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.DANISH)
    email = models.EmailField(blank=True)
    closed_through = models.DateField(null=True, help_text="first day of the last closed month")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant"], name="billing_billingaccount_one"),
            models.CheckConstraint(condition=Q(closed_through__day=1), name="billing_billingaccount_closed_through"),
        ]


class BuyerVersion(TenantOwned):
    """Who buys, from a day on. Append-only: of those that hold on a day, the newest counts."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    account = TenantRef(BillingAccount, related_name="+")
    valid_from = models.DateField()
    name = models.CharField(max_length=200)
    street = models.JSONField(default=list, help_text="address lines without postcode and city")
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, default="DK")
    cvr = models.CharField(max_length=8, blank=True)
    vat_number = models.CharField(max_length=20, blank=True)
    gln = models.CharField(max_length=13, blank=True)
    attention = models.CharField(max_length=200, blank=True)
    order_reference = models.CharField(max_length=100, blank=True)
    vat_treatment = models.CharField(max_length=20, choices=[(t.value, t.value) for t in Treatment], default=Treatment.STANDARD.value)
    entered_by = models.CharField(max_length=100)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        indexes = [models.Index(fields=["tenant", "valid_from"], name="billing_buyerversion_from")]


class BillingMonth(TenantOwned):
    """One tenant's month: why it does not close, or what it was closed with."""

    class State(models.TextChoices):
        STOPPED = "stopped"
        CLOSED = "closed"

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    month = models.DateField(help_text="its first day")
    state = models.CharField(max_length=7, choices=State.choices)
    problem = models.TextField(blank=True)
    told = models.JSONField(null=True, help_text="the problem, as refusals.stored writes it")
    requests = models.BigIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "month"], name="billing_billingmonth_one"),
            models.CheckConstraint(condition=Q(month__day=1), name="billing_billingmonth_first"),
        ]
