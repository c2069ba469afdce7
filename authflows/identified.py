"""Between the core's answer and the end of a login: what its person has yet to say. Sealed to the browser meanwhile (decision 13)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from django.http import HttpResponse
from django.utils import timezone

from authflows import cpr, cpr_matching, cpr_store, levels, login, pauses, sealing, subjects
from authflows.configuration import Client, IssuerConfig, Upstream
from authflows.errors import PageError
from authflows.identity import Identity
from authflows.login import Browser
from authflows.loginbox import cards
from authflows.oidc.claims import wanted
from authflows.oidc.responses import told_as
from authflows.requests import LoginRequest
from authflows.store import StoredLogin
from authflows.upstream.base import Lost

SEALED_TO = "identified"
WHICH, NUMBER = "identity", "number"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the core vouched for, and what the login waits for; "" where it need not wait."""

    identity: Identity
    awaits: str = WHICH


@dataclass(frozen=True, slots=True)
class Underway:
    """A login whose person is known."""

    issuer: IssuerConfig
    client: Client
    asked: LoginRequest
    found: StoredLogin
    browser: Browser
    connection: Upstream
    language: str


@dataclass(frozen=True, slots=True)
class Said:
    """Where an answer leads: to a person, to the login's end (a key of errors.ENDINGS), or back to the page with a problem."""

    person: Person | None = None
    ending: str = ""
    problem: str = ""


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


def settled(way: Underway, person: Person) -> Said:
    """As far as the person need not be asked."""
    if person.awaits == WHICH:
        choices = _choices(way, person)
        if len(choices) > 1 and way.asked.subject:
            choices = {value: identity for value, identity in choices.items() if _expected(way, identity)}
            if not choices:
                return Said(ending="another_person")
        if len(choices) > 1:
            return Said(person)
        if not choices:
            return Said(ending="no_identity")
        person = Person(next(iter(choices.values())), NUMBER)
    if not levels.accept(login.achieved(person.identity, way.connection), way.asked.level):
        return Said(Person(person.identity, ""))  # who reaches too little is asked nothing more
    if person.awaits == NUMBER:
        return _about_the_number(way, person)
    return Said(person)


def answered(way: Underway, person: Person, form: Mapping[str, object]) -> Said:
    """What the core did not vouch for cannot be said."""
    if person.awaits == WHICH:
        chosen = _choices(way, person).get(str(form.get("identity", "")))
        return Said(Person(chosen, NUMBER)) if chosen is not None else Said(problem="choose")
    if "without" in form:
        return _without(way, person.identity, cpr.DECLINED, "cancelled")
    number = cpr.number(str(form.get("cpr", "")), timezone.localdate())
    if number is None:
        return Said(problem="malformed")
    return _compared(way, person.identity, number, remember="remember" in form)


def page(way: Underway, person: Person, problem: str = "") -> HttpResponse:
    base = f"{way.issuer.prefix}/login/{way.browser.handle}"
    to = {"action": f"{base}/person?language={way.language}", "cancel_action": f"{base}/cancel", "form_token": way.browser.form_token}
    if person.awaits == WHICH:
        if not (choices := _choices(way, person)):  # what the client may meet has changed meanwhile
            raise PageError("connection_withdrawn", 503)
        return cards.choice(way.issuer, way.client, way.language, choices, **to)
    told = {
        "name": person.identity.name,
        "left": cpr.TRIES - way.found.cpr_tries,
        "problem": problem or ("wrong" if way.found.cpr_tries else ""),
        "number": login.hints(way.found, way.browser).cpr,
        "optional": way.client.cpr_optional,
    }
    return cards.number(way.issuer, way.client, way.language, told, **to)


def hold(way: Underway, person: Person) -> None:
    told = {"identity": person.identity.as_json(), "awaits": person.awaits}
    pauses.hold(way.issuer.tenant_id, way.found.id, sealing.seal(told, way.browser.secret, SEALED_TO))


def held(way: Underway) -> Person:
    assert way.found.sealed is not None
    told = sealing.unseal(way.found.sealed, way.browser.secret, SEALED_TO)
    return Person(Identity.from_json(told["identity"]), told["awaits"])


def _choices(way: Underway, person: Person) -> dict[str, Identity]:
    return options(person.identity, kinds(way.asked, way.client), with_cpr=way.client.cpr_business)


def _expected(way: Underway, identity: Identity) -> bool:
    """Whether it is the one `sub` that the relying party will be answered with."""
    return login.is_person(way.issuer, identity, way.asked.subject, told_as(way.asked))


def _about_the_number(way: Underway, person: Person) -> Said:
    """Without a form where there is nothing to ask, or nobody to be asked."""
    identity, where = person.identity, (way.issuer.tenant_id, way.issuer.environment_id)
    if way.asked.forget_cpr:
        cpr_store.forget(*where, [_key(way, identity)])
    if not wanted(way.asked.attributes, way.asked.claims) & {"cpr", "cpr_status"}:
        return _ready(identity, "", "")
    if identity.kind == "business" and not way.client.cpr_business:
        return _ready(identity, "", cpr.NOT_FOR_BUSINESS)
    if way.client.cpr_basis == "law":
        return _ready(identity, identity.cpr, cpr.DELIVERED) if identity.cpr else _without(way, identity, cpr.NONE, "no_cpr")
    if way.asked.forget_cpr:
        return _ready(identity, "", cpr.REVOKED)
    if remembered := cpr_store.remembered(*where, _key(way, identity)):
        return _ready(identity, remembered, cpr.REMEMBERED_STATUS)
    if not identity.has_cpr or not cpr_matching.able(way.connection):
        return _without(way, identity, cpr.NONE, "no_cpr")
    return Said(Person(replace(identity, cpr=""), NUMBER))


def _compared(way: Underway, identity: Identity, number: str, *, remember: bool) -> Said:
    assert way.found.core_session is not None
    try:
        compared = cpr_matching.compare(way.issuer, way.found.core_session, identity.authenticated_at, number)
    except cpr_matching.Over as over:
        return _without(way, identity, cpr.NOT_MATCHED, over.why)
    except Lost:
        return Said(problem="unavailable")
    if not compared.matched:
        return Said(problem="wrong") if compared.left else _without(way, identity, cpr.NOT_MATCHED, "cpr_not_matched")
    title, text = cards.consent(way.client, way.language, remember=remember)
    consent = cpr_store.Consent(way.client.relying_party_id, way.found.id, way.language, title, text)
    where = way.issuer.tenant_id, way.issuer.environment_id
    cpr_store.consented(*where, _key(way, identity), consent, number if remember else "")
    return _ready(identity, number, cpr.MATCHED)


def _without(way: Underway, identity: Identity, status: str, ending: str) -> Said:
    """On without a number where the relying party says that it is optional; else the login ends."""
    return _ready(identity, "", status) if way.client.cpr_optional else Said(ending=ending)


def _ready(identity: Identity, number: str, status: str) -> Said:
    return Said(Person(replace(identity, cpr=number, cpr_status=status), ""))


def _key(way: Underway, identity: Identity) -> bytes:
    return subjects.key(way.issuer.subject_secret, identity.kind, identity.national_id)
