"""The simulated core: bytes in, bytes out. It plays the part of MitID's, says that it is not, and keeps its own ledger."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.utils import timezone
from joserfc.jwk import ECKey

from authflows import keys, sealing
from authflows.upstream.simulator import memory
from authflows.upstream.simulator.memory import Session
from authflows.upstream.simulator.people import PEOPLE, Person
from authflows.upstream.transport import Answer
from tenants.ids import uuid7

Told = dict[str, Any]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class _Refused(Exception):
    pass


def handle(path: str, body: bytes) -> Answer:
    """POST /sessions, /sessions/<id>[/step|/cancel|/redeem], /look-up and /key."""
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
    request = {name: asked[name] for name in ("provider", "action", "reference_text", "level", "language")}
    session = memory.accept(uuid7(), uuid.UUID(asked["reference"]), asked["service"], request, settings.CORE_SECONDS)
    return {"session": str(session.id), **_view(session)}


def _look_up(_: str, asked: Told) -> Told:
    session = memory.by_reference(uuid.UUID(asked["reference"]), asked["service"])
    return {"session": str(session.id) if session else None}


def _show(session_id: str, asked: Told) -> Told:
    session = _session(session_id, asked)
    if session.state == "ended":
        return _renewed(session)
    return _end(session, session.person, "expired") if session.expired else _view(session)


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
    return STEPS[session.state](session, asked["fields"])


def _named(fields: dict[str, str]) -> Person | None:
    return PEOPLE.get(fields.get("user_id", "").strip().lower())


def _identify(session: Session, fields: dict[str, str]) -> Told:
    person = _named(fields)
    if person is None:
        return _view(session, unknown=fields.get("user_id", "").strip().lower())
    return _view(_moved(session, "choosing", person.user_id))


def _choose(session: Session, fields: dict[str, str]) -> Told:
    return _view(_moved(session, "waiting", session.person)) if fields.get("authenticator") == "app" else _view(session)


def _wait(session: Session, fields: dict[str, str]) -> Told:
    return _view(_moved(session, "choosing", session.person) if fields.get("method") == "other" else session)


def _cancel(session_id: str, asked: Told) -> Told:
    session = _session(session_id, asked)
    return _renewed(session) if session.state == "ended" else _end(session, session.person, "core_cancelled")


def _redeem(session_id: str, asked: Told) -> Told:
    result = memory.redeem(uuid.UUID(session_id), asked["service"], _hash(asked["code"]))
    if result is None:
        raise _Refused("unknown code")
    person = PEOPLE.get(result.pop("user_id"))
    if result["status"] == "approved" and person is not None:
        result["person"] = person.result(result["level"], datetime.now(UTC).date())
    signed = {"session": session_id, "service": asked["service"], "issued_at": time.time(), **result}
    return {"result": keys.compact(signing_key(), json.dumps(signed).encode(), alg="ES256", typ="simulated-core+jws")}


def decide(waiting: Session, *, approved: bool) -> None:
    """What a simulated person does on the phone page."""
    _end(waiting, waiting.person, "approved" if approved else "rejected")


def _session(session_id: str, asked: Told) -> Session:
    session = memory.read(uuid.UUID(session_id), asked["service"])
    if session is None:
        raise _Refused("unknown session")
    return session


def _moved(session: Session, state: str, person: str) -> Session:
    return memory.move(session.id, session.service, state, person) or session


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


def _view(session: Session, *, unknown: str | None = None) -> Told:
    shown: Told = {"provider_name": session.request["provider"], "action": session.request["action"]}
    if session.state == "shown":
        return {"step": "user_id", "shown": shown | {"unknown": unknown is not None, "user_id": unknown or "", "identities": list(PEOPLE)}}
    if session.state == "choosing":
        return {"step": "authenticator", "shown": shown | {"minimum": session.request["level"], "authenticators": ["app"]}}
    left = session.seconds_left
    waiting = {
        "phone": True,
        "reference_text": session.request["reference_text"],
        "seconds": settings.CORE_SECONDS,
        "seconds_left": left,
        "time_left": f"{left // 60}:{left % 60:02}",
        "expires_at": f"{timezone.localtime() + timedelta(seconds=left):%H.%M}",
    }
    return {"step": "waiting", "shown": shown | waiting}


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


ACTIONS: dict[str, Callable[[str, Told], Told]] = {
    "sessions": _open,
    "show": _show,
    "step": _step,
    "cancel": _cancel,
    "redeem": _redeem,
    "look-up": _look_up,
    "key": _key,
}
STEPS: dict[str, Callable[[Session, dict[str, str]], Told]] = {"shown": _identify, "choosing": _choose, "waiting": _wait}
