"""What a deployer adds by django-oidc-provider's settings, written as that package's documentation shows it."""

from __future__ import annotations

from typing import Any

from oidc_provider.lib.claims import ScopeClaims

SEEN: list[tuple[Any, Any]] = []


class CustomerClaims(ScopeClaims):  # type: ignore[misc]  # the package carries no types
    def __init__(self, token: Any) -> None:
        super().__init__(token)
        self.known = token.id_token

    def scope_customer(self) -> dict[str, Any]:
        assert self.user is None
        return {
            "customer_number": f"{self.client.client_id}/{self.known.get('given_name', '')}",
            "customer_since": {"year": 2001, "month": ""},
            "customer_note": None,
        }

    def scope_greedy(self) -> dict[str, Any]:
        return {"sub": "somebody", "acr": "urn:highest", "iss": "https://elsewhere.example", "nickname": "x"}


def branch(id_token: dict[str, Any], user: Any, token: Any, request: Any, **more: Any) -> dict[str, Any]:
    SEEN.append((user, request))
    return id_token | {"branch": f"{token.client.client_id}:{' '.join(token.scope)}"}


def nameless(id_token: dict[str, Any], **more: Any) -> dict[str, Any]:
    return id_token | {"name": "-"}


def usurper(id_token: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": id_token["name"], "sub": "somebody", "nonce": "another"}
