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


class AapTable(models.Model):
    """Prices by requests and physical authenticators of the whole scheme. Of a year's tables the newest counts.

    That its cells leave no gap is checked at commit by a deferred trigger (migration 0004); `reason` says why it runs the wrong way.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    contract_year = models.ForeignKey(ContractYear, models.PROTECT, related_name="tables")
    serial = models.IntegerField(help_text="of all tables: what keeps the cells of two tables apart")
    currency = models.CharField(max_length=3, default="DKK")
    source = models.TextField()
    reason = models.TextField(blank=True)
    entered_by = models.CharField(max_length=100)
    illustrative = models.BooleanField()
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["serial"], name="billing_aaptable_serial")]


class AapCell(models.Model):
    """The price where both totals lie in [from, to); null is without end. Cells of a table never overlap: an exclusion constraint."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    table = models.ForeignKey(AapTable, models.PROTECT, related_name="cells")
    serial = models.IntegerField(help_text="its table's")
    requests_from = models.BigIntegerField()
    requests_to = models.BigIntegerField(null=True)
    authenticators_from = models.BigIntegerField()
    authenticators_to = models.BigIntegerField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0, requests_from__gte=0, authenticators_from__gte=0)
                & (Q(requests_to__isnull=True) | Q(requests_to__gt=F("requests_from")))
                & (Q(authenticators_to__isnull=True) | Q(authenticators_to__gt=F("authenticators_from"))),
                name="billing_aapcell_sane",
            )
        ]


class AapDecision(models.Model):
    """The price per request of a contract year, from the totals of the whole scheme. Of a year's decisions of a kind the newest counts;
    a final one once it is approved. `table` is null where the price was announced."""

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
    table = models.ForeignKey(AapTable, models.PROTECT, null=True, related_name="+")
    source = models.TextField()
    reason = models.TextField(blank=True)
    entered_by = models.CharField(max_length=100)
    illustrative = models.BooleanField()
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0, requests__gte=0, authenticators__gte=0), name="billing_aapdecision_not_negative"
            ),
        ]


class AapApproval(models.Model):
    """Somebody else than who entered it says that a decision is right."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    decision = models.OneToOneField(AapDecision, models.PROTECT, related_name="approval")
    approved_by = models.CharField(max_length=100)
    approved_at = models.DateTimeField(db_default=Now(), editable=False)


class OutcomeRule(models.Model):
    """Which outcomes the core does not charge for, from a month on until the next rule. Without any, all that it accepted costs."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    starts = models.DateField(unique=True)
    left_out = models.JSONField(default=list, help_text="of completed, cancelled, failed, expired")
    source = models.TextField()
    entered_by = models.CharField(max_length=100)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(starts__day=1), name="billing_outcomerule_first")]


class SchemeCharge(models.Model):
    """Beside the AAP, per request or as a yearly cost of the operator. `until` is its last day; then it is charged by nobody.

    Of a kind and usage model the one that started last holds; of those that start together the newest.
    """

    class Per(models.TextChoices):
        REQUEST = "request"
        YEAR = "year"

    class Kind(models.TextChoices):
        CORE_CLIENT = "core_client"
        UDVIKLINGSBIDRAG = "udviklingsbidrag"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    usage_model = models.CharField(max_length=20, default="standard", help_text="core_client: whose events it is priced for")
    per = models.CharField(max_length=7, choices=Per.choices, default=Per.REQUEST)
    price = models.DecimalField(max_digits=18, decimal_places=6)
    currency = models.CharField(max_length=3, default="DKK")
    starts = models.DateField()
    until = models.DateField(null=True)
    source = models.TextField()
    entered_by = models.CharField(max_length=100)
    illustrative = models.BooleanField()
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(starts__day=1), name="billing_schemecharge_first"),
            models.CheckConstraint(
                condition=Q(price__gte=0) & (Q(until__isnull=True) | Q(until__gt=F("starts"))), name="billing_schemecharge_sane"
            ),
        ]
