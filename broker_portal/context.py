"""What templates/portal/base.html is told, on every page and on a tenant's or an operator's."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from broker_portal.access import Action, StaffAccess, TenantAccess
from tenants import directory
from tenants.models import ColourScheme, MembershipRole, Staff, User

ROLE_NAMES: dict[MembershipRole, Promise] = {
    MembershipRole.OWNER: _("Owner"),
    MembershipRole.ADMIN: _("Administrator"),
    MembershipRole.DEVELOPER: _("Developer"),
    MembershipRole.FINANCE: _("Finance"),
    MembershipRole.READ_ONLY: _("Read only"),
}
STAFF_ROLE_NAMES: dict[Staff, Promise] = {
    Staff.ADMIN: _("Administrator, operator"),
    Staff.FINANCE: _("Finance, operator"),
    Staff.SUPPORT: _("Support, operator"),
}


def portal(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the person's own, looked up only where the page uses it."""
    user = request.user
    if not isinstance(user, User):
        scheme = request.COOKIES.get("colour_scheme", "")
        return {"colour_scheme": scheme if scheme in ColourScheme.values else ColourScheme.SYSTEM}
    user_id = user.id
    return {
        "colour_scheme": user.colour_scheme,
        "tenants": SimpleLazyObject(lambda: [membership.tenant for membership in directory.tenants_of(user_id)]),
        "is_staff": SimpleLazyObject(lambda: bool(directory.staff_roles_of(user_id))),
    }


def of_tenant(access: TenantAccess, environment: str, section: str) -> dict[str, Any]:
    return {
        "tenant": access.tenant,
        "environment": environment,
        "section": section,
        "role": ROLE_NAMES[access.role],
        "sees_clients": access.may(Action.SEE_CLIENTS),
        "sees_invoices": access.may(Action.SEE_INVOICES),
    }


def of_operator(access: StaffAccess, section: str) -> dict[str, Any]:
    return {"operator": access.operator, "section": section, "role": STAFF_ROLE_NAMES[access.role]}
