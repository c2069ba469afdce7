"""Child processes that never outlive whoever started them: started in groups of their own, watched, ended with all they started."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
LARGEST_LOG = 5_000_000
# The module through which Python children run; with the data directory behind it a command line names its installation.
CHILD_MODULE = "broker_portal.embedded.child"
libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """A reason not to start, worded for the person who typed the command."""


def die_with_parent(signal_number: int, parent: int) -> None:
    """In a forked child: the kernel sends this signal when the thread that started us ends, however it ends. Linux only."""
    if LINUX:
        libc.prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it ended before we asked
            os.kill(os.getpid(), signal_number)


class Process(NamedTuple):
    pid: int
    group: int
    command: str


def running() -> Iterator[Process]:
    """All processes that can be seen, without zombies; from /proc, or from ps where there is none."""
    if not LINUX:
        listing = subprocess.run(["ps", "-axww", "-o", "pid=,pgid=,command="], capture_output=True, text=True)
        for line in listing.stdout.splitlines():
            pid, group, command = line.split(maxsplit=2)
            yield Process(int(pid), int(group), command)
        return
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if command:
                yield Process(int(entry.name), os.getpgid(int(entry.name)), command)


def end_leftovers(data_dir: Path, queue_socket: Path) -> None:
    """Ends web, worker, beat and queue processes of an earlier run on this data directory whose supervisor was killed.

    Only for the holder of the data directory's lock. Raises Refused when they do not end.
    """
    marks = (f" {CHILD_MODULE} {data_dir} ", f"unixsocket:{queue_socket}", f"--unixsocket {queue_socket} ")
    deadline = time.monotonic() + 10
    while left := [process for process in running() if any(mark in f"{process.command} " for mark in marks)]:
        if time.monotonic() > deadline:
            raise Refused(f"processes {sorted(p.pid for p in left)} of an earlier run on {data_dir} do not end")
        for group in {process.group for process in left} - {os.getpgrp()}:
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)
        time.sleep(0.05)


def open_log(path: Path) -> IO[bytes]:
    """Appends; a file that has grown large is put aside as `.1` first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(OSError):
        if path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def last_lines(path: Path, count: int = 20) -> str:
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    return ""


@dataclass
class Child:
    """One long-running program in a session and process group of its own, so that Ctrl-C reaches the supervisor alone."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    stop_signal: int = signal.SIGTERM
    # What the kernel sends it when the supervisor is gone.
    orphan_signal: int = signal.SIGKILL
    patience: float = 10
    popen: Mapping[str, Any] | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Must run in the main thread: the kernel ties the child to the thread that made it."""
        options = dict(self.popen or {})
        prepare = options.pop("preexec_fn", None)
        parent = os.getpid()

        def preexec() -> None:
            if prepare:
                prepare()
            die_with_parent(self.orphan_signal, parent)

        with open_log(self.log) as log:
            self.process = subprocess.Popen(
                self.argv,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=preexec,
                **options,
            )

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process and self.alive():
            self.process.send_signal(self.stop_signal)

    def finish(self) -> None:
        """Waits for the end that was asked for; what is left after that, children of a dead leader too, is killed."""
        if not self.process:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(self.patience)
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        self.ask_to_stop()
        self.finish()
