"""Invoices and credit notes. An issued document never changes and is never deleted: privileges first, a row-local trigger second."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.billing_account import BillingAccount
from billing.pricing import LineKind
from billing.vat import Treatment
from tenants.ids import uuid7
from tenants.models import Language, Operator, Tenant, TenantOwned, TenantRef


class Kind(models.TextChoices):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class State(models.TextChoices):
    DRAFT = "draft"
    APPROVED = "approved"
    ISSUED = "issued"
    DROPPED = "dropped"


class Series(models.Model):
    """Numbers without gaps and the end of the hash chain, per operator, kind and year. Locked last (decision 22)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "kind", "year"], name="billing_series_one")]


class DocumentNumber(models.Model):
    """Where a number's document is: looked up before its tenant is known."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    number = models.CharField(max_length=30)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    document_id = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number", "operator"], name="billing_documentnumber_one")]


class Document(TenantOwned):
    """`idempotency_key`: `usage:<month>:<revision>`, `credit:<document>:<n>` or `rec:<year>:<VAT treatment>:<n>`.

    `snapshot` is the canonical JSON text that the hash is of. `counted_through`: the last month whose posted usage it was priced from.
    `corrects`: [{"number", "issue_date"}] of the documents that it changes.
    """

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    account = TenantRef(BillingAccount, related_name="+")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    idempotency_key = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    period_first = models.DateField()
    period_last = models.DateField()
    currency = models.CharField(max_length=3)
    language = models.CharField(max_length=2, choices=Language.choices)
    vat_treatment = models.CharField(max_length=20, choices=[(t.value, t.value) for t in Treatment])
    counted_through = models.DateField(null=True)
    credited = TenantRef("Document", null=True, related_name="+")
    corrects = models.JSONField(default=list)
    requests = models.BigIntegerField(default=0)
    net = models.DecimalField(max_digits=16, decimal_places=2)
    vat = models.DecimalField(max_digits=16, decimal_places=2)
    gross = models.DecimalField(max_digits=16, decimal_places=2)
    illustrative = models.BooleanField()
    price_rows = models.JSONField(help_text="the rows that the lines were priced by, as they were then")
    snapshot = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=100, blank=True)
    number = models.CharField(max_length=30, null=True)
    series_year = models.PositiveSmallIntegerField(null=True)
    sequence = models.PositiveIntegerField(null=True)
    issue_date = models.DateField(null=True)
    due_date = models.DateField(null=True)
    issued_at = models.DateTimeField(null=True)
    hash = models.BinaryField(max_length=32, null=True)
    dropped_at = models.DateTimeField(null=True)
    drop_reason = models.TextField(blank=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="billing_document_once"),
            models.UniqueConstraint(fields=["tenant", "number"], name="billing_document_number"),
            models.CheckConstraint(
                condition=(
                    Q(state="issued", number__isnull=False, sequence__isnull=False, issue_date__isnull=False, hash__isnull=False)
                    | (~Q(state="issued") & Q(number__isnull=True, sequence__isnull=True, hash__isnull=True))
                ),
                name="billing_document_issued_has_number",
            ),
            models.CheckConstraint(condition=Q(gross__gte=0), name="billing_document_not_negative"),
        ]
        indexes = [models.Index(fields=["operator", "period_first", "state"], name="billing_document_period")]


class DocumentLine(TenantOwned):
    """A line as priced, in no language: the same words as `pricing.Line`."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    document = TenantRef(Document, related_name="+")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, choices=[(k.value, k.value) for k in LineKind])
    period_first = models.DateField()
    period_last = models.DateField()
    quantity = models.DecimalField(max_digits=18, decimal_places=6)
    unit = models.CharField(max_length=10)
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    text = models.CharField(max_length=50)
    detail = models.CharField(max_length=50, null=True)
    parameters = models.JSONField(default=dict)
    tier_from = models.BigIntegerField(null=True)
    tier_to = models.BigIntegerField(null=True)
    price_rows = models.JSONField(default=list)
    credited_position = models.PositiveSmallIntegerField(null=True)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "document_id", "position"], name="billing_documentline_position"),
        ]


class DocumentRendering(TenantOwned):
    """A form of the snapshot, kept so that what was sent can be sent again. Never the original."""

    class Format(models.TextChoices):
        PDF = "pdf"
        CSV = "csv"

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    document = TenantRef(Document, related_name="+")
    format = models.CharField(max_length=10, choices=Format.choices)
    content = models.BinaryField()
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "document_id", "format"], name="billing_documentrendering_one"),
        ]
