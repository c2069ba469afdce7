"""The steps of a login as the database takes them: each moves a Login on once, for its own browser, tenant and issuer, or not at all."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from authflows import configuration, login, store
from authflows.configuration import Client, IssuerConfig
from authflows.errors import Stale
from authflows.identity import Identity
from authflows.levels import Level
from authflows.login import Browser
from authflows.requests import NO_HINTS, Hints, LoginRequest
from authflows.sessions import Opening
from authflows.store import StoredLogin
from tenants.limits import Bucket
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

IDENTITY = Identity("b3f4c0de-0000-4000-8000-000000000001", "private", Level.HIGH, Level.HIGH, timezone.now(), ("code_app",))


@dataclass(frozen=True)
class Story:
    """A Login that has begun."""

    party: RelyingParty
    issuer: IssuerConfig
    client: Client
    browser: Browser

    def requesting(self) -> StoredLogin:
        found = login.requesting(self.issuer, self.browser, address="192.0.2.1")
        assert found is not None
        return found

    def requested(self) -> StoredLogin:
        found = self.requesting()
        login.requested(self.issuer, found, self.issuer.upstreams[0], "core-1")
        return self.read()

    def read(self) -> StoredLogin:
        found = login.read(self.issuer, self.browser)
        assert found is not None
        return found

    def complete(self, found: StoredLogin) -> bool:
        asked = {"redirect_uri": "https://x.example", "challenge": "c", "nonce": "", "scope": "openid", "sid": "s", "jkt": ""}
        reached = {"acr": "a", "amr": [], "auth_time": timezone.now(), "sealed": b"sealed"}
        grant = asked | reached | {"code_hash": uuid.uuid4().bytes * 2, "code_seconds": 60}
        session = Opening("client:somebody", uuid.uuid4().bytes * 2, None, b"sealed", 60)
        return login.complete(self.issuer, found, IDENTITY, Level.HIGH, answer={"completed": True}, grant=grant, session=session)


@pytest.fixture
def story(fjordbank: House, committed: None) -> Iterator[Story]:
    party = fjordbank.client()
    issuer, client = at(party)
    yield Story(party, issuer, client, begun(issuer, client))
    configuration.forget()


def at(party: RelyingParty) -> tuple[IssuerConfig, Client]:
    configuration.forget()
    parts = urlsplit(party.issuer)
    issuer = configuration.find(parts.netloc, parts.path)
    assert issuer is not None
    client = configuration.client(issuer, party.client_id)
    assert client is not None
    return issuer, client


def begun(issuer: IssuerConfig, client: Client, hints: Hints = NO_HINTS) -> Browser:
    reply = {"redirect_uri": "https://x.example"}
    asked = LoginRequest("oidc", Level.HIGH, "da", reply, connection=str(issuer.upstreams[0].id), hints=hints)
    return login.begin(issuer, client, asked, address="192.0.2.1", trace_id="t")


def logins(books: Books, party: RelyingParty) -> int:
    return int(books.one("SELECT count(*) FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id))


def test_a_step_evaluated_with_what_was_true_before_is_refused(story: Story, fjordbank: House, books: Books) -> None:
    fjordbank.client()
    for step in (lambda: begun(story.issuer, story.client), story.requesting, story.read):
        with pytest.raises(Stale):
            step()
    assert logins(books, story.party) == 1
    assert books.one("SELECT state FROM authflows_login WHERE relying_party_id = %s", story.party.relying_party_id) == "created"
    assert replace(story, issuer=at(story.party)[0]).requesting().moved


def test_who_is_expected_is_known_to_the_login_and_not_to_its_row(story: Story, books: Books) -> None:
    expected = Hints(cpr="7204851234", mitid_uuid="b3f4c0de-0000-4000-8000-000000000001")
    told = replace(story, browser=begun(story.issuer, story.client, hints=expected))
    assert login.hints(told.read(), told.browser) == expected
    assert not login.hints(story.read(), story.browser)
    rows = books.rows("SELECT request::text FROM authflows_login WHERE relying_party_id = %s", story.party.relying_party_id)
    assert "sealed_hints" in str(rows)
    assert not [word for word in (expected.cpr, expected.mitid_uuid) if word in str(rows)]


def test_the_core_is_asked_by_one_request_only(story: Story, books: Books) -> None:
    first, second = story.requesting(), story.requesting()
    assert (first.moved, second.moved) == (True, False)
    assert first.core_session == second.core_session
    assert (second.state, second.core_state) == ("requesting", "requesting")


def test_a_login_is_there_for_its_own_browser_tenant_and_issuer_only(story: Story, havneby: House, fjordbank: House) -> None:
    stranger = Browser(story.browser.handle, Browser.fresh().secret)
    elsewhere = [at(havneby.client())[0], at(fjordbank.client("production"))[0]]
    current = at(story.party)[0]
    for issuer, browser in ((current, stranger), *((issuer, story.browser) for issuer in elsewhere)):
        assert login.read(issuer, browser) is None
        assert login.requesting(issuer, browser, address="192.0.2.1") is None
        assert store.owner(issuer.tenant_id, issuer.id, browser.handle) == (
            (story.party.relying_party_id, "https://x.example", "") if issuer is current else None
        )
    assert login.read(current, story.browser)


def test_over_the_limit_nothing_moves(story: Story) -> None:
    full = [Bucket(f"core.address:{uuid.uuid4()}", int(time.time()) + 60, 0)]
    arguments = (story.issuer.tenant_id, story.issuer.id, story.issuer.version, story.browser.handle, story.browser.hash, uuid.uuid4())
    found = store.requesting(*arguments, full)
    assert found is not None
    assert (found.over_limit, found.moved, found.state) == (True, False, "created")


def test_accepted_is_noted_and_counted_once(story: Story, books: Books) -> None:
    found = story.requesting()
    for _ in range(2):
        login.requested(story.issuer, found, story.issuer.upstreams[0], "core-1")
    assert (story.read().state, story.read().core_state, story.read().core_id) == ("requested", "accepted", "core-1")
    assert books.of(story.party).events == 1
    pending = "SELECT count(*) FROM usage_pending WHERE request_id = %s"
    assert books.one(pending, found.core_session) == 1


def test_refused_is_not_counted(story: Story, books: Books) -> None:
    login.refused(story.issuer, story.requesting(), "unknown service")
    assert (story.read().state, story.read().error, story.read().answer) == ("failed", "unknown service", {"ending": "core_error"})
    assert books.of(story.party).events == 0


def test_an_acceptance_that_arrives_late_is_counted(story: Story, books: Books) -> None:
    """What was taken for lost has happened all the same."""
    found = story.requesting()
    assert found.core_session is not None
    store.unconfirmed(story.issuer.tenant_id, found.core_session)
    login.requested(story.issuer, found, story.issuer.upstreams[0], "core-1")
    assert books.of(story.party).events == 1


def test_what_the_core_never_heard_of_may_be_asked_again(story: Story) -> None:
    first = story.requesting()
    login.confirm(story.issuer.tenant_id, login.event(story.issuer, first, story.issuer.upstreams[0]), None)
    second = story.requesting()
    assert second.moved
    assert second.core_session != first.core_session


def test_the_first_ending_holds(story: Story, books: Books) -> None:
    found = story.requested()
    login.fail(story.issuer, found, "cancelled")
    login.fail(story.issuer, found, "expired")
    assert not story.complete(found)
    assert (story.read().state, story.read().outcome, story.read().answer) == ("failed", "cancelled", {"ending": "cancelled"})
    assert books.outcomes(story.party) == ["cancelled"]
    assert books.one("SELECT count(*) FROM authflows_grant WHERE relying_party_id = %s", story.party.relying_party_id) == 0


def test_completing_twice_completes_once(story: Story, books: Books) -> None:
    found = story.requested()
    assert [story.complete(found), story.complete(found)] == [True, False]
    login.fail(story.issuer, found, "cancelled")
    assert (story.read().state, story.read().core_state) == ("completed", "finished")
    assert books.outcomes(story.party) == ["completed"]
    assert books.one("SELECT count(*) FROM authflows_grant WHERE relying_party_id = %s", story.party.relying_party_id) == 1


def test_only_what_the_core_accepted_can_be_completed(story: Story, books: Books) -> None:
    assert not story.complete(story.requesting())
    assert story.read().state == "requesting"
    assert books.outcomes(story.party) == []
