"""The tests' own ground keeps its promises: no flush, no silent gaps, no network, no page error unheard."""

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page
from pytest_socket import SocketConnectBlockedError

from broker_portal.embedded.programs import ROOT
from tests.harness import network
from tests.harness.browser import Watch

# Reserved for documentation: nothing answers there, wherever these tests run.
ELSEWHERE = "192.0.2.1"


def pytest_on(tmp_path: Path, text: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A run of pytest of its own, with our shared fixtures, on one file."""
    file = tmp_path / "test_story.py"
    file.write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), str(file)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTEST_ADDOPTS": "", **env}, capture_output=True, text=True, check=False)


FLUSHING = """
import pytest
from django.test import TransactionTestCase

@pytest.mark.django_db(transaction=True)
def test_marked(): pass

def test_with_fixture(transactional_db): pass

class TestOfClass(TransactionTestCase):
    def test_it(self): pass
"""


def test_tests_that_would_flush_the_database_are_refused(tmp_path: Path) -> None:
    run = pytest_on(tmp_path, FLUSHING)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    for name in ("test_marked", "test_with_fixture", "TestOfClass"):
        assert name in run.stderr


def test_without_a_browser_its_tests_are_named_and_the_run_fails(tmp_path: Path) -> None:
    run = pytest_on(tmp_path, "def test_other(): pass\ndef test_looks(page): pass\n", PATH="/nonexistent", CHROMIUM="")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 1 skipped" in run.stdout
    assert "1 tests did not run: no Chromium" in run.stdout
    assert "::test_looks[chromium]" in run.stdout


def test_this_process_reaches_loopback_only() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        socket.create_connection(server.getsockname(), timeout=5).close()
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection((ELSEWHERE, 80), timeout=5)


@pytest.mark.skipif(not os.environ.get(network.CUT), reason="the network is cut by `make test`, where the system allows it")
def test_children_reach_loopback_only() -> None:
    code = f"import socket; socket.create_connection(({ELSEWHERE!r}, 80), timeout=5)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Network is unreachable" in child.stderr


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,"><p>Text</p>'
        if self.path == "/inline":
            body += b"<script>document.title = 'changed'</script>"
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy", "default-src 'self'; img-src data:")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing: the test's output is for the test."""


@pytest.fixture
def pages() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_clean_page_is_clean(watched_page: Page, pages: str) -> None:
    watched_page.goto(pages)
    assert watched_page.title() == "Page"


def test_a_violated_content_security_policy_is_heard(context: BrowserContext, page: Page, pages: str) -> None:
    watch = Watch(context)
    page.goto(f"{pages}/inline")
    assert page.title() == "Page"
    with pytest.raises(AssertionError, match="Content Security Policy"):
        watch.check()


def test_an_error_that_belongs_to_the_story_is_named(watched_page: Page, console: Watch, pages: str) -> None:
    console.expect("404")
    watched_page.goto(f"{pages}/missing")


def test_another_context_is_watched_too(browser_of_a_phone: BrowserContext, watch: Callable[[BrowserContext], Watch], pages: str) -> None:
    watched = watch(browser_of_a_phone)
    watched.expect("Content Security Policy")
    browser_of_a_phone.new_page().goto(f"{pages}/inline")


@pytest.fixture
def browser_of_a_phone(new_context: Callable[..., BrowserContext]) -> BrowserContext:
    return new_context(viewport={"width": 390, "height": 844})
