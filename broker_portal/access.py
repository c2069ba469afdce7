"""Who may do what: the first line of every view.

    access = tenant_access(request, slug, Action.CHANGE_CLIENTS)     a stranger gets 404, a member without the right 403
    staff = staff_access(request, StaffAction.CLOSE_MONTHS)

Staff of the operator are strangers to a tenant's pages: what they see of it is the operator's own figures (decision 24).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum, auto

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from tenants.models import Membership, MembershipRole, Operator, Staff, StaffRole, Tenant, User


class Action(Enum):
    SEE_OVERVIEW = auto()
    SEE_CLIENTS = auto()
    CHANGE_CLIENTS = auto()  # with their secrets and redirect addresses
    TRY_LOGIN = auto()
    SEE_USAGE = auto()
    SEE_INVOICES = auto()
    CHANGE_BUYER = auto()  # who the tenant is on its invoices
    ROTATE_KEYS = auto()  # what everybody's trust hangs on: the owner's alone


class StaffAction(Enum):
    SEE_TENANTS = auto()
    SEE_MONTHS = auto()
    CLOSE_MONTHS = auto()  # draft, approve, issue
    CREDIT = auto()
    SEE_PRICES = auto()  # with settlements and the margin
    DECIDE_PRICES = auto()  # enter and approve what MitID decides, and plans
    CHANGE_ACCOUNTS = auto()  # buyers, who pays which plan, one-off lines
    RECONCILE = auto()


READS = frozenset({Action.SEE_OVERVIEW, Action.SEE_USAGE})
BUILDS = READS | {Action.SEE_CLIENTS, Action.CHANGE_CLIENTS, Action.TRY_LOGIN}
PAYS = READS | {Action.SEE_INVOICES, Action.CHANGE_BUYER}

ROLES: dict[MembershipRole, frozenset[Action]] = {
    MembershipRole.OWNER: frozenset(Action),
    MembershipRole.ADMIN: frozenset(Action) - {Action.ROTATE_KEYS},
    MembershipRole.DEVELOPER: BUILDS,
    MembershipRole.FINANCE: PAYS,
    MembershipRole.READ_ONLY: READS | {Action.SEE_CLIENTS},
}
STAFF_ROLES: dict[Staff, frozenset[StaffAction]] = {
    Staff.ADMIN: frozenset(StaffAction),
    Staff.FINANCE: frozenset(StaffAction),
    Staff.SUPPORT: frozenset({StaffAction.SEE_TENANTS}),
}


@dataclass(frozen=True)
class TenantAccess:
    user: User
    tenant: Tenant
    role: MembershipRole

    def may(self, action: Action) -> bool:
        return action in ROLES[self.role]

    @property
    def actor(self) -> str:
        """For the audit chain."""
        return f"user:{self.user.id}"


@dataclass(frozen=True)
class StaffAccess:
    user: User
    operator: Operator
    role: Staff

    def may(self, action: StaffAction) -> bool:
        return action in STAFF_ROLES[self.role]

    @property
    def actor(self) -> str:
        """For the audit chain."""
        return f"staff:{self.user.id}"


def tenant_access(request: HttpRequest, slug: str, action: Action) -> TenantAccess:
    """Raises Http404 for a stranger, so that no answer tells whether a tenant exists; PermissionDenied for a member without the right."""
    user = _signed_in(request)
    membership = Membership.objects.select_related("tenant__operator").filter(user=user, tenant__slug=slug).first()
    if membership is None:
        raise Http404
    access = TenantAccess(user, membership.tenant, MembershipRole(membership.role))
    if not access.may(action):
        raise PermissionDenied
    return access


def staff_access(request: HttpRequest, action: StaffAction, operator_id: uuid.UUID | None = None) -> StaffAccess:
    """For the operator named, or the first that this person works for. Raises like `tenant_access`."""
    user = _signed_in(request)
    roles = StaffRole.objects.select_related("operator").filter(user=user).order_by("id")
    role = (roles.filter(operator_id=operator_id) if operator_id else roles).first()
    if role is None:
        raise Http404
    access = StaffAccess(user, role.operator, Staff(role.role))
    if not access.may(action):
        raise PermissionDenied
    return access


def _signed_in(request: HttpRequest) -> User:
    # LoginRequiredMiddleware has sent everybody else to the sign-in page; without it they are strangers here.
    if not isinstance(request.user, User) or not request.user.is_active:
        raise Http404
    return request.user
