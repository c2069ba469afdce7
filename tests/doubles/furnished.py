"""The portal's furnished house: two tenants with clients, usage and documents, and people of every role.

Conftests import this before Django's apps are loaded; whatever has models is imported when it is needed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from django.test import Client

    from authflows.registration import Registered
    from billing.models import Document
    from billing.periods import Month
    from tenants.models import User
    from tenants.tenancy import OpenedTenant
    from tests.people import Story

REDIRECT_URI = "https://netbank.fjordbank.example/callback"


@dataclass(frozen=True)
class Furnished:
    """`invoice` is fjordbank's for the month before last; last month is open for both."""

    story: Story
    people: dict[str, User]
    netbank: Registered
    netbank_test: Registered
    foreign: Registered
    this_month: Month
    last_month: Month
    invoice: Document
    foreign_invoice: Document

    @property
    def slug(self) -> str:
        return self.story.fjordbank.tenant.slug

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.story.fjordbank.tenant.id

    def browser(self, person: str) -> Client:
        """A browser at the portal's own address, in which this person (or nobody: "anonymous") has signed in."""
        from django.test import Client

        from tenants import directory

        browser = Client(HTTP_HOST=urlsplit(directory.base_url()).netloc)
        if person != "anonymous":
            browser.force_login(self.people[person])
        return browser

    def requests(self, client: Registered, instants: list[datetime], outcome: str = "completed") -> None:
        """Requests of one of fjordbank's clients, counted."""
        from billing import usage

        opened = self.story.fjordbank
        tell(opened, client, opened.production if client is not self.netbank_test else opened.test, instants, outcome)
        usage.roll_tenant(opened.tenant.id)


def furnish() -> Furnished:
    from django.utils import timezone

    from authflows.registration import Registration, register
    from billing.periods import Month
    from tenants.models import MembershipRole, Staff
    from tests import people

    story = people.story()
    this = Month.at(timezone.now())
    for opened in (story.fjordbank, story.havneby):
        _prepare(opened, this.previous().previous())
    mark = story.fjordbank.tenant.slug.rpartition("-")[2]
    tenant = story.fjordbank.tenant
    netbank = register(tenant, story.fjordbank.production, Registration("Netbank", (REDIRECT_URI,), alias="Fjordbank"))
    netbank_test = register(tenant, story.fjordbank.test, Registration("Netbank", ("https://test.fjordbank.example/callback",)))
    foreign = register(story.havneby.tenant, story.havneby.production, Registration("Borger", ("https://havneby.example/cb",)))
    return Furnished(
        story=story,
        people={
            "owner": story.owner,
            "developer": story.colleague,
            "finance": people.member(tenant, f"finance@{mark}.fjordbank.example", MembershipRole.FINANCE),
            "read_only": people.member(tenant, f"reader@{mark}.fjordbank.example", MembershipRole.READ_ONLY),
            "stranger": story.stranger,
            "staff": story.staff,
            "support": people.staff(story.operator, f"support@{mark}.tidevand.example", Staff.SUPPORT),
        },
        netbank=netbank,
        netbank_test=netbank_test,
        foreign=foreign,
        this_month=this,
        last_month=this.previous(),
        invoice=_invoiced(story.fjordbank, netbank, this.previous().previous()),
        foreign_invoice=_invoiced(story.havneby, foreign, this.previous().previous()),
    )


def _prepare(opened: OpenedTenant, first_month: Month) -> None:
    from authflows import registration
    from billing import prices, usage
    from billing.accounts import Buyer
    from tenants.isolation import tenant_scope
    from tenants.models import Operator

    operator = opened.tenant.operator
    Operator.objects.filter(id=operator.id).update(address=["Kajgade 4", "9999 Havneby"], bank_registration="9999", bank_account="1234567")
    with tenant_scope(opened.tenant.id):
        registration.prepare(opened.tenant, opened.test)
        registration.prepare(opened.tenant, opened.production)
    usage.open_partitions(first_month, months=2)
    buyer = Buyer(name=opened.tenant.name, street=("Torvet 1",), postcode="9998", city="Fjordby")
    prices.open_account(opened.tenant, buyer=buyer, first_month=first_month)


def tell(opened: OpenedTenant, client: Registered, environment: object, instants: list[datetime], outcome: str) -> None:
    from django.db import connection

    from authflows import registration
    from billing import metering
    from billing.metering import UsageEvent
    from tenants.ids import uuid7_at
    from tenants.isolation import tenant_scope

    core = registration.simulator(opened.tenant.operator)
    with tenant_scope(opened.tenant.id):
        cursor = connection.connection.cursor()
        for instant in instants:
            event = UsageEvent(
                tenant_id=opened.tenant.id,
                operator_id=opened.tenant.operator_id,
                request_id=uuid7_at(instant),
                environment_id=environment.id,  # type: ignore[attr-defined]
                relying_party_id=client.relying_party_id,
                connection_id=core.id,
                action="log_on",
                usage_model="standard",
                core_client=True,
            )
            metering.record(cursor, event)
            metering.outcome(cursor, event.tenant_id, event.request_id, outcome)


def _invoiced(opened: OpenedTenant, client: Registered, month: Month) -> Document:
    from billing import months

    tell(opened, client, opened.production, [month.starts_at + timedelta(days=3, minutes=n) for n in range(5)], "completed")
    (document,) = months.close_now([opened.tenant], month, by="command").documents
    return document
