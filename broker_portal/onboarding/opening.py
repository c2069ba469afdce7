"""A new customer, whole: the tenant with its environments, their keys and connections, and an account with the default plan."""

from __future__ import annotations

from django.db import transaction

from authflows import registration
from billing import prices
from billing.accounts import Buyer
from billing.periods import Month
from tenants import tenancy
from tenants.isolation import tenant_scope
from tenants.models import Operator, Sector
from tenants.tenancy import OpenedTenant


def open_customer(
    operator: Operator,
    slug: str,
    name: str,
    *,
    sector: str = Sector.PRIVATE,
    actor: str = "system",
    buyer: Buyer | None = None,
    email: str = "",
    first_month: Month | None = None,
) -> OpenedTenant:
    """Raises django.core.exceptions.ValidationError for a slug or name that cannot be, or is taken; then nothing was made."""
    with transaction.atomic():
        opened = tenancy.open_tenant(operator, slug, name, sector=sector, actor=actor)
        with tenant_scope(opened.tenant.id):
            registration.prepare(opened.tenant, opened.test)
            registration.prepare(opened.tenant, opened.production)
        prices.open_account(opened.tenant, buyer=buyer, email=email, first_month=first_month, by=actor)
    return opened
