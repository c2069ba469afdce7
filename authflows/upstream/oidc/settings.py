"""What an OpenID upstream needs to know, as its Connection holds it: checked when it is written down, read as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.conf import settings as installation

from authflows.upstream.oidc.presets import NATIVE, PRESETS
from tenants import outbound

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
METHOD = re.compile(r"[a-z][a-z0-9_-]{1,29}")
# Below CORE_ANSWER_SECONDS: an answer that comes later is not waited for any more.
LONGEST_SECONDS = 8.0
MOST_AT_ONCE = 50


class Unusable(ValueError):
    """The message names the setting and says what to change."""


@dataclass(frozen=True, slots=True)
class OpenIDSettings:
    issuer: str
    client_id: str
    auth_method: str = "client_secret_basic"
    preset: str = "generic"  # a key of PRESETS
    scope: str = ""  # "": the preset's
    claims: Mapping[str, str] = field(default_factory=dict)  # ours to theirs, over the preset's
    seconds: float = 5.0  # for all the calls of one step of a login
    at_once: int = 1  # calls in one server process; a process has WEB_THREADS threads
    par: str = "offered"  # pushed where the upstream offers it; or never

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check(wanted: OpenIDSettings) -> None:
    """Raises Unusable."""
    try:
        outbound.check(wanted.issuer, loopback=bool(installation.DEMO))
    except outbound.Refused as refused:
        raise Unusable(f"issuer: {refused}") from None
    if wanted.issuer.endswith("/.well-known/openid-configuration"):
        raise Unusable("issuer: without /.well-known/openid-configuration")
    if not wanted.client_id:
        raise Unusable("client_id: missing")
    _one_of("auth_method", wanted.auth_method, AUTH_METHODS)
    _one_of("preset", wanted.preset, PRESETS)
    _one_of("par", wanted.par, ("offered", "never"))
    if wanted.scope and "openid" not in wanted.scope.split():
        raise Unusable("scope: must contain openid")
    if unknown := set(wanted.claims) - set(NATIVE):
        raise Unusable(f"claims: {min(unknown)} is none of {', '.join(NATIVE)}")
    if not 0.1 <= wanted.seconds <= LONGEST_SECONDS:
        raise Unusable(f"seconds: 0.1 to {LONGEST_SECONDS}")
    if not 1 <= wanted.at_once <= MOST_AT_ONCE:
        raise Unusable(f"at_once: 1 to {MOST_AT_ONCE}")


def _one_of(name: str, value: str, known: Any) -> None:
    if value not in known:
        raise Unusable(f"{name}: one of {', '.join(known)}")


def read(stored: Mapping[str, Any]) -> OpenIDSettings:
    known = {each.name for each in fields(OpenIDSettings)}
    return OpenIDSettings(**{name: value for name, value in stored.items() if name in known})
