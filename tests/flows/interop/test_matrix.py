"""Discovery advertises nothing that no test exercises."""

from __future__ import annotations

import json

from tests.flows.interop.matrix import DOCUMENT, ELSEWHERE, GOLDEN, advertised, document, exercising, exists

METADATA = json.loads(GOLDEN.read_text())


def test_every_member_that_discovery_advertises_is_exercised() -> None:
    """That the golden file is what an issuer answers is tested beside it."""
    assert [each for each in advertised(METADATA) if not exercising(*each)] == []


def test_the_tests_that_are_named_exist_and_are_needed() -> None:
    assert [test for test in ELSEWHERE.values() if not exists(test)] == []
    assert set(ELSEWHERE) <= set(advertised(METADATA))


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(METADATA)
