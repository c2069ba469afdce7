"""What the tests stand on: a PostgreSQL and a queue of their own below a temporary directory, gone when the session ends."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from broker_portal.embedded import addresses, programs
from broker_portal.embedded.postgres import Cluster, create_database

# Whatever of the installation somebody has set for a run of their own.
FOREIGN = (
    "BIND",
    "BOX_URL",
    "BROKER_DEMO",
    "BROKER_MASTER_KEYS",
    "BROKER_MASTER_KEY_FILE",
    "CELERY_BROKER_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_URL",
    "EMAIL_FROM",
    "EMAIL_HOST",
    "EMAIL_PORT",
    "ISSUER_DOMAIN",
    "SECRET_KEY",
    "TRUSTED_PROXIES",
)
# The operating system survives these tests, so nothing has to reach the disk. Statements are counted by tests of the login's cost.
SETTINGS = {"fsync": "off", "shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": "30000"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Ground:
    """Sets this process's environment when made, so that settings that are loaded later find everything here."""

    def __init__(self, settings: Mapping[str, str] = SETTINGS) -> None:
        self._settings = settings
        self.data_dir = Path(tempfile.mkdtemp(prefix="broker-tests-", dir="/tmp")).resolve()
        self.port = free_port()
        self.base_url = f"http://localhost:{self.port}"
        self._cluster: Cluster | None = None
        self._queue: programs.Queue | None = None
        for name in FOREIGN:
            os.environ.pop(name, None)
        os.environ.update(
            DJANGO_SETTINGS_MODULE="broker_portal.settings",
            BROKER_DATA_DIR=str(self.data_dir),
            BROKER_MODE="demo",
            PORT=str(self.port),
            BASE_URL=self.base_url,
        )

    @property
    def superuser_url(self) -> str:
        return addresses.superuser_url(self.data_dir)

    @property
    def application_url(self) -> str:
        return addresses.default_urls(self.data_dir)[0]

    @property
    def owner_url(self) -> str:
        return addresses.default_urls(self.data_dir)[1]

    @property
    def postmaster(self) -> int:
        return self._cluster.pid if self._cluster else 0

    def environment(self, **more: str) -> dict[str, str]:
        """For a child process."""
        return {**{k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}, **more}

    def start(self) -> None:
        self._cluster = Cluster(self.data_dir, self._settings)
        self._cluster.start()
        create_database(self.data_dir)
        self._queue = programs.queue(self.data_dir)
        if self._queue:
            self._queue.start()
        done = self.manage("prepare", self.base_url, "--skip-checks")
        if done.returncode:
            raise RuntimeError(f"manage.py prepare failed:\n{done.stdout}{done.stderr}")

    def manage(self, *arguments: str, stdin: str | None = None, timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs manage.py as an operator would, beside whatever else is running."""
        return subprocess.run(
            [sys.executable, str(programs.ROOT / "manage.py"), *arguments],
            cwd=programs.ROOT,
            env=self.environment(**env),
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def stop(self) -> None:
        for part in (self._queue, self._cluster):
            if part:
                part.ask_to_stop()
                part.finish()
        shutil.rmtree(self.data_dir, ignore_errors=True)
