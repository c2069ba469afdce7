"""The simulated core: bytes in, bytes out. It plays the part of MitID's, says that it is not, and keeps its own ledger."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from joserfc.jwk import ECKey

from authflows import keys, sealing
from authflows.levels import Level
from authflows.upstream.simulator import chips, cpr_match, lookup, memory, steps, view
from authflows.upstream.simulator.memory import Session
from authflows.upstream.simulator.methods import METHODS, NAMES, Method
from authflows.upstream.simulator.people import PEOPLE, Person, told_to
from authflows.upstream.transport import Answer
from tenants.ids import uuid7

Told = dict[str, Any]
OF_REQUEST = ("provider", "action", "reference_text", "level", "language", "sector", "identities", "psd2")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class _Refused(Exception):
    pass


def handle(path: str, body: bytes) -> Answer:
    """POST /sessions, /sessions/<id>[/step|/cancel|/redeem|/match], /look-up and /key."""
    try:
        asked: Told = json.loads(body)
        parts = path.strip("/").split("/")
        action = ACTIONS[parts[0] if len(parts) == 1 else "show" if len(parts) == 2 else parts[2]]
        told = action(parts[1] if len(parts) > 1 else "", asked)
    except _Refused as refusal:
        return Answer(400, json.dumps({"error": str(refusal)}).encode())
    except (KeyError, ValueError):
        return Answer(400, b'{"error": "malformed"}')
    return Answer(200, json.dumps(told).encode())


@cache
def signing_key() -> ECKey:
    """The same in all processes, kept nowhere, and worth nothing outside the simulator."""
    scalar = int.from_bytes(sealing.derive(settings.SECRET_KEY, "the simulated core's signing key"))
    private = ec.derive_private_key(scalar % (P256_ORDER - 1) + 1, ec.SECP256R1())
    return ECKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _key(_: str, asked: Told) -> Told:
    return {"jwk": signing_key().as_dict(private=False)}


def _open(_: str, asked: Told) -> Told:
    request = {name: asked[name] for name in OF_REQUEST}
    session = memory.accept(uuid7(), uuid.UUID(asked["reference"]), asked["service"], request, settings.CORE_SECONDS)
    return {"session": str(session.id), **view.of(session)}


def _look_up(_: str, asked: Told) -> Told:
    session = memory.by_reference(uuid.UUID(asked["reference"]), asked["service"])
    return {"session": str(session.id) if session else None}


def _show(session_id: str, asked: Told) -> Told:
    session = _session(session_id, asked)
    if session.state == "ended":
        return _renewed(session)
    return _end(session, session.person, "expired") if session.expired else view.of(session)


def _step(session_id: str, asked: Told) -> Told:
    person = _named(asked["fields"])
    if person is not None and person.ending:
        code = secrets.token_urlsafe(32)
        if memory.end_at_once(uuid.UUID(session_id), asked["service"], person.user_id, _result(person.ending), _hash(code)):
            return {"code": code}
    session = _session(session_id, asked)
    if session.state == "ended":
        return _renewed(session)
    if session.expired:
        return _end(session, session.person, "expired")
    user_id = session.person or steps.user_id(asked["fields"])
    person = lookup.find(session.service, user_id) if steps.needs_person(session) else None
    return _done(session, steps.decide(session, person, asked["fields"], time.time()))


def _named(fields: dict[str, str]) -> Person | None:
    return PEOPLE.get(steps.user_id(fields))


def _done(session: Session, outcome: steps.Outcome) -> Told:
    match outcome:
        case steps.Stay(unknown):
            return view.of(_untold(session) if unknown is not None and session.psd2 else session, unknown=unknown)
        case steps.Go(state, person):
            return view.of(memory.move(session, state, person=person) or session)
        case steps.Use(method, factor, unblock):
            return view.of(_use(session, method, factor, unblock=unblock))
        case steps.ShowChannel(qr):
            return view.of(memory.show_channel(session, qr=qr) or session)
        case steps.Verify(answer):
            right = chips.proven(session.service, session.person, session.channel, answer)
            return _done(session, steps.following(session, "chip") if right else steps.Wrong())
        case steps.Wrong():
            return view.of(wrong(session))
        case steps.End(status, person):
            return _end(session, person, status)


def _use(session: Session, method: str, factor: str, *, unblock: bool = False) -> Session:
    """Begins a factor's step, or says why it cannot begin."""
    if unblock:
        memory.unblock(session.service, session.person)
    state, channel = "waiting" if factor == "app" else factor, ""
    if factor in memory.blocked(session.service, session.person):
        state = "blocked"
    elif factor == "app":
        # The app shows one request at a time.
        busy = memory.waiting_for(session.person, session.service, but=session.id)
        state, channel = ("parallel", "") if busy else ("waiting", secrets.token_hex(16))
    elif factor == "chip":
        channel = secrets.token_hex(16)
    if state == "blocked" and session.psd2:
        return _untold(session)
    return memory.move(session, state, person=session.person, method=method, channel=channel) or session


