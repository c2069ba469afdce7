"""Shared ground of all tests. A test of rows uses the mark `django_db` and is rolled back; a story that must commit uses `committed` or
`server` and makes tenants of its own, with slugs of its own: nothing is ever flushed.
"""

import os
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from pytest_django.plugin import DjangoDbBlocker

from tests.harness import apache, chromium
from tests.harness.browser import Watch
from tests.harness.ground import Ground
from tests.harness.server import Server

pytest_plugins = ["tests.shape.sql_watch"]
GROUND = Ground()
# Playwright's synchronous interface runs an event loop in this thread, in which Django would refuse to touch the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
FLUSHING = {"transactional_db", "live_server", "django_db_reset_sequences", "django_db_serialized_rollback"}
# Fixtures that need a program: where to find it, and what to say where it is not.
PROGRAMS = {"browser": (chromium.program, chromium.MISSING), "apache": (apache.program, apache.MISSING)}
MISSED = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    # Not by an option of pytest-django: that would load the settings before the ground has said where everything is.
    from django.conf import settings

    assert settings.DATABASES
    config.stash[MISSED] = {}


def pytest_unconfigure() -> None:
    GROUND.stop()


def flushes(item: pytest.Item, names: set[str]) -> bool:
    from django.test import TestCase, TransactionTestCase

    mark = item.get_closest_marker("django_db")
    kind = getattr(item, "cls", None) or object
    by_class = issubclass(kind, TransactionTestCase) and not issubclass(kind, TestCase)
    return by_class or bool(names & FLUSHING) or bool(mark and (mark.args or set(mark.kwargs) - {"databases"}))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = {fixture: reason for fixture, (program, reason) in PROGRAMS.items() if program() is None}
    refused = []
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if flushes(item, names):
            refused.append(item.nodeid)
        for fixture in names & set(missing):
            item.add_marker(pytest.mark.skip(reason=missing[fixture]))
            config.stash[MISSED].setdefault(missing[fixture], []).append(item.nodeid)
    if refused:
        raise pytest.UsageError(f"nothing may flush the tests' database; use the fixture `committed`: {', '.join(refused)}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash[MISSED] and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for reason, missed in config.stash[MISSED].items():
        terminalreporter.section(f"{len(missed)} tests did not run: {reason}", red=True)
        for name in missed:
            terminalreporter.line(name)


@pytest.fixture(scope="session")
def ground() -> Ground:
    """PostgreSQL and queue, migrated by the owner's role."""
    GROUND.start()
    return GROUND


@pytest.fixture(scope="session")
def django_db_setup(ground: Ground) -> None:
    """No test database beside the real one: ours is private already, and this process holds the application's role only."""


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database without a transaction around the test."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def manage(ground: Ground) -> Callable[..., CompletedProcess[str]]:
    return ground.manage


@pytest.fixture(scope="session")
def server(ground: Ground) -> Iterator[Server]:
    server = Server(ground, ground.port)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": chromium.program(), "args": chromium.ARGUMENTS}


@pytest.fixture
def watch() -> Iterator[Callable[[BrowserContext], Watch]]:
    """Listens to a browser context of the test's own making, until the test has ended."""
    watches: list[Watch] = []

    def listen(context: BrowserContext) -> Watch:
        watches.append(Watch(context))
        return watches[-1]

    yield listen
    for each in watches:
        each.check()


@pytest.fixture
def console(context: BrowserContext, watch: Callable[[BrowserContext], Watch]) -> Watch:
    return watch(context)


@pytest.fixture
def watched_page(page: Page, console: Watch) -> Page:
    """A page whose console must stay clean. `console.expect(…)` names errors that belong to the story."""
    return page
