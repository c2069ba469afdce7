"""Two houses that log people in on one running server. After every story the core's ledger and our events agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House, open_house
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground
from tests.harness.server import Server


@pytest.fixture(scope="session")
def fjordbank(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> House:
    return open_house(django_db_blocker, "Fjordbank")


@pytest.fixture(scope="session")
def havneby(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> House:
    return open_house(django_db_blocker, "Havneby")


@pytest.fixture(scope="session")
def books(ground: Ground) -> Books:
    return Books(ground)


@pytest.fixture(autouse=True)
def balanced(books: Books, fjordbank: House, havneby: House) -> Iterator[None]:
    yield
    books.check(fjordbank, havneby)


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    """A client of fjordbank's test environment that nobody else uses."""
    return fjordbank.client()


@pytest.fixture
def new_visitor(server: Server) -> Iterator[Callable[..., Browser]]:
    opened: list[Browser] = []

    def make(language: str = "en") -> Browser:
        opened.append(Browser(server.base_url, language=language))
        return opened[-1]

    yield make
    for each in opened:
        each.http.close()


@pytest.fixture
def visitor(new_visitor: Callable[..., Browser]) -> Browser:
    return new_visitor()
