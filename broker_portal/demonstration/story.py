"""The seeded story: an operator, three tenants, their people, clients and pages, and three months and a bit of usage.

Each step looks whether it is done, in a transaction of its own: ended in the middle, the next start goes on. When all are, the operator's
audit chain says so, and from then on nothing here touches what people have made of it.
"""

from __future__ import annotations

import os
import secrets
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from authflows import configuration, registration
from authflows.models import RelyingParty, Service, Theme
from authflows.registration import Registration
from billing import months, plans, usage
from billing.models import BillingAccount
from billing.periods import Month
from broker_portal.demonstration import traffic
from broker_portal.demonstration.companies import COMPANIES, OPERATOR, STAFF, App, Company
from broker_portal.demonstration.traffic import Source
from broker_portal.onboarding.opening import open_customer
from tenants import audit, directory, tenancy
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Environment, Kind, Operator, OperatorAuditEntry, Staff, StaffRole, Tenant, User

MONTHS_BACK = 3
TEST_SHARE = 8
DONE = "demonstration.seeded"
ACTOR = "command"
PASSWORD_FILE = "demonstration-password"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Refused(Exception):
    """The story cannot be told here; the text says why, and what to do."""


@dataclass(frozen=True)
class Login:
    email: str
    what: str


def seed() -> None:
    """Raises Refused."""
    if not settings.DEMO:
        raise Refused("the demonstration exists in demo mode only: BROKER_MODE is live")
    operator = tenancy.first_operator()
    password, fresh = _password()
    if seeded(operator):
        if fresh:
            _reset_passwords(password)
        return
    furnish(operator)
    plans.illustrative(operator)
    this = Month.at(timezone.now())
    usage.open_partitions(_back(this, MONTHS_BACK), months=MONTHS_BACK)
    tenants = [_company(operator, company, this, password) for company in COMPANIES]
    _staff(operator, password)
    _close_earlier_months(tenants)
    with operator_scope(operator.id, DONE):
        audit.record_for_operator(operator.id, actor=ACTOR, action=DONE, subject=f"operator:{operator.id}")


def seeded(operator: Operator) -> bool:
    with operator_scope(operator.id, DONE):
        return OperatorAuditEntry.objects.filter(operator=operator, action=DONE).exists()


def logins() -> list[Login]:
    """Who may sign in, by e-mail; a person of two tenants once."""
    found: dict[str, list[str]] = {}
    for company in COMPANIES:
        for person in company.people:
            found.setdefault(person.email, []).append(f"{company.buyer.name}, {person.role.value}")
    found[STAFF[0]] = [f"{OPERATOR['name']}, the operator: closes months"]
    return [Login(email, "; ".join(what)) for email, what in found.items()]


def password() -> str:
    return _password()[0]


def _password() -> tuple[str, bool]:
    """One for all, made once per installation and kept where only we read; and whether it is new."""
    path = settings.DATA_DIR / "keys" / PASSWORD_FILE
    if path.exists():
        return path.read_text().strip(), False
    text = "demo-" + "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    return text, True


def _reset_passwords(password: str) -> None:
    """The file was lost: what is printed must open the door again."""
    for user in User.objects.filter(email__in=[login.email for login in logins()]):
        user.set_password(password)
        user.save(update_fields=["password"])


def _back(month: Month, count: int) -> Month:
    for _ in range(count):
        month = month.previous()
    return month


def furnish(operator: Operator) -> None:
    """An invented seller, so that documents can be issued; only where nobody has filled in a real one."""
    if not operator.cvr:
        Operator.objects.filter(id=operator.id).update(**OPERATOR)
        operator.refresh_from_db()


