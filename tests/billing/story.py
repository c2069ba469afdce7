"""Two operators' worth of nothing: one operator with prices, one tenant with an account, and requests told by when they happened."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import connection

from billing import metering, prices, usage
from billing.accounts import Buyer
from billing.metering import UsageEvent
from billing.periods import Month, starts_at
from tenants import tenancy
from tenants.ids import uuid7, uuid7_at
from tenants.isolation import tenant_scope
from tenants.models import Operator, Tenant
from tenants.tenancy import OpenedTenant

BUYER = Buyer("Havneby Forsyning A/S", ("Fjordtorvet 1",), "9998", "Fjordby", cvr="77777776", attention="Att. Regnskab")
JULY, AUGUST = Month(2026, 7), Month(2026, 8)
CONNECTION = uuid.UUID("01900000-0000-7000-8000-00000000c0de")


def operator(**fields: object) -> Operator:
    mark = secrets.token_hex(4)
    given = {
        "name": f"Tidevand Identitet {mark}",
        "cvr": "12345674",
        "address": ["Kajgade 4", "9999 Havneby"],
        "email": f"faktura@{mark}.tidevand.example",
        "bank_registration": "9999",
        "bank_account": "0001234567",
        "fik_creditor": "88000018",
    }
    return Operator.objects.create(**(given | fields))


@dataclass
class Customer:
    """A tenant with an account and one production client. `months` of its usage can be told: their partitions are open."""

    operator: Operator
    opened: OpenedTenant
    netbank: uuid.UUID = field(default_factory=uuid7)

    @property
    def tenant(self) -> Tenant:
        return self.opened.tenant

    @property
    def id(self) -> uuid.UUID:
        return self.tenant.id

    def event(self, at: datetime, *, test: bool = False, relying_party: uuid.UUID | None = None) -> UsageEvent:
        """The core accepted a request of this instant."""
        environment = self.opened.test if test else self.opened.production
        return UsageEvent(
            tenant_id=self.id,
            operator_id=self.operator.id,
            request_id=uuid7_at(at),
            environment_id=environment.id,
            relying_party_id=relying_party or self.netbank,
            connection_id=CONNECTION,
            action="log_on",
            usage_model="standard",
            core_client=True,
        )

    def record(self, *events: UsageEvent) -> None:
        with tenant_scope(self.id), connection.cursor() as cursor:
            for event in events:
                metering.record(cursor.cursor, event)

    def end(self, outcome: str, *events: UsageEvent) -> None:
        with tenant_scope(self.id), connection.cursor() as cursor:
            for event in events:
                metering.outcome(cursor.cursor, self.id, event.request_id, outcome)

    def void(self, event: UsageEvent) -> None:
        with tenant_scope(self.id), connection.cursor() as cursor:
            metering.void(cursor.cursor, self.id, event.request_id, reason="charged twice by the core", by="staff:1")

    def use(self, month: Month, requests: int, *, test: bool = False) -> list[UsageEvent]:
        """So many requests, spread over the month."""
        apart = (month.ends_at - month.starts_at) / (requests + 1)
        events = [self.event(month.starts_at + apart * (n + 1), test=test) for n in range(requests)]
        self.record(*events)
        return events

    def counts(self, first: date, last: date) -> dict[str, int]:
        """Counted requests of both environments by outcome."""
        found: dict[str, int] = {}
        for row in usage.totals(self.id, first, last):
            found[row.outcome] = found.get(row.outcome, 0) + row.count
        return found


def customer(name: str = "fjordbank", of: Operator | None = None, *, first_month: Month = JULY, buyer: Buyer | None = BUYER) -> Customer:
    """A tenant whose account pays the illustrative plan from `first_month` on."""
    seller = of or operator()
    usage.open_partitions(Month(2026, 6), months=6)
    opened = tenancy.open_tenant(seller, f"{name}-{secrets.token_hex(4)}", name.title())
    prices.open_account(opened.tenant, buyer=buyer, first_month=first_month)
    made = Customer(seller, opened)
    metering.name_client(
        made.id,
        made.netbank,
        environment_id=opened.production.id,
        environment_kind="production",
        client_id=f"client-{secrets.token_hex(4)}",
        name="Netbank",
    )
    return made


def noon(day: date) -> datetime:
    return starts_at(day) + timedelta(hours=12)


def roll(*customers: Customer) -> None:
    for each in customers:
        usage.roll_tenant(each.id)


def tenants(customers: Iterable[Customer]) -> list[Tenant]:
    return [each.tenant for each in customers]
