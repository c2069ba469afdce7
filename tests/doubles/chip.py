"""A security key of nobody's making: what a browser would pass on from a real one, without a browser."""

from __future__ import annotations

import html
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData
from httpx import Response


def asked_by(page: Response) -> dict[str, Any]:
    """What a page wants from the browser."""
    (options,) = re.findall(r'data-options="([^"]*)"', page.text)
    return dict[str, Any](json.loads(html.unescape(options)))


@dataclass
class Chip:
    """Works at one host; `count` is how often it has signed."""

    origin: str
    rp_id: str = "localhost"
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def made(self, page: Response) -> str:
        """The answer to a page that registers."""
        public = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]  # fido2 types it not
        credential = AttestedCredentialData.create(bytes(16), self.id, public)
        data = AuthenticatorData.create(sha256(self.rp_id.encode()), AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT, 0, credential)
        client = self._client("webauthn.create", asked_by(page))
        attested = AttestationObject.create("none", data, {})
        return self._answer({"clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(attested)})

    def proof(self, page: Response) -> str:
        """The answer to a page of the login."""
        self.count += 1
        data = AuthenticatorData.create(sha256(self.rp_id.encode()), AuthenticatorData.FLAG.UP, self.count)
        client = self._client("webauthn.get", asked_by(page))
        signature = self.key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signature),
            }
        )

    def _client(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(type=kind, challenge=options["challenge"], origin=self.origin)

    def _answer(self, response: dict[str, str]) -> str:
        named = websafe_encode(self.id)
        return json.dumps({"id": named, "rawId": named, "type": "public-key", "response": response, "clientExtensionResults": {}})
