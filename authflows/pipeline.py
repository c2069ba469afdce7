"""A step's statements as one transaction and one round trip: libpq's pipeline without psycopg's cursors (docs/performance.md).

Statements between two synchronisations are one transaction of the server's own making: it commits at the synchronisation, or undoes all
of them. Inside a transaction that is open already they belong to it.
"""

from __future__ import annotations

import json
import re
import select
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import abc, errors
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.json import Jsonb

Connection = psycopg.Connection[Any]
Wire = tuple[bytes | None, int, int]  # value, format (0 text, 1 binary), type or 0 where the statement tells

NOTHING: Mapping[str, Any] = MappingProxyType({})
_PARAMETER = re.compile(r"%\((\w+)\)s")
_UUID, _BYTEA, _BOOL, _TIMESTAMPTZ = 2950, 17, 16, 1184
_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Result:
    """What a statement answered, once its step has been sent; read when it is asked for."""

    __slots__ = ("answer", "statement")

    def __init__(self) -> None:
        self.answer: PGresult | None = None
        self.statement: _Statement | None = None

    @property
    def rowcount(self) -> int:
        return (self.answer.command_tuples or 0) if self.answer is not None else 0

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row: no statement of a login needs another."""
        if self.answer is None or self.statement is None or not self.answer.ntuples:
            return None
        return self.statement.first_row(self.answer)


class Step:
    """Statements to be sent. `send` raises psycopg.Error; then none of them has happened."""

    __slots__ = ("_asked", "_connection")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asked: list[tuple[str, list[Wire], Result]] = []

    def execute(self, sql: str, params: Mapping[str, Any] = NOTHING, /, *, prepare: bool = True) -> Result:
        """`sql` names its parameters like %(tenant)s. Every statement is prepared: its text must be one of few."""
        result = Result()
        self._asked.append((sql, [_WIRES[type(params[name])](params[name]) for name in _compiled(sql)[1]], result))
        return result

    def send(self) -> None:
        server = _servers.get(self._connection) or _servers.setdefault(self._connection, _Server(self._connection))
        # psycopg drops all prepared statements after a ROLLBACK of its own. Within a transaction that is open already nothing could be
        # tried again, so there they are prepared anew.
        if server.pgconn.transaction_status != TransactionStatus.IDLE:
            server.known.clear()
        try:
            server.send(self._asked)
        except errors.InvalidSqlStatementName:
            server.known.clear()
            if server.pgconn.transaction_status != TransactionStatus.IDLE:
                raise
            server.send(self._asked)


class _Statement:
    """A prepared statement: its name, and how its columns are read, which is found out once."""

    __slots__ = ("_read", "_transformer", "name")

    def __init__(self, name: bytes, transformer: abc.Transformer) -> None:
        self.name = name
        self._transformer = transformer
        self._read = False

    def first_row(self, answer: PGresult) -> tuple[Any, ...]:
        self._transformer.set_pgresult(answer, set_loaders=not self._read)
        self._read = True
        return self._transformer.load_row(0, tuple)


class _Server:
    """A connection's other end: which statements it knows."""

    def __init__(self, connection: Connection) -> None:
        self.pgconn: PGconn = connection.pgconn
        self.known: dict[str, _Statement] = {}
        self._names = count()
        self._encoding = connection.info.encoding
        # Not the connection: it is the weak key that this object is kept under.
        self._adapters = connection.adapters
        self._poll = select.poll()
        self._poll.register(self.pgconn.socket, select.POLLIN)

    def send(self, asked: list[tuple[str, list[Wire], Result]]) -> None:
        pgconn = self.pgconn
        pgconn.enter_pipeline_mode()
        prepared = []
        for sql, wires, result in asked:
            statement = self.known.get(sql)
            prepared.append(statement is None)
            values, forms, types = zip(*wires, strict=True) if wires else ((), (), ())
            if statement is None:
                statement = self.known[sql] = _Statement(b"step_%d" % next(self._names), Transformer(self._adapters))
                pgconn.send_prepare(statement.name, _compiled(sql)[0], types)
            result.statement = statement
            pgconn.send_query_prepared(statement.name, values, forms)
        pgconn.pipeline_sync()
        self._flush()
        failed = self._answers(asked, prepared)
        pgconn.exit_pipeline_mode()
        if failed is not None:
            raise errors.error_from_result(failed, encoding=self._encoding)

    def _flush(self) -> None:
        while self.pgconn.flush():
            select.select([], [self.pgconn.socket], [])

    def _answers(self, asked: list[tuple[str, list[Wire], Result]], prepared: list[bool]) -> PGresult | None:
        """Fills the results; the first answer that is an error, if one is."""
        failed = None
        for (sql, _, result), preparing in zip(asked, prepared, strict=True):
            for last in (False, True) if preparing else (True,):
                answer = self._next()
                if answer.status not in _DONE:
                    failed = failed or answer
                    if preparing:
                        self.known.pop(sql, None)
                elif last:
                    result.answer = answer
        # What is checked at the end of a transaction fails at the synchronisation.
        while (rest := self._result()) is None or rest.status != ExecStatus.PIPELINE_SYNC:
            failed = failed or rest
        return failed

    def _next(self) -> PGresult:
        """Each statement's answer, and the nothing behind it."""
        answer = self._result()
        assert answer is not None
        self._result()
        return answer

    def _result(self) -> PGresult | None:
        while self.pgconn.is_busy():
            self._poll.poll()
            self.pgconn.consume_input()
        answer = self.pgconn.get_result()
        if answer is None and self.pgconn.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection is lost")
        return answer


_servers: WeakKeyDictionary[Connection, _Server] = WeakKeyDictionary()


@lru_cache
def _compiled(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The text with $1, $2 …, and the parameters' names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql).encode(), names


def _element(value: str | int | None) -> bytes:
    if value is None:
        return b"NULL"
    return b'"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"').encode()


# What a step may be given, by its exact type; anything else is a mistake (KeyError).
_JSON = json.JSONEncoder(ensure_ascii=False)
_WIRES: dict[type, Callable[[Any], Wire]] = {
    type(None): lambda value: (None, 0, 0),
    str: lambda value: (value.encode(), 0, 0),
    uuid.UUID: lambda value: (value.int.to_bytes(16), 1, _UUID),
    bytes: lambda value: (value, 1, _BYTEA),
    bool: lambda value: (b"t" if value else b"f", 0, _BOOL),
    int: lambda value: (b"%d" % value, 0, 0),
    datetime: lambda value: (value.isoformat().encode(), 0, _TIMESTAMPTZ),
    Jsonb: lambda value: (_JSON.encode(value.obj).encode(), 0, 0),
    list: lambda value: (b"{%s}" % b",".join(map(_element, value)), 0, 0),
}
