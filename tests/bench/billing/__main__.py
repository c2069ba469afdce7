"""`python -m tests.bench.billing`: what counting, closing and settling cost (docs/performance.md). One JSON document."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import django

from tests.bench.billing.sizes import FULL, QUICK, Sizes
from tests.harness.ground import Ground

DATABASE = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "512MB", "max_wal_size": "4GB"}
PARTS = ("record", "roll", "close", "reconcile", "recount", "render")


def main() -> int:
    arguments = _arguments()
    sizes = QUICK if arguments.quick else FULL
    given = {name: getattr(arguments, name) for name in ("accounts", "drilled") if getattr(arguments, name)}
    if "accounts" in given:
        given["requests"] = given["accounts"] * FULL.requests // FULL.accounts
    if "drilled" in given:
        given["recounted"] = given["drilled"] * 2 // 5
    print(json.dumps({"billing": figures(replace(sizes, **given), arguments.only or PARTS)}, indent=2))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the volume")
    parser.add_argument("--accounts", type=int, help="of the close and the settlement, each with 10,800 requests a month")
    parser.add_argument("--drilled", type=int, help="events of one account in a month")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    return parser.parse_args()


def figures(sizes: Sizes, parts: tuple[str, ...]) -> dict[str, Any]:
    ground = Ground(DATABASE)
    try:
        ground.start()
        django.setup()
        return _measured(ground, sizes, parts)
    finally:
        ground.stop()


def _measured(ground: Ground, sizes: Sizes, parts: tuple[str, ...]) -> dict[str, Any]:
    from django.utils import timezone

    from billing.periods import day_of
    from tests.bench.billing import closing, recording, recounting, rendering, rolling, settling
    from tests.bench.billing.ground import made, one_more, record

    bench = made(ground, sizes.accounts, day_of(timezone.now()))
    month, drilled = bench.month.next().next(), None
    if "recount" in parts:
        drilled = one_more(bench, "storkunde", month)
        record(bench, drilled, month, sizes.drilled)
        recounting.count(bench, drilled, month)
    measures: dict[str, Callable[[], dict[str, object]]] = {
        "record": lambda: recording.figures(bench, sizes),
        "close": lambda: closing.figures(bench, sizes),
        "reconcile": lambda: settling.figures(bench, sizes),
        "recount": lambda: recounting.figures(drilled, month, sizes) if drilled else {},
        "render": lambda: rendering.figures(bench, sizes),
        "roll": lambda: rolling.figures(bench, sizes),
    }
    found = {}
    for name, measure in measures.items():
        if name in parts:
            began = time.perf_counter()
            found[name] = measure()
            print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
