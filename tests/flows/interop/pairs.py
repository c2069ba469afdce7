"""Pairwise covering: every two values that can meet in one row, do in some row.

`python -m tests.flows.interop.pairs` finds new rows, for rows.jsonl.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from tests.flows.interop.array import FACTORS, Row, possible

Pair = tuple[tuple[str, Any], tuple[str, Any]]
TRIES = 400


def pairs_of(row: Row) -> set[Pair]:
    return set(combinations(((name, getattr(row, name)) for name in FACTORS), 2))


def all_pairs() -> set[Pair]:
    """Those that some row can have."""
    return {pair for row in _possible_rows() for pair in pairs_of(row)}


def _possible_rows() -> Iterator[Row]:
    """Rows enough to show every pair that is possible: the usual values, and two others at a time."""
    usual = [Row(client, auth, proof) for client in FACTORS["client"] for auth in FACTORS["auth"] for proof in FACTORS["proof"]]
    usual += [Row("openid-client", "private_key_jwt", proof, way="pushed", dpop="ES256", fapi=True) for proof in FACTORS["proof"]]
    changes: list[dict[str, Any]] = [
        {first: one, second: other} for first, second in combinations(FACTORS, 2) for one in FACTORS[first] for other in FACTORS[second]
    ]
    for row in usual:
        for change in changes:
            candidate = replace(row, **change)
            if possible(candidate):
                yield candidate


def _filled(pair: Pair, chance: random.Random) -> Row | None:
    usual = Row("openid-client")
    for attempt in range(200):
        # What only few clients can do is seldom met by chance alone: later attempts keep more of what is usual.
        drawn: dict[str, Any] = {
            name: getattr(usual, name) if name != "client" and chance.random() * 200 < attempt else chance.choice(values)
            for name, values in FACTORS.items()
        }
        row = replace(usual, **drawn | dict(pair))
        if possible(row):
            return row
    return None


def found(seed: int = 1) -> list[Row]:
    chance = random.Random(seed)
    left, rows = all_pairs(), []
    while left:
        target = min(left, key=repr)
        candidates = [row for _ in range(TRIES) if (row := _filled(target, chance)) is not None]
        best = max(candidates, key=lambda row: len(pairs_of(row) & left))
        rows.append(best)
        left -= pairs_of(best)
    return rows


if __name__ == "__main__":
    usual = Row("openid-client")
    best = min([found(seed) for seed in range(1, 6)], key=len)
    for row in sorted(best, key=lambda row: row.client, reverse=True):
        changed = {name: getattr(row, name) for name in FACTORS if name != "client" and getattr(row, name) != getattr(usual, name)}
        print(json.dumps({"client": row.client} | changed))
