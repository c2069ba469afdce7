"""A core that refuses, falls silent or lies: the login ends well or waits, and nothing is charged that was not accepted.

The product runs in this process, with somebody else's core in the simulator's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from joserfc.jwk import ECKey
from pytest_django.plugin import DjangoDbBlocker

from authflows import configuration
from authflows.upstream.mitid.adapter import MitIDCore
from authflows.upstream.registry import UPSTREAMS
from authflows.upstream.transport import Answer
from tests.doubles.browser import Browser, step_of
from tests.doubles.houses import Books, House, open_house
from tests.doubles.relying_party import RelyingParty
from tests.doubles.strange_core import StrangeCore, said, signed
from tests.harness.server import Server

ACCEPTED = said({"session": "core-1", "step": "user_id", "shown": {"provider_name": "Fjordbank", "action": "log_on", "unknown": False}})
Replace = Callable[..., None]


@pytest.fixture(scope="module")
def sundby(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> House:
    """Another core's customer: the simulator's ledger knows nothing of it."""
    return open_house(django_db_blocker, "Sundby")


@pytest.fixture
def party(sundby: House) -> RelyingParty:
    return sundby.client()


@pytest.fixture
def here(committed: None, server: Server) -> Iterator[Browser]:
    """A browser whose server is this process."""
    with Browser(server.base_url, transport=httpx.WSGITransport(app=get_wsgi_application())) as browser:
        yield browser
    configuration.forget()


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Replace:
    def replace(**answers: Answer) -> None:
        strange = StrangeCore({name.replace("_", "-"): answer for name, answer in answers.items()})
        monkeypatch.setitem(UPSTREAMS, "simulator", MitIDCore(strange))

    return replace


def test_a_refusal_is_told_and_costs_nothing(core: Replace, here: Browser, party: RelyingParty, books: Books) -> None:
    core(sessions=said({"error": "unknown service"}, 400))
    asked = party.ask()
    told = party.told(asked, here.finish(here.get(here.begin(asked))))
    assert (told["error"], told["error_description"]) == ("temporarily_unavailable", "mitid_core_client_error")
    assert books.of(party).agreed == 0
    assert books.one("SELECT error FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id) == "unknown service"


@pytest.mark.parametrize("answer", [said(b"<html>Bad gateway</html>", 502), said(b"<html>"), said({})])
def test_an_answer_that_cannot_be_read_may_have_been_a_yes(
    answer: Answer, core: Replace, here: Browser, party: RelyingParty, books: Books
) -> None:
    core(sessions=answer, look_up=answer)
    address = here.begin(party.ask())
    with override_settings(CORE_ANSWER_SECONDS=0):
        for _ in range(3):
            page = here.get(address)
            assert (page.status_code, step_of(page), page.headers["Refresh"]) == (200, "starting", "2")
        assert "MitID is not responding. We keep trying; or try again shortly." in page.text
        assert books.of(party).agreed == 0
        core(sessions=ACCEPTED, look_up=said({"session": "core-1"}), **{"core-1": ACCEPTED})
        page = here.get(here.get(address).headers["Location"])
    assert step_of(page) == "user_id"
    assert books.of(party).events == 1


@pytest.mark.parametrize(
    "result",
    ["", "x.y.z", signed({"status": "approved"}), signed({"status": "approved"}, ECKey.generate_key("P-256", private=True))],
    ids=["nothing", "no JWS", "another question", "another key"],
)
def test_a_result_that_cannot_be_believed_logs_nobody_in(
    result: str, here: Browser, core: Replace, party: RelyingParty, books: Books
) -> None:
    page = here.open(party.ask())
    core(redeem=said({"result": result}))
    answer = here.get(f"{page.url}/return?code=x")
    assert (answer.status_code, answer.headers.get("Location")) == (503, None)
    assert "<code>core_result</code>" in answer.text
    assert answer.headers["Trace-Id"] in answer.text
    assert books.outcomes(party) == ["open"]
    assert books.one("SELECT count(*) FROM authflows_grant WHERE relying_party_id = %s", party.relying_party_id) == 0


def test_a_core_that_falls_silent_does_not_keep_anybody(here: Browser, core: Replace, party: RelyingParty, books: Books) -> None:
    asked = party.ask()
    page = here.open(asked)
    silent = said(b"", 504)
    core(step=silent, cancel=silent)
    answer = here.submit(page, user_id="auto-approve")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    told = party.told(asked, here.finish(here.submit(page, "foot")))
    assert told["error_description"] == "user_aborted"
    assert books.outcomes(party) == ["cancelled"]
