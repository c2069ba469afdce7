"""Security keys as simulated people's chips, by Web Authentication. Who says that it is a chip of theirs is believed: they are invented.

A challenge to register is made of the time and a keyed hash, so that nothing is kept until a chip has answered. A chip works at the host
where it was registered: browsers see to that, and so does what is verified here.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestedCredentialData, AuthenticationResponse, PublicKeyCredentialRpEntity

from authflows.models import SimulatedChip

REGISTER_SECONDS = 300
MOST = 5  # chips of one person at one service
ANSWER_BYTES = 8192
DISCOURAGED = "discouraged"  # a chip is touched; nobody types a PIN into it
NOT_ANSWERS = (ValueError, KeyError, TypeError, AttributeError, IndexError)


class NotRegistered(Exception):
    """`reason`: unreadable | full | known."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """Where a browser is, as Web Authentication tells addresses apart."""

    rp_id: str
    origin: str

    @classmethod
    def of(cls, url: str) -> Place:
        parts = urlsplit(url)
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}")


def has(service: str, person: str) -> bool:
    return SimulatedChip.objects.filter(service=service, person=person).exists()


def of(service: str, person: str) -> list[SimulatedChip]:
    return list(SimulatedChip.objects.filter(service=service, person=person).order_by("id"))


def forget(service: str, person: str) -> None:
    SimulatedChip.objects.filter(service=service, person=person).delete()


def to_register(place: Place, service: str, person: str) -> str:
    """What a browser needs to make a chip of this person's: JSON for the page's script."""
    known = [{"type": "public-key", "id": websafe_encode(bytes(chip.credential))} for chip in of(service, person)]
    options = {
        "rp": {"id": place.rp_id, "name": "Simulator"},
        "user": {"id": websafe_encode(_user(service, person)), "name": person, "displayName": person},
        "challenge": websafe_encode(_challenge(service, person, int(time.time()))),
        "pubKeyCredParams": [{"type": "public-key", "alg": each.alg} for each in _server(place).allowed_algorithms],
        "excludeCredentials": known,
        "authenticatorSelection": {"residentKey": DISCOURAGED, "userVerification": DISCOURAGED},
        "timeout": REGISTER_SECONDS * 1000,
    }
    return json.dumps(options)


def register(place: Place, service: str, person: str, answer: str) -> None:
    """Raises NotRegistered."""
    if len(of(service, person)) >= MOST:
        raise NotRegistered("full")
    try:
        told = _read(answer)
        challenge = _asked(told)
        made = int.from_bytes(challenge[:8])
        if not 0 <= time.time() - made <= REGISTER_SECONDS or not hmac.compare_digest(challenge, _challenge(service, person, made)):
            raise NotRegistered("unreadable")
        data = _server(place).register_complete(_state(challenge), told).credential_data
        assert data is not None
    except NOT_ANSWERS:
        raise NotRegistered("unreadable") from None
    try:
        with transaction.atomic():
            SimulatedChip.objects.create(
                service=service,
                person=person,
                credential=data.credential_id,
                key=cbor.encode(dict(data.public_key)),
                rp_id=place.rp_id,
                origin=place.origin,
            )
    except IntegrityError:
        raise NotRegistered("known") from None


def to_prove(service: str, person: str, challenge: str) -> str:
    """What a browser needs to ask one of these chips: JSON for the page's script, which takes those of the host where it is."""
    chips = [{"id": websafe_encode(bytes(chip.credential)), "rp_id": chip.rp_id} for chip in of(service, person)]
    return json.dumps({"challenge": websafe_encode(challenge.encode()), "chips": chips, "userVerification": DISCOURAGED})


def proven(service: str, person: str, challenge: str, answer: str) -> bool:
    """Whether a chip of this person has signed this challenge, and has counted on since."""
    try:
        told = _read(answer)
        response = AuthenticationResponse.from_dict(told)
        chip = SimulatedChip.objects.filter(service=service, person=person, credential=response.raw_id).first()
        if chip is None:
            return False
        place = Place(chip.rp_id, chip.origin)
        known = AttestedCredentialData.create(bytes(16), bytes(chip.credential), CoseKey.parse(cbor.decode(bytes(chip.key))))  # type: ignore[arg-type]  # cbor is typed as any of its values
        _server(place).authenticate_complete(_state(challenge.encode()), [known], told)
    except NOT_ANSWERS:
        return False
    count = response.response.authenticator_data.counter
    # A count that does not go up is a copy's (Web Authentication, section 6.1.1); 0 says that a chip does not count.
    onward = SimulatedChip.objects.filter(id=chip.id).filter(Q(count__lt=count) | Q(count=0))
    return bool(onward.update(count=count))


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > ANSWER_BYTES:
        raise ValueError("too long")
    return dict[str, Any](json.loads(answer))


def _asked(told: dict[str, Any]) -> bytes:
    client_data = json.loads(websafe_decode(told["response"]["clientDataJSON"]))
    return websafe_decode(client_data["challenge"])


def _server(place: Place) -> Fido2Server:
    same_origin: Callable[[str], bool] = place.origin.__eq__
    return Fido2Server(PublicKeyCredentialRpEntity(id=place.rp_id, name="Simulator"), verify_origin=same_origin)


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": websafe_encode(challenge), "user_verification": DISCOURAGED}


def _challenge(service: str, person: str, made: int) -> bytes:
    at = made.to_bytes(8)
    return at + hmac.new(settings.SECRET_KEY.encode(), f"chip:{service}:{person}:".encode() + at, sha256).digest()


def _user(service: str, person: str) -> bytes:
    return sha256(f"{service}:{person}".encode()).digest()
