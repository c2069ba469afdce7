"""The 38 statements that the provider is judged by, in every dialect: it changes names and shapes, never a check."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.doubles.houses import House
from tests.doubles.newcomers import Newcomer
from tests.flows.statements.dialects import DIALECTS
from tests.harness.server import Server


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def new_party(server: Server, fjordbank: House, dialect: str) -> Callable[..., Newcomer]:
    """Makes clients of fjordbank that speak the dialect; arguments as in registration.Registration."""
    return partial(Newcomer.at, fjordbank, dialect)


@pytest.fixture
def party(new_party: Callable[..., Newcomer]) -> Newcomer:
    return new_party()
