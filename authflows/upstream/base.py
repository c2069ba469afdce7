"""What an upstream must do, and what it may be able to do besides (decision 15)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from authflows.identity import Identity
from authflows.levels import Level


@dataclass(frozen=True, slots=True)
class Ask:
    """One authentication request. `reference` is the CoreSession's id, the same when the question is asked again."""

    reference: uuid.UUID
    service: str  # the environment's id, by which the core knows who asks
    provider: str  # the service provider's alias, shown in the box
    action: str
    reference_text: str
    level: Level
    language: str
    sector: str = "private"  # private | public: the latter is told the CPR number
    identities: tuple[str, ...] = ("private",)  # private, business or both
    psd2: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """The box as a plain form of ours: a step of the simulator and what it shows."""

    step: str
    shown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Redirect:
    location: str


@dataclass(frozen=True, slots=True)
class BoxMount:
    """The core's own client, mounted by script: everything here comes from the adapter's settings but `configuration`."""

    script: str
    integrity: str
    configuration: str  # single use, never logged
    origins: tuple[str, ...]
    permissions: tuple[str, ...] = ("publickey-credentials-get",)


Mount = Form | Redirect | BoxMount


@dataclass(frozen=True, slots=True)
class Started:
    """The core accepted the request, and knows it by `core_id`."""

    core_id: str
    mount: Mount


@dataclass(frozen=True, slots=True)
class Done:
    """The box is finished; `code` is good for one redemption."""

    code: str


class Refused(Exception):
    """The core did not accept the request: nothing is owed for it."""


class Lost(Exception):
    """The core's answer did not arrive: it may have accepted. Never billed nor dropped before it has been asked again."""


class Ended(Exception):
    """The core's result holds no identity; `ending` is a key of errors.ENDINGS."""

    def __init__(self, ending: str) -> None:
        super().__init__(ending)
        self.ending = ending


class Upstream(Protocol):
    """`start` raises Refused or Lost; `finish` raises Ended or Lost. No transaction is open while either runs."""

    def start(self, ask: Ask) -> Started: ...

    def finish(self, ask: Ask, core_id: str, code: str) -> Identity: ...


@runtime_checkable
class LooksUp(Protocol):
    def look_up(self, reference: uuid.UUID, service: str) -> str | None:
        """The core's id of a request that it accepted, or None where it knows of none. Raises Lost."""
        ...


@runtime_checkable
class Steps(Protocol):
    """The box is a form of ours whose fields the core is handed."""

    def show(self, ask: Ask, core_id: str) -> Form | Done: ...

    def step(self, ask: Ask, core_id: str, fields: dict[str, str]) -> Form | Done: ...


@runtime_checkable
class MatchesCpr(Protocol):
    def matches_cpr(self, service: str, core_id: str, number: str) -> bool:
        """Whether this is the number of the session's person. Raises Refused where the core compares no more, and Lost."""
        ...


@runtime_checkable
class Cancels(Protocol):
    def cancel(self, ask: Ask, core_id: str) -> None: ...