def _untold(session: Session) -> Session:
    """With PSD2 nobody is told which of user id and factors was wrong, or blocked: each of them leads here."""
    return memory.move(session, "untold", person="") or session


def wrong(session: Session) -> Session:
    """Counts a wrong answer; after the last that is allowed, what was tried is blocked for a while."""
    counted = memory.wrong(session) or session
    if counted.tries < settings.SIMULATOR_TRIES:
        return _untold(counted) if session.psd2 and session.state != "waiting" else counted
    factor = "app" if session.state == "waiting" else session.state
    memory.block(session.service, session.person, factor, settings.SIMULATOR_BLOCK_SECONDS)
    if session.psd2:
        return _untold(session)
    return memory.move(session, "blocked", person=session.person, method=session.method) or session


def _cancel(session_id: str, asked: Told) -> Told:
    session = _session(session_id, asked)
    return _renewed(session) if session.state == "ended" else _end(session, session.person, "core_cancelled")


def _redeem(session_id: str, asked: Told) -> Told:
    result = memory.redeem(uuid.UUID(session_id), asked["service"], _hash(asked["code"]))
    if result is None:
        raise _Refused("unknown code")
    person, method = lookup.find(asked["service"], result.pop("user_id")), METHODS.get(result.pop("method"))
    if result["status"] == "approved" and person is not None:
        result["person"] = told_to(result, _vouched(person, method, Level[result["level"].upper()]))
    elif result["status"] == "blocked" and result["psd2"]:
        result["status"] = "not_recognised"
    signed = {"session": session_id, "service": asked["service"], "issued_at": time.time(), **result}
    return {"result": keys.compact(signing_key(), json.dumps(signed).encode(), alg="ES256", typ="simulated-core+jws")}


def _match(session_id: str, asked: Told) -> Told:
    matches = cpr_match.compare(session_id, asked)
    if matches is None:
        raise _Refused("no more comparing")
    return {"match": matches}


def _vouched(person: Person, method: Method | None, asked: Level) -> Told:
    today = datetime.now(UTC).date()
    if method is None:  # an automatic person
        factor = "password" if person.automatic_level is Level.LOW else "app"
        return person.result(person.automatic_level or asked, [NAMES[factor]], today)
    return person.result(method.level_of(person), [NAMES[factor] for factor in method.factors], today)


def answer(waiting: Session, *, approved: bool) -> None:
    """What a simulated person does on the phone page, once their phone is tied to the screen that asked."""
    if not approved:
        memory.move(waiting, "rejected", person=waiting.person, method=waiting.method)
    else:
        _done(waiting, steps.following(waiting, "app"))


def _session(session_id: str, asked: Told) -> Session:
    session = memory.read(uuid.UUID(session_id), asked["service"])
    if session is None:
        raise _Refused("unknown session")
    return session


def _end(session: Session, user_id: str, status: str) -> Told:
    code = secrets.token_urlsafe(32)
    if not memory.end(session.id, session.service, user_id, _result(status), _hash(code)):
        return _renewed(session)
    return {"code": code}


def _result(status: str) -> Told:
    """What is kept names no person: who they are is said when the result is fetched."""
    return {"status": status, "authenticated_at": int(time.time())}


def _renewed(session: Session) -> Told:
    code = secrets.token_urlsafe(32)
    if not memory.recode(session.id, session.service, _hash(code)):
        raise _Refused("already redeemed")
    return {"code": code}


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


ACTIONS: dict[str, Callable[[str, Told], Told]] = {
    "sessions": _open,
    "show": _show,
    "step": _step,
    "cancel": _cancel,
    "redeem": _redeem,
    "match": _match,
    "look-up": _look_up,
    "key": _key,
}
