"""What is measured: servers of our own making, each with the way to log in there."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from broker_portal.embedded import addresses
from broker_portal.embedded.processes import Child, last_lines
from tests.bench import accounting, flows
from tests.bench.flows import Client
from tests.bench.visitor import KeptAlive, Visitor
from tests.harness import node
from tests.harness.ground import Ground, free_port
from tests.harness.server import Server

NODE = Path(__file__).parent / "node"
ANCHOR_ROLE = ANCHOR_DATABASE = "anchor"


@dataclass
class Candidate:
    """A server under load, and who asks it. `pid` is the root of its process tree."""

    name: str
    pid: int
    client: Client
    login: Callable[[Client, Visitor], Iterator[str]]
    base_url: str
    requests: int = field(init=False, default=0)

    def visitor(self) -> Visitor:
        return Visitor(KeptAlive(self.base_url))

    def log_in(self, visitor: Visitor) -> None:
        visitor.cookies.clear()
        self.requests = sum(1 for _ in self.login(self.client, visitor))


def ours(ground: Ground, server: Server) -> Candidate:
    return Candidate("ours", server.web.pid, provisioned(ground), flows.ours, server.base_url)


def provisioned(ground: Ground) -> Client:
    """A client of a test environment, ES256."""
    done = ground.manage(
        *("provision_client", "--tenant", "fjordbank", "--environment", "test", "--name", "Netbank"),
        *("--redirect-uri", flows.REDIRECT_URI, "--id-token-alg", "ES256", "--json"),
    )
    if done.returncode:
        raise RuntimeError(f"manage.py provision_client failed:\n{done.stderr}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Client(told["issuer"], "/authorize", "/token", "/userinfo", told["client_id"], told["client_secret"])


class Anchor:
    """npm oidc-provider as a process of its own, with its own pages for login and consent."""

    def __init__(self, ground: Ground, storage: str) -> None:
        self._port, self._secret, self._storage = free_port(), secrets.token_urlsafe(24), storage
        place = {"PGHOST": str(addresses.socket_directory(ground.data_dir)), "PGUSER": ANCHOR_ROLE, "PGDATABASE": ANCHOR_DATABASE}
        self._child = Child(
            name=f"anchor-{storage}",
            argv=[node.program(), str(NODE / "provider.mjs"), str(self._port), storage],
            log=ground.data_dir / "log" / f"anchor-{storage}.log",
            env={"PATH": os.environ["PATH"], "NODE_ENV": "production", "SECRET": self._secret, **place},
        )
        if storage == "postgres":
            _make_database(ground)

    def start(self) -> None:
        self._child.start()
        deadline = time.monotonic() + 30
        while "ready" not in last_lines(self._child.log, 50):
            if time.monotonic() > deadline or not self._child.alive():
                self._child.stop()
                raise RuntimeError(f"the anchor does not start:\n{last_lines(self._child.log)}")
            time.sleep(0.05)

    def candidate(self, name: str) -> Candidate:
        base_url = f"http://localhost:{self._port}"
        client = Client(base_url, "/auth", "/token", "/me", "netbank", self._secret)
        return Candidate(name, self._child.pid, client, flows.anchor, base_url)

    def stop(self) -> None:
        self._child.stop()


def _make_database(ground: Ground) -> None:
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ANCHOR_ROLE} LOGIN")
        connection.execute(f"CREATE DATABASE {ANCHOR_DATABASE} OWNER {ANCHOR_ROLE}")


def versions(ground: Ground) -> dict[str, str]:
    with psycopg.connect(ground.superuser_url) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    package = json.loads((NODE / "node_modules" / "oidc-provider" / "package.json").read_text())
    said = subprocess.run([node.program(), "--version"], capture_output=True, text=True, check=True)
    return {"postgresql": str(row[0] if row else ""), "node": said.stdout.strip(), "oidc-provider": package["version"]}


def workers(web: int) -> list[int]:
    """The processes that answer: all below granian's first, oldest in front."""
    return sorted(accounting.descendants(web))
