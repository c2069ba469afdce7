"""Reads every statement that the application role sent while the tests ran, in any process: each tenant table names tenant_id (decision 7).

A pytest plugin: pg_stat_statements has kept the statements, and the session fails when one of them names a tenant table without naming its
tenant in WHERE, ON or INSERT. Row-level security would have answered it rightly; a sharded database would have asked every shard.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from broker_portal.embedded import addresses

# In a condition of a test that asks the policy alone.
WITHOUT_TENANT = "true /* sql_watch: the policy alone */"
FOUND = pytest.StashKey[list[str]]()

_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/|(?P<string>[eE]?'(?:[^']|'')*'|\$(\w*)\$.*?\$\2\$)|"(?P<quoted>[^"]+)"|(?P<word>[A-Za-z_][\w$]*)"""
    r"""|(?P<other>%\(\w+\)s|%s|\$?\d+(?:\.\d+)?|::|.)""",
    re.DOTALL,
)
_STATEMENTS = ("select", "insert", "update", "delete", "with")
_SET_OPERATORS = ("union", "intersect", "except")
# What ends the part of a statement that can bind a table to its tenant.
_SECTIONS = {"where", "on", "from", "join", "set", "values", "group", "order", "having", "returning", "limit", "offset", "window", "for"}
_NO_ALIAS = _SECTIONS | {
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "using",
    "lateral",
    "do",
    "nothing",
    "select",
    "default",
    "as",
}

Token = str | list[Any]


def violations(sql: str, tenant_tables: Sequence[str]) -> list[str]:
    """The tenant tables, by alias, that this statement does not bind to a tenant."""
    if "sql_watch:" in sql:
        return []
    return sorted(set(_unbound(_nested(sql), frozenset(tenant_tables))))


def _nested(sql: str) -> list[Token]:
    """Lower-case words and signs; what stands in parentheses is a list of its own. Quoted names keep their case."""
    stack: list[list[Token]] = [[]]
    for match in _TOKEN.finditer(sql):
        text = match["quoted"] or (match["word"] or "").lower() or match["other"] or ("'…'" if match["string"] else "")
        if text == "(":
            inner: list[Token] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif text == ")":
            stack.pop()
        elif text:
            stack[-1].append(text)
    return stack[0]


def _unbound(tokens: list[Token], tables: frozenset[str]) -> Iterator[str]:
    for token in tokens:
        if isinstance(token, list):
            yield from _unbound(token, tables)
    if tokens and tokens[0] in _STATEMENTS:
        for part in _parts(tokens):
            yield from _Statement(part, tables).unbound()


def _parts(tokens: list[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token in _SET_OPERATORS:
            yield part
            part = []
        elif token != "all" or part:
            part.append(token)
    yield part


@dataclass
class _Statement:
    """One statement without those inside its parentheses."""

    tokens: list[Token]
    tables: frozenset[str]
    used: dict[str, str] = field(default_factory=dict)  # alias -> tenant table
    bound: set[str] = field(default_factory=set)
    conditions: list[str] = field(default_factory=list)
    _at: int = 0

    def unbound(self) -> Iterator[str]:
        section = ""
        while self._at < len(self.tokens):
            token = self.tokens[self._at]
            self._at += 1
            if isinstance(token, str) and self._names_tables(token, section):
                section = "from" if token in ("from", "join", "using") else token
                self._table(inserted=token == "into")
            elif token == "," and section == "from":
                self._table(inserted=False)
            elif isinstance(token, str) and token in _SECTIONS:
                section = "conflict" if token == "on" and self._peek() == "conflict" else token
            elif section in ("where", "on") or (section == "from" and isinstance(token, list) and self._before(2) == "using"):
                self._condition(token)
        for alias, table in self.used.items():
            if alias not in self.bound and not self._tenant_of(alias):
                yield table if alias == table else f"{table} {alias}"

    def _names_tables(self, token: str, section: str) -> bool:
        before = self._before(2)
        if token == "from":
            return before != "distinct" or section not in ("where", "on")
        if token == "update":
            return before not in ("for", "do", "key")
        return token in ("join", "into") or (token == "using" and "delete" in self.tokens and section == "from" and self._deletes())

    def _deletes(self) -> bool:
        return self._at < len(self.tokens) and isinstance(self.tokens[self._at], str)

    def _before(self, steps: int) -> Token:
        return self.tokens[self._at - steps] if self._at >= steps else ""

    def _take(self) -> Token:
        token = self.tokens[self._at] if self._at < len(self.tokens) else ""
        self._at += 1
        return token

    def _peek(self) -> Token:
        return self.tokens[self._at] if self._at < len(self.tokens) else ""

    def _table(self, *, inserted: bool) -> None:
        while self._peek() in ("only", "lateral"):
            self._at += 1
        name = self._take()
        if self._peek() == ".":
            self._at += 1
            name = self._take()
        if isinstance(name, list):
            name = ""
        alias = name
        if self._peek() == "as":
            self._at += 1
            alias = str(self._take())
        elif isinstance(following := self._peek(), str) and re.fullmatch(r"[A-Za-z_]\w*", following) and following not in _NO_ALIAS:
            alias = str(self._take())
        if name in self.tables:
            self.used[alias] = name
            columns = self._peek()
            if inserted and isinstance(columns, list) and "tenant_id" in columns:
                self.bound.add(alias)

    def _condition(self, token: Token) -> None:
        if isinstance(token, str):
            self.conditions.append(token)
        elif not token or token[0] not in _STATEMENTS:
            for inner in token:
                self._condition(inner)

    def _tenant_of(self, alias: str) -> bool:
        words = self.conditions
        for position, word in enumerate(words):
            if word == "tenant_id":
                qualifier = words[position - 2] if position > 1 and words[position - 1] == "." else None
                if qualifier == alias or (qualifier is None and len(self.used) == 1):
                    return True
        return False


def pytest_sessionfinish(session: pytest.Session) -> None:
    data_dir = Path(os.environ["BROKER_DATA_DIR"])
    session.config.stash[FOUND] = []
    if not (addresses.socket_directory(data_dir) / addresses.POSTGRES_SOCKET).exists():
        return
    from tenants.isolation import TABLES, TableClass

    tenant_tables = [name for name, kind in TABLES.items() if kind in (TableClass.TENANT, TableClass.TENANT_BILLING)]
    found = session.config.stash[FOUND]
    for sql in _sent(addresses.superuser_url(data_dir)):
        if unbound := violations(sql, tenant_tables):
            found.append(f"{', '.join(unbound)}: {' '.join(sql.split())[:600]}")
    if found and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if found := config.stash.get(FOUND, []):
        terminalreporter.section(f"{len(found)} statements name a tenant table without its tenant", red=True)
        for line in sorted(found):
            terminalreporter.line(line)


def _sent(superuser_url: str) -> list[str]:
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        forgotten = connection.execute("SELECT dealloc FROM pg_stat_statements_info").fetchone()
        assert forgotten == (0,), "the tests sent more statements than pg_stat_statements.max keeps"
        rows = connection.execute(
            "SELECT DISTINCT query FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname = %s",
            [addresses.APPLICATION_ROLE],
        )
        return [row[0] for row in rows]
