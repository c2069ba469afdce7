"""What a dialect is: another provider's names and shapes for what the native protocol says. It never changes a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from authflows.oidc.parameters import Parameters
from authflows.requests import NO_HINTS, Hints


@dataclass(frozen=True, slots=True)
class Way:
    """How a request came: `confidential` past the browser or encrypted, `signed` by the client or pushed by it, authenticated."""

    confidential: bool = False
    signed: bool = False


QUERY = Way()


class Unreadable(ValueError):
    """A parameter that cannot be understood, or asks for what is not offered. The message names the parameter, never what it held."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")


@dataclass(frozen=True, slots=True)
class Reading:
    """An authorization request's words in native terms. What stands here is all that a dialect can say otherwise."""

    scopes: tuple[str, ...] = ()
    implied: tuple[str, ...] = ()  # scopes that come unasked, of those that the client has
    acr_values: str = ""
    ui_locales: str = ""
    action: str = ""  # as the client is set
    reference_text: str = ""  # likewise
    psd2: bool = False
    hints: Hints = NO_HINTS
    identities: tuple[str, ...] = ()  # kinds that are asked for; none: whatever the client meets

    def applied(self, sent: Parameters, allowed: frozenset[str]) -> Parameters:
        """The request as the checks see it: without login_hint, which has been understood; everything else is as it was sent."""
        scopes = dict.fromkeys((*self.scopes, *(scope for scope in self.implied if scope in allowed)))
        native = {"scope": " ".join(scopes), "acr_values": self.acr_values, "ui_locales": self.ui_locales}
        values = {name: value for name, value in sent.values.items() if name not in (*native, "login_hint")}
        return Parameters(values | {name: value for name, value in native.items() if value}, sent.repeated)


class Dialect(Protocol):
    """`read` raises Unreadable. The two others take native members, of which any may be missing, and the scope as the client wrote it.

    SUBJECT_FORM is what stands before and after a `sub` of ours.
    """

    @property
    def SUBJECT_FORM(self) -> tuple[str, str]: ...

    def read(self, sent: Parameters, way: Way) -> Reading: ...

    def id_token(self, native: Mapping[str, Any], scope: str) -> dict[str, Any]: ...

    def userinfo(self, native: Mapping[str, Any], scope: str) -> dict[str, Any]: ...


# What a client asked for that only a dialect tells it again: sealed with the claims, told under the dialect's own names.
ASKED = "asked"
# Members that every client's library checks, whatever its provider calls the rest.
PROTOCOL = ("iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "auth_time", "amr", "sid")


def renamed(native: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`names`: theirs to ours. What is not known is left out."""
    return {theirs: native[ours] for theirs, ours in names.items() if ours in native}


def switch(value: str, parameter: str) -> bool:
    """Raises Unreadable."""
    if value not in ("", "true", "false"):
        raise Unreadable(parameter, "true or false")
    return value == "true"


def text(value: Any) -> str:
    """JSON's true and 40 as "true" and "40"."""
    return str(value).lower() if isinstance(value, bool) else str(value)
