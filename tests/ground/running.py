"""`python -m broker_portal.embedded` as a terminal runs it, and what is left of it afterwards."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from broker_portal.embedded.programs import ROOT

SECONDS_TO_START = 90
COMMAND = (sys.executable, "-m", "broker_portal.embedded")
# The Makefile's own recipe, with nothing to install.
MAKE = ("make", "run", "PYTHON=true", f"VENV={sys.executable}")


def eventually(what: str, check: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Run:
    """One start on a data directory. Of this process's environment it gets only what every shell has."""

    def __init__(self, data_dir: Path, port: int, output: Path, env: Mapping[str, str], command: Sequence[str] = COMMAND) -> None:
        self.data_dir, self.port, self.output = data_dir, port, output
        shell = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**shell, "BROKER_DATA_DIR": str(data_dir), "PORT": str(port), "BROKER_DEMO": "0", **env},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                # A shell that started these tests in the background has them, and so make, ignore Ctrl-C; a terminal does not.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_running(self) -> None:
        def running() -> bool:
            assert self.process.poll() is None, self.said
            return "Broker Portal is running" in self.said

        eventually("a running portal", running, SECONDS_TO_START)

    def until_ended(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.until_ended()

    def answer(self, path: str = "/healthz") -> int:
        """The status, or 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": f"localhost:{self.port}"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def processes(self) -> dict[int, str]:
        """Command lines by process id of all that run for this data directory, zombies left out.

        Valkey writes its title over its environment; its socket is in the title.
        """
        mark = f"BROKER_DATA_DIR={self.data_dir}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if mark in (entry / "environ").read_bytes().split(b"\0") or f"unixsocket:{self.data_dir}/" in command:
                    found[int(entry.name)] = command
        return found

    def children(self, mark: str) -> list[int]:
        """Processes of one program, the one that was started first in front."""
        return sorted(pid for pid, command in self.processes().items() if mark in command)

    @property
    def postmaster(self) -> int:
        return int((self.data_dir / "postgres" / "data" / "postmaster.pid").read_text().split()[0])

    def kill(self, *pids: int) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def until_nothing_runs(self, seconds: float = 30) -> None:
        eventually("nothing left running", lambda: not self.processes(), seconds)
