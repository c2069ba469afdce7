"""How long a second `make run` takes, against how long this Python takes to load Django and settings: both measured here and now."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.ground.running import Run
from tests.harness.ground import free_port

TIMES = 3


def seconds() -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="broker-bench-", dir="/tmp"))
    try:
        _start(folder)
        second = statistics.median(_start(folder) for _ in range(TIMES))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    loading = statistics.median(_loading() for _ in range(TIMES))
    return {"seconds": round(second, 2), "loading_django_seconds": round(loading, 2), "ratio": round(second / loading, 2)}


def _start(folder: Path) -> float:
    began = time.monotonic()
    run = Run(folder / "data", free_port(), folder / "output", {})
    run.until_running()
    taken = time.monotonic() - began
    run.end()
    return taken


def _loading() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import django; django.setup()"], env=os.environ, check=True, timeout=60)
    return time.monotonic() - began
