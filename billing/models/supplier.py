"""What a contract year comes to once its price is final: with each account, and with who charges the operator."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.billing_account import BillingAccount
from billing.models.documents import Document
from billing.models.scheme import AapDecision
from billing.vat import Treatment
from tenants.ids import uuid7
from tenants.models import Operator, TenantOwned, TenantRef


class Settlement(TenantOwned):
    """One reconciliation of an account's contract year, by the VAT treatment of what was billed. Append-only.

    `delta` = `final_amount` less `settled`. Without a document it is carried: too little to send, and part of the next one.
    """

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    account = TenantRef(BillingAccount, related_name="+")
    contract_year = models.PositiveSmallIntegerField()
    vat_treatment = models.CharField(max_length=20, choices=[(t.value, t.value) for t in Treatment])
    n = models.PositiveSmallIntegerField()
    decision = models.ForeignKey(AapDecision, models.PROTECT, related_name="+", db_index=False)
    requests = models.BigIntegerField()
    settled = models.DecimalField(max_digits=16, decimal_places=2)
    final_amount = models.DecimalField(max_digits=16, decimal_places=2)
    delta = models.DecimalField(max_digits=16, decimal_places=2)
    document = TenantRef(Document, null=True, related_name="+")
    document_id: uuid.UUID | None
    made_by = models.CharField(max_length=100)
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(TenantOwned.Meta):
        constraints = [
            *TenantOwned.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "contract_year", "vat_treatment", "n"], name="billing_settlement_once"),
        ]


class StatementLine(models.Model):
    """What the supplier says of a month: `requests` and `amount` of one component. Append-only: of a month's the newest counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="+", db_index=False)
    month = models.DateField()
    component = models.CharField(max_length=20)
    requests = models.BigIntegerField()
    amount = models.DecimalField(max_digits=16, decimal_places=2)
    source = models.TextField()
    entered_by = models.CharField(max_length=100)
    entered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(month__day=1, requests__gte=0), name="billing_statementline_sane"),
        ]
        indexes = [models.Index(fields=["operator", "month"], name="billing_statementline_month")]
