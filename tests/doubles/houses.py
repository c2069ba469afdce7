"""Customers with environments that can log people in, and the books that must agree about them.

Conftests import this before Django's apps are loaded; whatever has models is imported when it is needed.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from pytest_django.plugin import DjangoDbBlocker

from tests.doubles.relying_party import REDIRECT_URI, RelyingParty
from tests.harness.ground import Ground

if TYPE_CHECKING:
    from tenants.tenancy import OpenedTenant


@dataclass(frozen=True)
class House:
    opened: OpenedTenant
    blocker: DjangoDbBlocker

    @property
    def id(self) -> uuid.UUID:
        return self.opened.tenant.id

    def client(self, kind: str = "test", *, redirect_uris: tuple[str, ...] = (REDIRECT_URI,), **wanted: Any) -> RelyingParty:
        """A new client of this house; `wanted` as in registration.Registration."""
        from authflows import registration

        environment = self.opened.test if kind == "test" else self.opened.production
        with self.blocker.unblock():
            made = registration.register(self.opened.tenant, environment, registration.Registration("Netbank", redirect_uris, **wanted))
        return RelyingParty(
            issuer=made.issuer,
            client_id=made.client_id,
            client_secret=made.client_secret,
            redirect_uri=redirect_uris[0],
            auth_method=wanted.get("auth_method", "client_secret_basic"),
            relying_party_id=made.relying_party_id,
            tenant_id=self.id,
            environment_id=environment.id,
        )


def open_house(blocker: DjangoDbBlocker, name: str) -> House:
    from broker_portal.onboarding.opening import open_customer
    from tenants import tenancy

    with blocker.unblock():
        opened = open_customer(tenancy.first_operator(), f"{name.lower()}-{secrets.token_hex(4)}", name)
    return House(opened, blocker)


@dataclass(frozen=True)
class Counts:
    """Of one relying party: requests that the core's ledger holds, that usage holds, and that we know as accepted."""

    ledger: int
    events: int
    accepted: int

    @property
    def agreed(self) -> int:
        assert self.ledger == self.events == self.accepted, self
        return self.events


class Books:
    """Reads as the owner, past row-level security, as nobody in the product can."""

    def __init__(self, ground: Ground) -> None:
        self._url = ground.owner_url

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            yield connection

    def rows(self, sql: LiteralString, *params: Any) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return connection.execute(sql, params).fetchall()

    def one(self, sql: LiteralString, *params: Any) -> Any:
        ((value,),) = self.rows(sql, *params)
        return value

    def execute(self, sql: LiteralString, *params: Any) -> int:
        with self.connection() as connection:
            return connection.execute(sql, params).rowcount

    def of(self, party: RelyingParty) -> Counts:
        ((ledger, events, accepted),) = self.rows(
            "WITH sessions AS (SELECT c.id, c.state FROM authflows_coresession c JOIN authflows_login l ON l.id = c.login_id"
            " WHERE l.relying_party_id = %s)"
            " SELECT (SELECT count(*) FROM authflows_simulatorledger WHERE reference IN (SELECT id FROM sessions)),"
            " (SELECT count(*) FROM usage_event WHERE relying_party_id = %s),"
            " (SELECT count(*) FROM sessions WHERE state IN ('accepted', 'finished'))",
            party.relying_party_id,
            party.relying_party_id,
        )
        return Counts(ledger, events, accepted)

    def outcomes(self, party: RelyingParty) -> list[str]:
        """How the party's requests ended, in their order; "open" for one that has not."""
        rows = self.rows(
            "SELECT coalesce(o.outcome, 'open') FROM usage_event e LEFT JOIN request_outcome o USING (tenant_id, request_id, occurred_at)"
            " WHERE e.relying_party_id = %s ORDER BY e.request_id",
            party.relying_party_id,
        )
        return [outcome for (outcome,) in rows]

    def check(self, *houses: House) -> None:
        """The core's ledger and our events name the same requests, each once, for whole tenants."""
        for house in houses:
            environments = [str(house.opened.test.id), str(house.opened.production.id)]
            ledger = self.rows("SELECT reference FROM authflows_simulatorledger WHERE service = ANY(%s) ORDER BY 1", environments)
            events = self.rows("SELECT request_id FROM usage_event WHERE tenant_id = %s ORDER BY 1", house.id)
            assert ledger == events
