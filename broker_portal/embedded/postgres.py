"""A private PostgreSQL from a wheel: unix socket only, below the data directory, supervised so that no kill -9 leaves it broken.

Written for being killed anywhere: what an earlier run left is judged by live processes, never by its lock files (see `Cluster.start`).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from broker_portal.embedded import addresses
from broker_portal.embedded.processes import LINUX, Child, Refused, last_lines, running
from broker_portal.embedded.programs import Account, find_programs, version_of

SECONDS_TO_START = 60
SECONDS_TO_STOP = 20


class Cluster:
    """One PostgreSQL server and its files. The caller holds the data directory's lock."""

    name = "PostgreSQL"

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None, account: Account | None = None) -> None:
        self._data_dir = data_dir.resolve()
        self._settings = dict(settings or {})
        self._account = account or Account.choose()
        self._programs = find_programs()
        self._child: Child | None = None
        self._files = self._data_dir / "postgres"
        self._socket = addresses.socket_directory(self._data_dir)