def _company(operator: Operator, company: Company, this: Month, password: str) -> Tenant:
    tenant = directory.tenant_by_slug(company.slug) or _open(operator, company, this)
    with tenant_scope(tenant.id):
        if not BillingAccount.objects.of(tenant.id).filter(email=company.invoice_email).exists():
            raise Refused(f"a tenant {company.slug} that is not the demonstration's exists already: start with BROKER_DEMO=0")
        environments = {environment.kind: environment for environment in Environment.objects.of(tenant.id)}
    parties = {
        (kind, app.name): _client(tenant, environment, company, app) for kind, environment in environments.items() for app in company.apps
    }
    for environment in environments.values():
        _theme(tenant, environment, company)
    for person in company.people:
        tenancy.add_member(tenant, _user(person.email, person.name, password), person.role, actor=ACTOR)
    _usage(tenant, company, environments, parties)
    return tenant


def _open(operator: Operator, company: Company, this: Month) -> Tenant:
    return open_customer(
        operator,
        company.slug,
        company.buyer.name,
        sector=company.sector,
        actor=ACTOR,
        buyer=company.buyer,
        email=company.invoice_email,
        first_month=_back(this, MONTHS_BACK),
    ).tenant


def _client(tenant: Tenant, environment: Environment, company: Company, app: App) -> uuid.UUID:
    """The relying party, with a client whose secret nobody was shown: a new one is issued on its page."""
    with tenant_scope(tenant.id):
        known = RelyingParty.objects.of(tenant.id).filter(environment_id=environment.id, name=app.name).first()
    if known:
        return known.id
    test = "test." if environment.kind == Kind.TEST else ""
    uris = (f"https://{test}{app.host}/callback", "http://localhost:3000/callback")
    wanted = Registration(name=app.name, redirect_uris=uris, alias=company.alias, created_by=ACTOR)
    return registration.register(tenant, environment, wanted).relying_party_id


def _theme(tenant: Tenant, environment: Environment, company: Company) -> None:
    with tenant_scope(tenant.id):
        theme, made = Theme.objects.of(tenant.id).get_or_create(
            name=environment.kind,
            version=1,
            defaults={
                "tenant_id": tenant.id,
                "layout": company.layout,
                "values": company.theme,
                "texts": company.texts,
                "saved_by": ACTOR,
                "published_by": ACTOR,
                "published_at": timezone.now(),
            },
        )
        if made:
            Service.objects.of(tenant.id).filter(environment_id=environment.id).update(theme_id=theme.id)
            configuration.changed(tenant.id, environment.id)


def _user(email: str, name: str, password: str) -> User:
    return User.objects.filter(email=email).first() or User.objects.create_user(email, password, name=name)


def _staff(operator: Operator, password: str) -> None:
    user = _user(*STAFF, password)
    with operator_scope(operator.id, "the demonstration's staff"):
        StaffRole.objects.get_or_create(operator=operator, user=user, defaults={"role": Staff.ADMIN})


def _usage(tenant: Tenant, company: Company, environments: dict[str, Environment], parties: dict[tuple[str, str], uuid.UUID]) -> None:
    """Up to the moment when the tenant was opened, so that a later start adds nothing to it."""
    connection = registration.simulator(tenant.operator)
    sources = [
        Source(environments[kind].id, parties[kind, app.name], connection.id, app.monthly // (TEST_SHARE if kind == Kind.TEST else 1))
        for kind in environments
        for app in company.apps
    ]
    month = _back(Month.at(tenant.created_at), MONTHS_BACK)
    while month <= Month.at(tenant.created_at):
        traffic.record(tenant.id, tenant.operator_id, month, sources, until=tenant.created_at)
        month = month.next()
    usage.roll_tenant(tenant.id)


def _close_earlier_months(tenants: list[Tenant]) -> None:
    """All but the last month that is over: that one is for a person to close."""
    opened = Month.at(min(tenant.created_at for tenant in tenants))
    for back in range(MONTHS_BACK, 1, -1):
        closed = months.close_now(tenants, _back(opened, back), by=ACTOR)
        if closed.problems:
            raise Refused(f"{_back(opened, back)} does not close: {closed.problems[0].text}")
