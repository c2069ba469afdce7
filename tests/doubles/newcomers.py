"""A relying party that came from another provider and still asks in that one's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import httpx

from tests.doubles.houses import House
from tests.doubles.relying_party import Asked, RelyingParty

# What each dialect's own documentation tells a relying party to send for an ordinary login.
WORDS: dict[str, dict[str, str]] = {
    "native": {},
    "idura": {"scope": "openid", "acr_values": "urn:grn:authn:dk:mitid:substantial"},
    "neb": {"scope": "openid mitid", "idp_values": "mitid", "language": "en"},
    "signicat": {"scope": "openid profile idp-id mitid-extra", "acr_values": "idp:mitid loa:substantial"},
}


@dataclass(frozen=True)
class Newcomer(RelyingParty):
    dialect: str = "native"
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, house: House, dialect: str, kind: str = "test", **wanted: Any) -> Self:
        """A new client of this house; `wanted` as in registration.Registration."""
        made = house.client(kind, dialect=dialect, **wanted)
        with httpx.Client(verify=False, trust_env=False, timeout=20) as http:
            metadata = http.get(made.issuer + "/.well-known/openid-configuration").json()
        known = {each.name: getattr(made, each.name) for each in fields(RelyingParty)}
        return cls(**known, dialect=dialect, metadata=metadata)

    def ask(self, **changes: str | None) -> Asked:
        return super().ask(**(WORDS[self.dialect] | changes))

    def path(self, endpoint: str) -> str:
        """Of an endpoint by its name in discovery, below the issuer."""
        address: str = self.metadata[endpoint]
        assert address.startswith(self.issuer), address
        return address.removeprefix(self.issuer)
