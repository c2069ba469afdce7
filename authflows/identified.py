"""Between the core's answer and the end of a login: what its person has yet to say. Sealed to the browser meanwhile (decision 13)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from authflows import sealing, store
from authflows.configuration import Client, IssuerConfig
from authflows.identity import Identity
from authflows.login import Browser
from authflows.requests import LoginRequest
from authflows.store import StoredLogin

SEALED_TO = "identified"
WHICH = "identity"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the core vouched for, and what the login waits for; "" where it need not wait."""

    identity: Identity
    awaits: str = WHICH


def kinds(asked: LoginRequest, client: Client) -> tuple[str, ...]:
    """Which of their identities a person may be here: what the request wants, of what the client may meet."""
    return tuple(kind for kind in client.identity_kinds if not asked.identities or kind in asked.identities)


def options(identity: Identity, allowed: Collection[str], *, with_cpr: bool = False) -> dict[str, Identity]:
    """What the core vouched for and is allowed here, by the value that chooses it."""
    if identity.employment is not None:
        return {identity.national_id: identity} if "business" in allowed else {}
    private = {"private": replace(identity, employments=())} if "private" in allowed else {}
    roles = identity.employments if "business" in allowed else ()
    return private | {role.employee_uuid: identity.as_employee(role, with_cpr=with_cpr) for role in roles}


def settled(person: Person, client: Client, asked: LoginRequest) -> Person | None:
    """As far as the person need not be asked; None where they have no identity that is allowed here."""
    if person.awaits != WHICH:
        return person
    choices = options(person.identity, kinds(asked, client), with_cpr=client.cpr_business)
    if len(choices) == 1:
        return chosen(person, client, asked, next(iter(choices)))
    return person if choices else None


def chosen(person: Person, client: Client, asked: LoginRequest, value: str) -> Person | None:
    """None for a value that the core did not vouch for."""
    identity = options(person.identity, kinds(asked, client), with_cpr=client.cpr_business).get(value)
    return Person(identity, "") if identity is not None and person.awaits == WHICH else None


def hold(issuer: IssuerConfig, found: StoredLogin, browser: Browser, person: Person) -> None:
    told = {"identity": person.identity.as_json(), "awaits": person.awaits}
    store.hold(issuer.tenant_id, found.id, sealing.seal(told, browser.secret, SEALED_TO))


def held(found: StoredLogin, browser: Browser) -> Person:
    assert found.sealed is not None
    told = sealing.unseal(found.sealed, browser.secret, SEALED_TO)
    return Person(Identity.from_json(told["identity"]), told["awaits"])
