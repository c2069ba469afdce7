"""What a typed step leads to. Pure but for the clock that it is given; `core` does what the outcome says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authflows.levels import Level
from authflows.upstream.simulator import secrets
from authflows.upstream.simulator.memory import Session
from authflows.upstream.simulator.methods import METHODS, offered
from authflows.upstream.simulator.people import Person

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stay:
    """The same step again; `unknown` is the user id that nobody has."""

    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Go:
    """To a step that is no factor's: shown, choosing, level."""

    state: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A factor of the method is next."""

    method: str
    factor: str
    unblock: bool = False


@dataclass(frozen=True, slots=True)
class ShowChannel:
    """As QR frames, or as four digits."""

    qr: bool


@dataclass(frozen=True, slots=True)
class Verify:
    """What a chip answered is to be held against what was registered."""

    answer: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What was typed is wrong: counted, and the factor is blocked after the third time."""


@dataclass(frozen=True, slots=True)
class End:
    status: str
    person: str


Outcome = Stay | Go | Use | ShowChannel | Verify | Wrong | End


def decide(session: Session, person: Person | None, fields: Fields, now: float) -> Outcome:
    """`person` is who has the user id that is typed, or was: of use to the steps that depend on what they hold."""
    if session.state == "shown":
        return who(session, person, fields)
    if session.state == "choosing":
        return choose(session, person, fields)
    return STEPS[session.state](session, fields, now)


def needs_person(session: Session) -> bool:
    return session.state in ("shown", "choosing")


def who(session: Session, person: Person | None, fields: Fields) -> Outcome:
    if person is None:
        return Stay(unknown=user_id(fields))
    if person.ending:
        return End(person.ending, person.user_id)
    return Go("choosing" if offered(person, _asked(session)) else "level", person.user_id)


def user_id(fields: Fields) -> str:
    return fields.get("user_id", "").strip().lower()


def choose(session: Session, person: Person | None, fields: Fields) -> Outcome:
    chosen = METHODS.get(fields.get("authenticator", ""))
    if chosen is None or person is None or chosen not in offered(person, _asked(session)):
        return Stay()
    return Use(chosen.name, chosen.factors[0])


def code(session: Session, fields: Fields, now: float) -> Outcome:
    if "again" in fields:
        return Stay()
    return _other(session, fields) or _proven(session, secrets.is_code(session.person, session.state, fields.get("code", ""), now))


def password(session: Session, fields: Fields, now: float) -> Outcome:
    return _other(session, fields) or _proven(session, fields.get("password", "") == secrets.password(session.person))


def chip(session: Session, fields: Fields, now: float) -> Outcome:
    """Its script asks the browser, and sends the answer."""
    if fields.get("chip"):
        return Verify(fields["chip"])
    return _other(session, fields) or Stay()


def app(session: Session, fields: Fields, now: float) -> Outcome:
    """The answer is given on the phone."""
    if fields.get("method") in ("qr", "code"):
        return ShowChannel(fields["method"] == "qr")
    return _other(session, fields) or Stay()


def over(session: Session, fields: Fields, now: float) -> Outcome:
    """Not approved, and not ended: one may try again, or another way, or give up."""
    if "cancel" in fields:
        return End("core_cancelled" if session.state == "parallel" else session.state, session.person)
    if session.method and "unblock" in fields:
        return Use(session.method, METHODS[session.method].factors[0], unblock=True)
    if session.method and "again" in fields:
        return Use(session.method, METHODS[session.method].factors[0])
    return _other(session, fields) or Stay()


def unreachable(session: Session, fields: Fields, now: float) -> Outcome:
    """The person holds nothing that reaches the level."""
    if "cancel" in fields:
        return End("level", session.person)
    return Go("shown") if "again" in fields else Stay()


def untold(session: Session, fields: Fields, now: float) -> Outcome:
    if "cancel" in fields:
        return End("not_recognised", session.person)
    return Go("shown") if "again" in fields else Stay()


def following(session: Session, factor: str) -> Outcome:
    """After a factor was proven."""
    after = METHODS[session.method].after(factor)
    return Use(session.method, after) if after else End("approved", session.person)


def _proven(session: Session, right: bool) -> Outcome:
    return following(session, session.state) if right else Wrong()


def _other(session: Session, fields: Fields) -> Outcome | None:
    return Go("choosing", session.person) if fields.get("method") == "other" else None


def _asked(session: Session) -> Level:
    return Level[session.request["level"].upper()]


STEPS: dict[str, Callable[[Session, Fields, float], Outcome]] = {
    "waiting": app,
    "code_display": code,
    "audio_reader": code,
    "password": password,
    "chip": chip,
    "rejected": over,
    "blocked": over,
    "parallel": over,
    "level": unreachable,
    "untold": untold,
}
