"""Look-ups before a tenant is known: who somebody works for, and which environment answers at an address. Reads only."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from tenants.models import Domain, Installation, Issuer, IssuerState, Membership, Role, StaffRole, Tenant


@dataclass(frozen=True, slots=True)
class IssuerAddress:
    """An issuer as the outside knows it. `url` has no trailing slash; `path` is "" for an issuer on a host of its own."""

    issuer_id: uuid.UUID
    tenant_id: uuid.UUID
    environment_id: uuid.UUID
    url: str
    path: str
    version: int


def base_url() -> str:
    """Where the running server said that it answers; path issuers stand below it."""
    recorded = Installation.objects.filter(id=1).values_list("base_url", flat=True).first()
    return recorded or str(settings.BASE_URL)


def issuer_url(issuer: Issuer) -> str:
    """The issuer identifier: built from rows, never from a request (decision 5)."""
    if issuer.domain:
        return f"https://{issuer.domain.host}"
    return f"{base_url()}{issuer.path}"


def issuer_at(host: str, path: str) -> IssuerAddress | None:
    """The active issuer that answers at this address (`host` with its port, as the request names it), or nothing."""
    known = Issuer.objects.select_related("domain").filter(state=IssuerState.ACTIVE)
    if host.lower() == urlsplit(base_url()).netloc:
        _, _, rest = path.partition("/t/")
        issuer = known.filter(path=f"/t/{rest.partition('/')[0]}").first() if path.startswith("/t/") else None
    else:
        issuer = known.filter(domain__host=host.lower(), domain__role=Role.ISSUER, domain__verified_at__isnull=False).first()
    return _address(issuer) if issuer else None


def issuers_of(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> list[IssuerAddress]:
    """The active issuers of an environment, the oldest first."""
    rows = Issuer.objects.select_related("domain").filter(tenant_id=tenant_id, environment_id=environment_id, state=IssuerState.ACTIVE)
    return [_address(issuer) for issuer in rows.order_by("id")]


def is_box_host(host: str) -> bool:
    """Whether the box is served on this host (decision 9)."""
    recorded = Installation.objects.filter(id=1).exclude(box_url="").values_list("box_url", flat=True).first()
    return (
        bool(recorded and urlsplit(recorded).netloc == host.lower())
        or Domain.objects.filter(host=host.lower(), role=Role.BOX, verified_at__isnull=False).exists()
    )


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


def _address(issuer: Issuer) -> IssuerAddress:
    return IssuerAddress(
        issuer_id=issuer.id,
        tenant_id=issuer.tenant_id,
        environment_id=issuer.environment_id,
        url=issuer_url(issuer),
        path=issuer.path or "",
        version=issuer.version,
    )
