"""Keeps a set of parts running: started in order, started again when one ends by itself, stopped together."""

import time
from collections.abc import Callable
from typing import Protocol

from broker_portal.embedded.processes import Refused

STEADY_SECONDS = 60
LONGEST_PAUSE = 30


class Part(Protocol):
    name: str

    def start(self) -> None:
        """Returns when others may use it; raises Refused."""

    def alive(self) -> bool: ...

    def ask_to_stop(self) -> None: ...

    def finish(self) -> None:
        """Returns when nothing of it runs any more, by force if need be."""


class Watched:
    """A part and its failures: started again at once after the first, then after 1, 2, 4 … 30 s; a steady minute forgives them."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.failures = 0
        self._started_at = 0.0
        self._due_at: float | None = None

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._due_at = None
        self.part.start()

    def watch(self, say: Callable[[str], None]) -> None:
        if self._due_at is None:
            if self.part.alive():
                return
            self.part.finish()
            self._failed(say, "ended by itself")
        elif time.monotonic() >= self._due_at:
            try:
                self.start()
            except (Refused, OSError) as reason:
                self.part.ask_to_stop()
                self.part.finish()
                self._failed(say, f"did not start: {reason}")

    def _failed(self, say: Callable[[str], None], what: str) -> None:
        now = time.monotonic()
        self.failures = 1 if now - self._started_at > STEADY_SECONDS else self.failures + 1
        pause = min(LONGEST_PAUSE, 2 ** (self.failures - 2)) if self.failures > 1 else 0
        self._due_at = now + pause
        say(f"{self.part.name} {what}; starting it again {f'in {pause} s' if pause else 'now'}")


class Supervisor:
    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._ground: list[Watched] = []
        self._programs: list[Watched] = []

    def start_ground(self, part: Part) -> None:
        """A part that the programs stand on: it is stopped when they have ended."""
        self._start(part, self._ground)

    def start_program(self, part: Part) -> Watched:
        return self._start(part, self._programs)

    def _start(self, part: Part, among: list[Watched]) -> Watched:
        watched = Watched(part)
        among.append(watched)
        watched.start()
        return watched

    def watch(self) -> None:
        for watched in (*self._ground, *self._programs):
            watched.watch(self._say)

    def stop(self) -> None:
        for group in (self._programs, self._ground):
            for watched in group:
                watched.part.ask_to_stop()
            for watched in group:
                watched.part.finish()
            group.clear()
