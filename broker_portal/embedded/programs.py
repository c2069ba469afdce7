"""The programs of an installation beside PostgreSQL: queue, web server, Celery worker and beat."""

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from broker_portal.embedded import addresses
from broker_portal.embedded.accounts import private_directory
from broker_portal.embedded.processes import CHILD_MODULE, Child, Refused, last_lines

ROOT = Path(__file__).resolve().parents[2]
WEB_WORKERS = 2
# Each has a connection to PostgreSQL of its own; more of them make every login dearer (docs/performance.md).
WEB_THREADS = "2"


@dataclass
class Queue(Child):
    """Valkey on a unix socket, nothing kept on disk: a lost message is found again by the sweep over work rows."""

    path: Path = Path()

    def start(self) -> None:
        private_directory(self.path.parent)
        self.path.unlink(missing_ok=True)
        super().start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.alive():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.path))
                return
            time.sleep(0.01)
        raise Refused(f"the queue did not start:\n{last_lines(self.log)}")


def queue(data_dir: Path) -> Queue | None:
    """None where no server program is to be had; `addresses.default_queue_url` then names the filesystem transport."""
    binary = addresses.queue_binary()
    if binary is None:
        return None
    path = addresses.socket_directory(data_dir) / addresses.QUEUE_SOCKET
    memory = ("--save", "", "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "noeviction")
    return Queue(
        name="queue",
        argv=[binary, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--loglevel", "warning", *memory],
        log=data_dir / "log" / "queue.log",
        popen={"cwd": path.parent},
        path=path,
    )


def web(data_dir: Path, env: Mapping[str, str], bind: str, port: int) -> Child:
    """granian binds with SO_REUSEPORT: a taken port must be found out before."""
    arguments = ("--host", bind, "--port", str(port), "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", str(WEB_WORKERS))
    # An idle thread's end would close its database connection; 600 s is granian's longest.
    threads = ("--blocking-threads", env.get("WEB_THREADS") or WEB_THREADS, "--blocking-threads-idle-timeout", "600")
    endings = ("--respawn-failed-workers", "--workers-kill-timeout", "10")
    return _child("web", data_dir, env, ["granian", *arguments, *threads, *endings, "broker_portal.wsgi:application"], patience=15)


def worker(data_dir: Path, env: Mapping[str, str], queue_url: str) -> Child:
    # A prefork worker on a transport that polls hangs when its children are killed.
    pool = "prefork" if queue_url.startswith(("redis", "amqp")) else "threads"
    arguments = ("-c", "2", "--pool", pool, "--loglevel", "INFO", "--without-mingle", "--without-gossip")
    return _child("worker", data_dir, env, ["celery", "-A", "broker_portal", "worker", *arguments], patience=30)


def beat(data_dir: Path, env: Mapping[str, str]) -> Child:
    schedule = str(data_dir / "beat-schedule")
    return _child(
        "beat", data_dir, env, ["celery", "-A", "broker_portal", "beat", "--schedule", schedule, "--pidfile", "", "--loglevel", "INFO"]
    )


def _child(name: str, data_dir: Path, env: Mapping[str, str], argv: Sequence[str], patience: float = 10) -> Child:
    return Child(
        name=name,
        argv=[sys.executable, "-m", CHILD_MODULE, str(data_dir), *argv],
        log=data_dir / "log" / f"{name}.log",
        env=env,
        stop_signal=signal.SIGTERM,
        patience=patience,
        popen={"cwd": ROOT},
    )
