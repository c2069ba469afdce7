"""Every statement has a test in every dialect, and the table says which."""

from __future__ import annotations

from tests.flows.statements.table import DOCUMENT, STATEMENTS, document, found


def test_every_statement_has_a_test_in_every_dialect() -> None:
    tests = found()
    assert set(tests) == set(STATEMENTS)
    assert [number for number in STATEMENTS if not any(each for _, each in tests[number])] == []


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document()
