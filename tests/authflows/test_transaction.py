"""What a step's transaction leaves behind when something in it fails: nothing, and a connection that works."""

import gc
import uuid
import weakref

import psycopg
import pytest
from django.db import connection
from psycopg.pq import TransactionStatus

from authflows import store

NOBODY = uuid.UUID(int=0)
HIT = "INSERT INTO tenants_ratelimit (key, \"window\", n) VALUES ('test.transaction', 0, 1)"


def left_behind() -> int:
    row = connection.connection.execute("SELECT count(*) FROM tenants_ratelimit WHERE key = 'test.transaction'").fetchone()
    return int(row[0])


def step(last: str = "", trouble: Exception | None = None) -> None:
    with store.transaction(NOBODY) as raw:
        raw.execute(HIT)
        if last:
            raw.execute(last)
        if trouble:
            raise trouble


@pytest.mark.parametrize("last", ["SELECT 1 / 0", "SELECT nonsense"])
def test_a_statement_that_fails_undoes_the_step(committed: None, last: str) -> None:
    with pytest.raises(psycopg.Error):
        step(last)
    assert connection.connection.info.transaction_status == TransactionStatus.IDLE
    assert left_behind() == 0


def test_so_does_an_error_of_ours_between_two_statements(committed: None) -> None:
    with pytest.raises(LookupError):
        step(trouble=LookupError())
    assert connection.connection.info.transaction_status == TransactionStatus.IDLE
    assert left_behind() == 0


def test_what_succeeds_is_there_for_everybody(committed: None) -> None:
    step()
    assert left_behind() == 1
    connection.connection.execute("DELETE FROM tenants_ratelimit WHERE key = 'test.transaction'")


def look() -> None:
    with store.transaction(NOBODY) as asked:
        asked.execute("SELECT 1")


def test_a_connection_that_was_replaced_is_forgotten(committed: None) -> None:
    """Else a process would keep each connection that PostgreSQL's restarts ended."""
    connection.close()
    replaced = []
    for _ in range(3):
        look()
        replaced.append(weakref.ref(connection.connection))
        connection.close()
    gc.collect()
    assert [each() for each in replaced] == [None] * 3
