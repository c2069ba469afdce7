"""What templates/portal/base.html is told, on every page and on a tenant's or an operator's."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from broker_portal.access import STAFF_ROLES, Action, StaffAccess, StaffAction, TenantAccess
from tenants import directory
from tenants.models import ColourScheme, MembershipRole, Staff, StaffRole, User

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
        "sees_months": SimpleLazyObject(lambda: first_month_seer(user_id) is not None),
    }


def first_month_seer(user_id: uuid.UUID) -> StaffRole | None:
    """The first of a person's roles at operators that may see months."""
    roles = directory.staff_roles_of(user_id)
    return next((role for role in roles if StaffAction.SEE_MONTHS in STAFF_ROLES[Staff(role.role)]), None)


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
