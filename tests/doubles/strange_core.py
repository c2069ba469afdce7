"""A MitID core of somebody else's making: it may say anything."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

from authflows.upstream.base import Ask
from authflows.upstream.transport import Answer

KEY = ECKey.generate_key("P-256", private=True)


def signed(result: Any, key: ECKey = KEY, alg: str = "ES256") -> str:
    return jws.serialize_compact({"alg": alg}, result if isinstance(result, str) else json.dumps(result), key, algorithms=[alg])


def honest(ask: Ask, core_id: str, **changes: Any) -> dict[str, Any]:
    """The result of a person who approved; `changes` are what this core gets wrong."""
    person = {
        "uuid": "b3f4c0de-0000-4000-8000-000000000001",
        "ial": "high",
        "aal": "substantial",
        "authenticators": ["code_app"],
        "name": "Agnes Automatisk",
        "given_name": "Agnes",
        "family_name": "Automatisk",
        "birthdate": "1985-04-12",
        "age": 41,
        "has_cpr": True,
        "name_protected": False,
    }
    return {
        "session": core_id,
        "reference": str(ask.reference),
        "service": ask.service,
        "action": ask.action,
        "reference_text": ask.reference_text,
        "level": ask.level.word,
        "sector": ask.sector,
        "identities": list(ask.identities),
        "status": "approved",
        "issued_at": time.time(),
        "authenticated_at": int(time.time()),
        "person": person,
    } | changes


@dataclass
class StrangeCore:
    """A transport: what is answered to the last part of a path, whatever was asked. Everything else is a key that can be verified with."""

    answers: dict[str, Answer] = field(default_factory=dict)

    def send(self, path: str, body: bytes) -> Answer:
        known = {"key": said({"jwk": KEY.as_dict(private=False)})} | self.answers
        return known[path.rpartition("/")[2]]


def said(told: Any, status: int = 200) -> Answer:
    return Answer(status, told if isinstance(told, bytes) else json.dumps(told).encode())
