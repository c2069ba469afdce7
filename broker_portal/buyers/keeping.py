"""A buyer read, and saved from today on: one door for the tenant's own people and the operator's staff."""

from __future__ import annotations

import uuid
from datetime import date

from django.utils import timezone

from billing import accounts
from billing.accounts import AccountError
from billing.models import BillingAccount, BuyerVersion
from billing.periods import day_of
from broker_portal import refusals
from broker_portal.buyers.forms import BuyerForm, initial
from tenants.isolation import tenant_scope


def account_of(tenant_id: uuid.UUID) -> tuple[BillingAccount | None, BuyerVersion | None]:
    """The account and the newest that is said of its buyer."""
    with tenant_scope(tenant_id):
        return BillingAccount.objects.of(tenant_id).first(), accounts.buyer_on(tenant_id, date.max)


def form_of(account: BillingAccount, version: BuyerVersion | None, data: object = None) -> BuyerForm:
    return BuyerForm(data, initial=initial(version, account))  # type: ignore[arg-type]


def save(account: BillingAccount, form: BuyerForm, *, by: str) -> bool:
    """Whether it was; else the form says why not."""
    if not form.is_valid():
        return False
    given = form.cleaned_data
    try:
        with tenant_scope(account.tenant_id):
            accounts.be_buyer(account, form.buyer(), valid_from=day_of(timezone.now()), by=by)
            accounts.reach(account, email=given["email"], language=given["language"], by=by)
    except AccountError as error:
        refusals.add_to(form, error)
        return False
    return True
