"""A step's statements as one transaction and one round trip: libpq's pipeline without psycopg's cursors (docs/performance.md).

Statements between two synchronisations are one transaction of the server's own making: it commits at the synchronisation, or undoes all
of them. Inside a transaction that is open already they belong to it.
"""

from __future__ import annotations

import json
import re
import select
import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
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
    """What a statement answered, once its step has been sent."""

    __slots__ = ("row", "rowcount")

    def __init__(self) -> None:
        self.row: tuple[Any, ...] | None = None
        self.rowcount = 0

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row: no statement of a login needs another."""
        return self.row


class Step:
    """Statements to be sent. `send` raises psycopg.Error; then none of them has happened."""

    __slots__ = ("_asked", "_connection")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asked: list[tuple[str, list[Wire], Result]] = []

    def execute(self, sql: str, params: Mapping[str, Any] = NOTHING, /, *, prepare: bool = True) -> Result:
        """`sql` names its parameters like %(tenant)s. Every statement is prepared: its text must be one of few."""
        result = Result()
        self._asked.append((sql, [_wire(params[name]) for name in _compiled(sql)[1]], result))
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


class _Server:
    """A connection's other end: which statements it knows."""

    def __init__(self, connection: Connection) -> None:
        self.pgconn: PGconn = connection.pgconn
        self.known: dict[str, bytes] = {}
        self._names = count()
        self._encoding = connection.info.encoding
        # Not the connection: it is the weak key that this object is kept under.
        self._transformer = Transformer(connection.adapters)
        self._poll = select.poll()
        self._poll.register(self.pgconn.socket, select.POLLIN)

    def send(self, asked: list[tuple[str, list[Wire], Result]]) -> None:
        pgconn = self.pgconn
        pgconn.enter_pipeline_mode()
        prepared = []
        for sql, wires, _ in asked:
            name = self.known.get(sql)
            prepared.append(name is None)
            if name is None:
                name = self.known[sql] = b"step_%d" % next(self._names)
                pgconn.send_prepare(name, _compiled(sql)[0], [oid for _, _, oid in wires])
            pgconn.send_query_prepared(name, [value for value, _, _ in wires], [form for _, form, _ in wires])
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
                    self._fill(result, answer)
        # What is checked at the end of a transaction fails at the synchronisation.
        while (rest := self._result()) is None or rest.status != ExecStatus.PIPELINE_SYNC:
            failed = failed or rest
        return failed

    def _fill(self, result: Result, answer: PGresult) -> None:
        result.rowcount = answer.command_tuples or 0
        if answer.ntuples:
            self._transformer.set_pgresult(answer)
            result.row = self._transformer.load_row(0, tuple)

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


def _wire(value: Any) -> Wire:
    kind = type(value)
    if value is None:
        return None, 0, 0
    if kind is str:
        return value.encode(), 0, 0
    if kind is uuid.UUID:
        return value.bytes, 1, _UUID
    if kind is bytes:
        return value, 1, _BYTEA
    if kind is bool:
        return b"t" if value else b"f", 0, _BOOL
    if kind is int:
        return b"%d" % value, 0, 0
    if kind is datetime:
        return value.isoformat().encode(), 0, _TIMESTAMPTZ
    if kind is Jsonb:
        return json.dumps(value.obj, ensure_ascii=False).encode(), 0, 0
    if kind is list:
        return b"{%s}" % b",".join(_element(each) for each in value), 0, 0
    raise TypeError(f"no parameter of a step is a {kind.__name__}")


def _element(value: str | int | None) -> bytes:
    if value is None:
        return b"NULL"
    return b'"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"').encode()
