"""Look-ups before a tenant is known: who somebody works for, and where the installation answers. Reads only."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db.models import Q

from tenants.models import Installation, Membership, StaffRole, Tenant


def base_url() -> str:
    """Where the running server said that it answers; path issuers stand below it."""
    recorded = Installation.objects.filter(id=1).values_list("base_url", flat=True).first()
    return recorded or str(settings.BASE_URL)


def tenant_by_slug(slug: str) -> Tenant | None:
    return Tenant.objects.select_related("operator").filter(slug=slug).first()


def tenants_of(user_id: uuid.UUID) -> list[Membership]:
    """A person's memberships with their tenants, by name; closed tenants stay readable."""
    return list(Membership.objects.select_related("tenant").filter(user_id=user_id).order_by("tenant__name", "tenant_id"))


def staff_roles_of(user_id: uuid.UUID) -> list[StaffRole]:
    """What a person does for operators, the first role first."""
    return list(StaffRole.objects.select_related("operator").filter(user_id=user_id).order_by("id"))


def members_of(tenant_id: uuid.UUID, roles: tuple[str, ...] = ()) -> list[Membership]:
    """A tenant's people who may sign in, all or those in these roles, the first first."""
    wanted = Q(role__in=roles) if roles else Q()
    return list(Membership.objects.select_related("user").filter(wanted, tenant_id=tenant_id, user__is_active=True).order_by("id"))
