"""One-off lines that one person proposes and another approves before they are charged."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings

from billing import prices
from billing.fees import PlanError
from billing.models import BillingAccount, OneOff, ProposedOneOff
from billing.periods import Month
from tenants import audit
from tenants.isolation import tenant_scope


def propose(account: BillingAccount, month: Month, *, quantity: Decimal, unit_price: Decimal, text: str, by: str) -> ProposedOneOff:
    """Charged once it is approved. Raises PlanError where it could not be charged then."""
    prices.refuse_one_off(account, month, quantity=quantity, unit_price=unit_price, text=text)
    with tenant_scope(account.tenant_id):
        proposed = ProposedOneOff.objects.create(
            tenant_id=account.tenant_id,
            operator_id=account.operator_id,
            account_id=account.id,
            month=month.first,
            quantity=quantity,
            unit_price=unit_price,
            text=text,
            entered_by=by,
        )
        facts = {"month": str(month), "quantity": quantity, "unit_price": unit_price, "text": text}
        after = audit.changed({}, facts)[1]
        audit.record(account.tenant_id, actor=by, action="account.one_off_proposed", subject=f"one_off:{proposed.id}", after=after)
    return proposed


def waiting(tenant_id: uuid.UUID) -> list[ProposedOneOff]:
    """The oldest first, in the caller's scope."""
    charged = OneOff.objects.of(tenant_id).values("id")
    return list(ProposedOneOff.objects.of(tenant_id).filter(withdrawn_by="").exclude(id__in=charged).order_by("id"))


def approve(account: BillingAccount, proposed: ProposedOneOff, *, by: str) -> OneOff:
    """Raises PlanError for who proposed it, and where its month has closed meanwhile."""
    if by == proposed.entered_by and settings.FOUR_EYES:
        raise PlanError("you entered this line: somebody else has to approve it")
    return prices.add_one_off(
        account,
        Month.of(proposed.month),
        quantity=proposed.quantity,
        unit_price=proposed.unit_price,
        text=proposed.text,
        by=proposed.entered_by,
        approved_by=by,
        row=proposed.id,
    )


def withdraw(account: BillingAccount, proposed: ProposedOneOff, *, by: str) -> None:
    with tenant_scope(account.tenant_id):
        ProposedOneOff.objects.of(account.tenant_id).filter(id=proposed.id).update(withdrawn_by=by)
        audit.record(account.tenant_id, actor=by, action="account.one_off_withdrawn", subject=f"one_off:{proposed.id}")
