"""The demonstration, seeded once beside the running server, as `make run` shows it to people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.browser.visitor import Demonstration
from tests.doubles.site import site
from tests.harness.ground import Ground
from tests.harness.server import Server


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Where relying parties' redirect addresses are."""
    with site() as address:
        yield address


@pytest.fixture(scope="session")
def demonstration(ground: Ground, server: Server) -> Demonstration:
    done = ground.manage("seed_demonstration")
    assert done.returncode == 0, done.stderr
    (password,) = re.findall(r"password of all +(\S+)", done.stdout)
    return Demonstration(server.base_url, password)
