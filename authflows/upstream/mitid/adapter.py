"""Our side of the boundary to a MitID core: JSON out, a signed result back, nothing believed unverified (decision 15)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from authflows.errors import ENDINGS
from authflows.identity import Employment, Identity
from authflows.levels import Level
from authflows.upstream.base import Ask, Done, Ended, Form, Lost, Refused, Started
from authflows.upstream.transport import Transport

CLOCK_SECONDS = 60


class MitIDCore:
    """Implements Upstream, LooksUp, Steps, MatchesCpr and Cancels over a transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._key: ECKey | None = None

    def start(self, ask: Ask) -> Started:
        told = self._send("/sessions", _question(ask))
        with _understood("/sessions"):
            return Started(str(told["session"]), Form(str(told["step"]), dict(told["shown"])))

    def show(self, ask: Ask, core_id: str) -> Form | Done:
        return _box(self._send(f"/sessions/{core_id}", {"service": ask.service}))

    def step(self, ask: Ask, core_id: str, fields: dict[str, str]) -> Form | Done:
        return _box(self._send(f"/sessions/{core_id}/step", {"service": ask.service, "fields": fields}))

    def cancel(self, ask: Ask, core_id: str) -> None:
        self._send(f"/sessions/{core_id}/cancel", {"service": ask.service})

    def matches_cpr(self, service: str, core_id: str, number: str) -> bool:
        told = self._send(f"/sessions/{core_id}/match", {"service": service, "cpr": number})
        with _understood("/match"):
            return {True: True, False: False}[told["match"]]

    def look_up(self, reference: uuid.UUID, service: str) -> str | None:
        try:
            told = self._send("/look-up", {"reference": str(reference), "service": service})
        except Refused as refusal:
            raise Lost(f"/look-up: {refusal}") from None
        with _understood("/look-up"):
            return None if told["session"] is None else str(told["session"])

    def finish(self, ask: Ask, core_id: str, code: str) -> Identity:
        told = self._send(f"/sessions/{core_id}/redeem", {"service": ask.service, "code": code})
        result = self._verified(str(told.get("result", "")))
        with _understood("result"):
            _belongs(result, ask, core_id)
            if result["status"] in ENDINGS:
                raise Ended(result["status"])
            if result["status"] != "approved":
                raise ValueError("unknown status")
            return _identity(result["person"], result["authenticated_at"], psd2=result.get("psd2") is True)

    def _send(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._transport.send(path, json.dumps(body).encode())
        if answer.status >= 500:
            raise Lost(f"{path}: {answer.status}")
        with _understood(path):
            told = dict[str, Any](json.loads(answer.body))
        if answer.status >= 400:
            raise Refused(str(told.get("error", answer.status)))
        return told

    def _verified(self, result: str) -> dict[str, Any]:
        """The core's key is asked for once: in the simulator's place a real core's is pinned by the operator's settings."""
        if self._key is None:
            self._key = ECKey.import_key(self._send("/key", {})["jwk"])
        with _understood("the result's signature"):
            signed = jws.deserialize_compact(result, self._key, algorithms=["ES256"])
            return dict[str, Any](json.loads(signed.payload))


def _question(ask: Ask) -> dict[str, Any]:
    return {
        "reference": str(ask.reference),
        "service": ask.service,
        "provider": ask.provider,
        "action": ask.action,
        "reference_text": ask.reference_text,
        "level": ask.level.word,
        "language": ask.language,
        "sector": ask.sector,
        "identities": list(ask.identities),
        "psd2": ask.psd2,
    }


@contextmanager
def _understood(what: str) -> Iterator[None]:
    """Whatever a core says that is not what was agreed is an answer that did not arrive."""
    try:
        yield
    except (JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Lost(f"{what}: {type(error).__name__}") from None


def _box(told: dict[str, Any]) -> Form | Done:
    with _understood("step"):
        return Done(str(told["code"])) if told.get("code") else Form(str(told["step"]), dict(told["shown"]))


def _belongs(result: dict[str, Any], ask: Ask, core_id: str) -> None:
    """The result answers this question, asked by us, now: session, reference, service, level, text and time."""
    wanted = {"session": core_id} | {key: value for key, value in _question(ask).items() if key not in ("provider", "language", "psd2")}
    wrong = [name for name, value in wanted.items() if result.get(name) != value]
    if abs(time.time() - float(result.get("issued_at", 0))) > CLOCK_SECONDS:
        wrong.append("issued_at")
    if wrong:
        raise Lost(f"the core's result is for another request: {', '.join(wrong)}")


def _identity(person: dict[str, Any], authenticated_at: float, *, psd2: bool) -> Identity:
    return Identity(
        national_id=person["uuid"],
        kind="private",
        ial=Level[person["ial"].upper()],
        aal=Level[person["aal"].upper()],
        authenticated_at=datetime.fromtimestamp(authenticated_at, UTC),
        authenticators=tuple(person["authenticators"]),
        name=person["name"],
        given_name=person["given_name"],
        family_name=person["family_name"],
        birthdate=person["birthdate"],
        age=person["age"],
        has_cpr=person["has_cpr"],
        name_protected=person["name_protected"],
        simulated=bool(person.get("simulated")),
        cpr=person.get("cpr", ""),
        address=person.get("address"),
        nemid_pid=person.get("nemid_pid", ""),
        risk=person.get("risk"),
        employments=tuple(Employment(**each) for each in person.get("employments", ())),
        psd2=psd2,
    )
