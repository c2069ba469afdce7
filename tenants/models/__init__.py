"""Who we are working for, and the rows that every other row stands on."""

from tenants.models.environment import Domain, Environment, Installation, Issuer, IssuerState, Kind, Role
from tenants.models.owned import OwnedManager, TenantOwned, TenantRef
from tenants.models.record import (
    AuditEntry,
    AuditHead,
    DataKey,
    Heartbeat,
    MasterKey,
    OperatorAuditEntry,
    OperatorAuditHead,
    OutboxMessage,
    RateLimit,
    Work,
    WorkState,
)
from tenants.models.tenant import Operator, Sector, Tenant
from tenants.models.user import ColourScheme, Language, Membership, MembershipRole, SignInLink, Staff, StaffRole, User

__all__ = [
    "AuditEntry",
    "AuditHead",
    "ColourScheme",
    "DataKey",
    "Domain",
    "Environment",
    "Heartbeat",
    "Installation",
    "Issuer",
    "IssuerState",
    "Kind",
    "Language",
    "MasterKey",
    "Membership",
    "MembershipRole",
    "Operator",
    "OperatorAuditEntry",
    "OperatorAuditHead",
    "OutboxMessage",
    "OwnedManager",
    "RateLimit",
    "Role",
    "Sector",
    "SignInLink",
    "Staff",
    "StaffRole",
    "Tenant",
    "TenantOwned",
    "TenantRef",
    "User",
    "Work",
    "WorkState",
]
