"""What a relying party may know of an identity: names and types by scope (docs/logins.md).

One family of scopes, one ScopeClaims class of django-oidc-provider's: the contract by which a deployer adds scopes of their own
(OIDC_EXTRA_SCOPE_CLAIMS). The package's Token is a value here, never a row.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from oidc_provider import settings
from oidc_provider.models import Token

from authflows.configuration import Client
from authflows.oidc.families import FAMILIES, SCOPES, Facts

# Any age from 1 to 129 can be a scope; discovery names those that Danish law asks about.
AGE_OVER = re.compile(r"age_over:([1-9]|[1-9][0-9]|1[0-2][0-9])")
AGES = (15, 16, 18, 21)
ADVERTISED = (*SCOPES, *(f"age_over:{age}" for age in AGES))
MOST_PREPARED = 32
# What the protocol itself says of a login; no extension of a deployer's says it otherwise.
PROTOCOL = frozenset(
    ("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "azp", "at_hash", "c_hash", "sid", "acr", "amr", "auth_time", "cnf")
)


def names_of(scope: str) -> tuple[str, ...]:
    return (scope.replace(":", "_"),) if AGE_OVER.fullmatch(scope) else SCOPES.get(scope, ())


@lru_cache(maxsize=1024)
def of_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """All claims of ours that somebody with these scopes may be given."""
    return frozenset(name for scope in scopes for name in names_of(scope))


def wanted(scopes: Collection[str], single: Collection[str] = ()) -> frozenset[str]:
    """All claims that a login asks for."""
    return of_scopes(frozenset(scopes)).union(single)


def supported() -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for scope in ADVERTISED for name in names_of(scope)))


def is_scope(scope: str) -> bool:
    """Whether a client can be registered for it."""
    return scope in SCOPES or bool(AGE_OVER.fullmatch(scope)) or scope in extra_scopes()


def extra_scopes() -> tuple[str, ...]:
    """Those of the deployer's class, where there is one."""
    extra = settings.get("OIDC_EXTRA_SCOPE_CLAIMS", import_str=True) if settings.get("OIDC_EXTRA_SCOPE_CLAIMS") else None
    return tuple(name.removeprefix("scope_") for name in dir(extra) if name.startswith("scope_")) if extra else ()


def only_age(scopes: Collection[str], single: Collection[str] = ()) -> bool:
    """Whether a login asks for nothing but an age: then nobody learns, nor keeps, who it was (decision 2)."""
    ages = [scope for scope in scopes if AGE_OVER.fullmatch(scope)]
    return bool(ages) and set(scopes) == {"openid", *ages} and all(name.startswith("age_over_") for name in single)


def of(client: Client, facts: Facts, scopes: Collection[str], single: Collection[str] = ()) -> dict[str, Any]:
    """Claims of the scopes and those asked for one by one, for one client; sealed until they are fetched."""
    token, names = _prepared(client, scopes), wanted(scopes, single)
    claims: dict[str, Any] = {}
    for family in FAMILIES:
        claims |= family(token, facts, names).create_response_dic()
    return claims | _of_the_deployer(client, scopes, claims)


def _prepared(client: Client, scopes: Collection[str]) -> Any:
    """One Token for all logins of a client with these scopes: our families only read it."""
    key = " ".join(sorted(scopes))
    token = client.values.get(key)
    if token is None:
        if len(client.values) >= MOST_PREPARED:
            client.values.clear()
        token = client.values[key] = value(client, scopes)
    return token


def value(client: Client, scopes: Collection[str]) -> Any:
    """django-oidc-provider's Token as claims classes and hooks expect one: for no user, and never saved."""
    return Token(user=None, client=client.registered, _scope=" ".join(scopes))


def _of_the_deployer(client: Client, scopes: Collection[str], claims: dict[str, Any]) -> dict[str, Any]:
    """What OIDC_EXTRA_SCOPE_CLAIMS adds; it finds our claims in `token.id_token`."""
    if not settings.get("OIDC_EXTRA_SCOPE_CLAIMS"):
        return {}
    token = value(client, scopes)
    token.id_token = claims
    added = settings.get("OIDC_EXTRA_SCOPE_CLAIMS", import_str=True)(token).create_response_dic()
    return {name: said for name, said in added.items() if name not in PROTOCOL}
