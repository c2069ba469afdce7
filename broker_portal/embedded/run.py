"""`make run`: one installation on this machine, from nothing to an open page, and back to nothing on Ctrl-C."""

import argparse
import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from broker_portal.embedded import addresses, programs
from broker_portal.embedded.options import Options, answers, check_database, check_port
from broker_portal.embedded.postgres import Cluster, create_database
from broker_portal.embedded.processes import Refused, die_with_parent, end_leftovers, last_lines
from broker_portal.embedded.supervision import Supervisor

SECONDS_TO_ANSWER = 90
SECONDS_TO_END = 60
ENDING = "ending"


class Stopped(Exception):
    """Somebody asked us to end."""


def caught_signals(pid: int | None) -> int:
    """The bits of the signals that this process handles itself; none where that cannot be seen."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("SigCgt:")).split()[1], 16)
    return 0


class Signals:
    """SIGINT, SIGTERM, SIGHUP and our parent's end, noticed while pausing and nowhere else: no step is torn in two."""

    def __init__(self, parent: int | None) -> None:
        self._parent = parent
        self._parent_catches = caught_signals(parent)
        self._asked = False
        self._reader, writer = os.pipe()
        for end in (self._reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._ask)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask(self, *_: object) -> None:
        self._asked = True

    def pause(self, seconds: float) -> None:
        """Sleeps, or less when a signal arrives. Raises Stopped."""
        if select.select([self._reader], [], [], seconds)[0]:
            os.read(self._reader, 4096)
        if self._asked or self._parent_ends():
            raise Stopped

    def _parent_ends(self) -> bool:
        """make passes on SIGTERM; after a SIGINT that reached it alone it waits for us and no longer catches that signal."""
        if self._parent is None:
            return False
        return os.getppid() != self._parent or bool(self._parent_catches & ~caught_signals(self._parent) & 1 << signal.SIGINT - 1)


class Lock:
    """One supervisor for each data directory. A holder that is on its way out is waited for."""

    def __init__(self, data_dir: Path) -> None:
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = (data_dir / "lock").open("a+")
        except OSError as reason:
            raise Refused(f"cannot write to the data directory {data_dir}: {reason.strerror}") from None
        self._data_dir = data_dir

    def take(self, pause: Callable[[float], None]) -> None:
        started = time.monotonic()
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                self._file.seek(0)
                holder = self._file.read()
                # One second: a holder whose parent has just been killed has not noticed yet.
                if time.monotonic() - started > (SECONDS_TO_END if ENDING in holder else 1):
                    raise Refused(f"already running on {self._data_dir} (process {holder.split()[0] if holder else '?'})") from None
            pause(0.05)
        self.write(str(os.getpid()))

    def write(self, text: str) -> None:
        try:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(text + "\n")
            self._file.flush()
        except OSError as reason:
            raise Refused(f"cannot write to the data directory {self._data_dir}: {reason.strerror}") from None


class Installation:
    """Everything `make run` starts. `say` prints a line for the person in front of it."""

    def __init__(self, options: Options, say: Callable[[str], None], pause: Callable[[float], None]) -> None:
        self._options, self._say, self._pause = options, say, pause
        self._lock = Lock(options.data_dir)
        self._supervisor = Supervisor(say)
        queue_url = options.queue_url or addresses.default_queue_url(options.data_dir)
        self._queue_url = queue_url
        self._env = {
            **os.environ,
            "BROKER_DATA_DIR": str(options.data_dir),
            "BASE_URL": options.base_url,
            "PORT": str(options.port),
            "DJANGO_SETTINGS_MODULE": "broker_portal.settings",
        }

    def run(self) -> None:
        """Returns when asked to stop; raises Refused when it cannot start. Either way nothing is left running."""
        self._lock.take(self._pause)
        try:
            self._start()
            while True:
                self._pause(1)
                self._supervisor.watch()
        except Stopped:
            self._say("Stopping …")
        finally:
            with contextlib.suppress(Refused):
                self._lock.write(f"{os.getpid()} {ENDING}")
            self._supervisor.stop()

    def _start(self) -> None:
        options = self._options
        end_leftovers(options.data_dir, addresses.socket_directory(options.data_dir) / addresses.QUEUE_SOCKET)
        check_port(options.bind, options.port)
        self._start_ground()
        self._say("Preparing the database …")
        logins = self._manage("prepare", options.base_url, *(["--demonstration"] if options.demonstration else []))
        self._start_programs()
        self._say(f"\nBroker Portal is running: {options.base_url}/\n")
        self._say(logins or "First person: .venv/bin/python manage.py create_staff --email YOU@YOUR.DOMAIN --role admin")
        self._say(f"\nLogs are in {options.data_dir / 'log'}. Ctrl-C stops everything.")

    def _start_ground(self) -> None:
        options = self._options
        if options.database_urls:
            check_database(options.database_urls[0], "DATABASE_URL")
            check_database(options.database_urls[1], "DATABASE_OWNER_URL")
        else:
            self._say("Starting PostgreSQL …")
            self._supervisor.start_ground(Cluster(options.data_dir, pause=self._pause))
            create_database(options.data_dir)
        if options.queue_url is None and (queue := programs.queue(options.data_dir)):
            self._supervisor.start_ground(queue)

    def _start_programs(self) -> None:
        options = self._options
        web = self._supervisor.start_program(programs.web(options.data_dir, self._env, options.bind, options.port))
        self._supervisor.start_program(programs.worker(options.data_dir, self._env, self._queue_url))
        self._supervisor.start_program(programs.beat(options.data_dir, self._env))
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not answers(options):
            if web.failures > 2 or time.monotonic() > deadline:
                raise Refused(f"the web server does not answer:\n{last_lines(options.data_dir / 'log' / 'web.log')}")
            self._pause(0.1)
            self._supervisor.watch()

    def _manage(self, *arguments: str) -> str:
        """What the command printed. Raises Refused with its output when it fails, Stopped with the command ended."""
        command = [sys.executable, str(programs.ROOT / "manage.py"), *arguments]
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(
                command,
                cwd=programs.ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, signal.SIGKILL, os.getpid()),
            )
            try:
                while process.poll() is None:
                    self._pause(0.1)
            finally:
                process.kill()
                process.wait()
            out.seek(0)
            err.seek(0)
            if process.returncode:
                raise Refused(f"manage.py {arguments[0]} failed (exit {process.returncode}):\n{err.read()}{out.read()}".rstrip())
            return out.read().rstrip()


def say(text: str) -> None:
    """To whoever is watching; a terminal that has gone away is no reason to fail."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m broker_portal.embedded", description=__doc__)
    parser.add_argument("--parent", type=int, help="end when this process, our parent, has ended")
    arguments = parser.parse_args()
    try:
        Installation(Options.read(os.environ), say, Signals(arguments.parent).pause).run()
    except Stopped:
        return 0
    except Refused as reason:
        print(f"Broker Portal: {reason}", file=sys.stderr)
        return 1
    except OSError as reason:
        print(f"Broker Portal: {reason.filename or 'system'}: {reason.strerror}", file=sys.stderr)
        return 1
    return 0
