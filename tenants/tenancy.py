"""A tenant's beginning: its row, its two environments with their issuers, its data key, its first people."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models.functions import Now

from tenants import audit, vault
from tenants.isolation import tenant_scope
from tenants.models import Domain, Environment, Issuer, Kind, Membership, MembershipRole, Operator, Role, Sector, Tenant, User

# Part of host names and of issuers: never changed, and "-test" is the other environment's ending (decision 5).
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class OpenedTenant:
    tenant: Tenant
    test: Environment
    production: Environment
    test_issuer: Issuer
    production_issuer: Issuer


def environment_slug(tenant: Tenant, kind: str) -> str:
    return tenant.slug if kind == Kind.PRODUCTION else f"{tenant.slug}-test"


def open_tenant(operator: Operator, slug: str, name: str, *, sector: str = Sector.PRIVATE, actor: str = "system") -> OpenedTenant:
    """Makes a tenant with everything that each tenant has. Raises ValidationError for a slug or name that cannot be, or is taken."""
    if not _SLUG.fullmatch(slug) or slug.endswith("-test"):
        raise ValidationError({"slug": f"{slug}: small letters, digits and single hyphens, at most 50, not ending in -test"})
    tenant = Tenant(operator=operator, slug=slug, name=name.strip(), sector=sector)
    tenant.full_clean(exclude=["operator", "closed_at"])
    try:
        with tenant_scope(tenant.id):
            return _open(tenant, actor)
    except IntegrityError:
        # Two at once: full_clean saw neither.
        raise ValidationError({"slug": f"{slug} is taken"}) from None


def _open(tenant: Tenant, actor: str) -> OpenedTenant:
    tenant.save(force_insert=True)
    vault.make_data_key(tenant.id)
    environments = {kind: Environment.objects.create(tenant_id=tenant.id, kind=kind) for kind in Kind}
    issuers = {kind: _issuer(tenant, environment) for kind, environment in environments.items()}
    about = {"slug": tenant.slug, "sector": str(tenant.sector)}
    audit.record(tenant.id, actor=actor, action="tenant.opened", subject=f"tenant:{tenant.id}", after=about)
    return OpenedTenant(tenant, environments[Kind.TEST], environments[Kind.PRODUCTION], issuers[Kind.TEST], issuers[Kind.PRODUCTION])


def add_member(tenant: Tenant, user: User, role: MembershipRole, *, actor: str) -> Membership:
    """Lets a person in, or changes what an existing member may do."""
    with tenant_scope(tenant.id):
        before = Membership.objects.select_for_update().filter(tenant=tenant, user=user).first()
        was = {"role": before.role} if before else {}
        membership, _ = Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"role": role})
        old, new = audit.changed(was, {"role": role})
        if new:
            audit.record(tenant.id, actor=actor, action="member.role", subject=f"user:{user.id}", before=old, after=new)
    return membership


def _issuer(tenant: Tenant, environment: Environment) -> Issuer:
    """On a host of its own below ISSUER_DOMAIN; as a path of the installation where there is none (decision 5)."""
    slug = environment_slug(tenant, environment.kind)
    if not settings.ISSUER_DOMAIN:
        return Issuer.objects.create(tenant=tenant, environment_id=environment.id, path=f"/t/{slug}")
    domain = Domain.objects.create(tenant=tenant, host=f"{slug}.{settings.ISSUER_DOMAIN}", role=Role.ISSUER, verified_at=Now())
    return Issuer.objects.create(tenant=tenant, environment_id=environment.id, domain=domain)


def first_operator() -> Operator:
    """The operator that every installation begins with; commands mean it unless they are told another."""
    return Operator.objects.earliest("id")
