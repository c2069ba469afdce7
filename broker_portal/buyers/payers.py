"""The operator's accounts: who pays what, from when, and to which address."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass

from django.utils import timezone

from billing import one_offs
from billing.models import AccountPlan, BillingAccount, BuyerVersion, OneOff, ProposedOneOff
from billing.periods import Month
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Operator, Tenant


@dataclass(frozen=True, slots=True)
class Payer:
    """`plan` is what is paid this month; `waiting`: one-off lines that somebody else has to approve."""

    tenant: Tenant
    buyer: BuyerVersion | None
    plan: AccountPlan | None
    lacking: list[str]
    waiting: int


def payers(operator: Operator) -> list[Payer]:
    """Every tenant of the operator by name."""
    ours = list(Tenant.objects.filter(operator=operator).order_by("name"))
    ids = [tenant.id for tenant in ours]
    this = Month.at(timezone.now()).first
    with operator_scope(operator.id, "accounts"):
        buyers: dict[uuid.UUID, BuyerVersion] = {}
        for version in BuyerVersion.objects.filter(tenant_id__in=ids).order_by("valid_from", "id"):
            buyers[version.tenant_id] = version
        paid: dict[uuid.UUID, AccountPlan] = {}
        for assigned in AccountPlan.objects.filter(tenant_id__in=ids, starts__lte=this).select_related("plan").order_by("entered_at", "id"):
            paid[assigned.tenant_id] = assigned
        charged = OneOff.objects.filter(tenant_id__in=ids).values("id")
        proposed = ProposedOneOff.objects.filter(tenant_id__in=ids, withdrawn_by="").exclude(id__in=charged)
        waiting = Counter(proposed.values_list("tenant_id", flat=True))
    return [Payer(each, buyers.get(each.id), paid.get(each.id), lacking(buyers.get(each.id)), waiting[each.id]) for each in ours]


def lacking(buyer: BuyerVersion | None) -> list[str]:
    """As documents.snapshot.missing would say it of a document to this buyer."""
    if buyer is None:
        return ["buyer.name", "buyer.address"]
    found = [] if any(buyer.street) and buyer.city and buyer.country else ["buyer.address"]
    if buyer.vat_treatment == "reverse_charge" and not buyer.vat_number:
        found.append("buyer.vat_number")
    if buyer.gln and not buyer.order_reference:
        found.append("buyer.reference")
    return found


@dataclass(frozen=True, slots=True)
class AccountPage:
    """`plans`: every assignment, the newest first; `waiting`: lines that somebody else has to approve."""

    account: BillingAccount
    buyer: BuyerVersion | None
    versions: list[BuyerVersion]
    plans: list[AccountPlan]
    waiting: list[ProposedOneOff]
    lines: list[OneOff]


def account_page(tenant: Tenant) -> AccountPage | None:
    with operator_scope(tenant.operator_id, "an account"), tenant_scope(tenant.id):
        account = BillingAccount.objects.of(tenant.id).first()
        if account is None:
            return None
        versions = list(BuyerVersion.objects.of(tenant.id).order_by("-valid_from", "-id"))
        plans = list(AccountPlan.objects.of(tenant.id).select_related("plan").order_by("-entered_at", "-id"))
        lines = list(OneOff.objects.of(tenant.id).order_by("-month", "-id")[:50])
        return AccountPage(account, versions[0] if versions else None, versions, plans, one_offs.waiting(tenant.id), lines)
