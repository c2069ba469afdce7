"""How bytes reach a core: this process or, elsewhere, another. The adapter cannot tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import psycopg
from django.db import OperationalError, connection

from authflows.upstream.base import Lost


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class Transport(Protocol):
    def send(self, path: str, body: bytes) -> Answer:
        """POSTs JSON. Raises base.Lost where no whole answer arrived in time."""
        ...


class InProcess:
    """A core that runs in this process: same bytes, no socket."""

    def __init__(self, core: Callable[[str, bytes], Answer]) -> None:
        self._core = core

    def send(self, path: str, body: bytes) -> Answer:
        try:
            return self._core(path, body)
        except (psycopg.OperationalError, OperationalError) as error:
            # A connection that broke is given up here; the next request makes a new one.
            connection.close()
            raise Lost(f"{path}: {type(error).__name__}") from error
