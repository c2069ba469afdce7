"""What process trees have used, from Linux's /proc: CPU (user + system) and memory (PSS)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat behind the command, which may hold anything and ends with the last parenthesis (proc_pid_stat(5)).
_PARENT = 1
_TIMES = slice(11, 15)  # utime, stime, and both of children that were waited for


def cpu_ms(*roots: int) -> float:
    """Of these processes, all that they started, and of those that have ended since: only differences mean anything."""
    stats = _stats()
    return sum(sum(int(ticks) for ticks in stats[pid][_TIMES]) for pid in _tree(stats, roots)) * 1000 / _TICKS_A_SECOND


def descendants(root: int) -> list[int]:
    """Without the root."""
    return [pid for pid in _tree(_stats(), [root]) if pid != root]


def pss_mb(pid: int) -> float:
    """Memory of one process, what it shares counted in shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"no Pss of process {pid}")


def _stats() -> dict[int, list[str]]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
    return found


def _tree(stats: dict[int, list[str]], roots: list[int] | tuple[int, ...]) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        children.setdefault(int(fields[_PARENT]), []).append(pid)
    waiting = [root for root in roots if root in stats]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting.extend(children.get(pid, ()))
