"""Two tenants and three people, always: fjordbank's owner and colleague, and a stranger who owns havneby; and one of the operator's staff.

Every story is new, so that committed ones never meet.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import make_password
from django.test import Client

from tenants import tenancy
from tenants.models import MembershipRole, Operator, Sector, Staff, StaffRole, Tenant, User
from tenants.tenancy import OpenedTenant

PASSWORD = "en god lang sætning 4711"


@dataclass(frozen=True)
class Story:
    operator: Operator
    fjordbank: OpenedTenant
    havneby: OpenedTenant
    owner: User
    colleague: User  # fjordbank's developer
    stranger: User
    staff: User


def story() -> Story:
    mark = secrets.token_hex(4)
    operator = Operator.objects.create(name=f"Tidevand Identitet {mark}", cvr="88000018", email=f"faktura@{mark}.tidevand.example")
    fjordbank = tenancy.open_tenant(operator, f"fjordbank-{mark}", "Fjordbank A/S")
    havneby = tenancy.open_tenant(operator, f"havneby-{mark}", "Havneby Kommune", sector=Sector.PUBLIC)
    return Story(
        operator=operator,
        fjordbank=fjordbank,
        havneby=havneby,
        owner=member(fjordbank.tenant, f"owner@{mark}.fjordbank.example", MembershipRole.OWNER),
        colleague=member(fjordbank.tenant, f"colleague@{mark}.fjordbank.example", MembershipRole.DEVELOPER),
        stranger=member(havneby.tenant, f"stranger@{mark}.havneby.example", MembershipRole.OWNER),
        staff=staff(operator, f"staff@{mark}.tidevand.example", Staff.ADMIN),
    )


def person(email: str) -> User:
    return User.objects.create(email=email, password=_hashed())


def member(tenant: Tenant, email: str, role: MembershipRole) -> User:
    user = person(email)
    tenancy.add_member(tenant, user, role, actor="command")
    return user


def staff(operator: Operator, email: str, role: Staff) -> User:
    user = person(email)
    StaffRole.objects.create(operator=operator, user=user, role=role)
    return user


def signed_in(user: User) -> Client:
    """A browser in which this person has signed in."""
    client = Client()
    client.force_login(user)
    return client


@cache
def _hashed() -> str:
    return make_password(PASSWORD)
