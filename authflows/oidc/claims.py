"""What a relying party may know of an identity: names and types by scope (docs/logins.md)."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from authflows.identity import Identity
from authflows.levels import Level

# What each scope gives, beside `sub`.
SCOPES: dict[str, tuple[str, ...]] = {
    "openid": ("acr", "amr", "auth_time", "loa", "ial", "aal", "identity_type", "idp", "transaction_id", "core_transaction_id"),
    "profile": ("name", "given_name", "family_name", "birthdate", "name_protected"),
    "mitid": ("mitid_uuid", "mitid_age", "mitid_has_cpr", "mitid_authenticators"),
    "offline_access": (),
}
SUPPORTED = tuple(dict.fromkeys(name for names in SCOPES.values() for name in names))


@lru_cache(maxsize=1024)
def of_scopes(scopes: frozenset[str]) -> frozenset[str]:
    """All claims that a client with these scopes may be given."""
    return frozenset(name for scope in scopes for name in SCOPES.get(scope, ()))


def of(
    identity: Identity,
    level: Level,
    scopes: list[str],
    single: Collection[str] = (),
    *,
    login_id: uuid.UUID,
    core_session: uuid.UUID,
    idp: str,
) -> dict[str, Any]:
    """Claims of the scopes and those asked for one by one, sealed until fetched; acr, amr and auth_time stand on the grant."""
    known = {
        "loa": level.uri,
        "ial": identity.ial.uri,
        "aal": identity.aal.uri,
        "identity_type": "test" if identity.simulated else identity.kind,
        "idp": idp,
        "transaction_id": str(login_id),
        "core_transaction_id": str(core_session),
        "mitid_uuid": identity.national_id,
        "mitid_age": identity.age,
        "mitid_has_cpr": identity.has_cpr,
        "mitid_authenticators": list(identity.authenticators),
        **_names(identity),
    }
    allowed = of_scopes(frozenset(scopes)) | set(single)
    return {name: value for name, value in known.items() if name in allowed and value not in (None, "")}


def _names(identity: Identity) -> dict[str, Any]:
    """A name-protected person yields no name."""
    if identity.name_protected:
        return {"name_protected": True, "birthdate": identity.birthdate}
    return {
        "name": identity.name,
        "given_name": identity.given_name,
        "family_name": identity.family_name,
        "birthdate": identity.birthdate,
        "name_protected": False,
    }
