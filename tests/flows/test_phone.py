"""A person with a phone of their own: the login waits in one browser, the answer is given in another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from httpx import Response

from tests.doubles.authenticators import code_on
from tests.doubles.browser import Browser, forms, step_of
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
PERSON = "freja"


@pytest.fixture
def phone(new_visitor: Visitors) -> Browser:
    return new_visitor()


def until_waiting(visitor: Browser, page: Response) -> Response:
    """Types the user id, chooses the app. Each step answers with an address of its own, so that Back and reload never post again."""
    for fields, step in (({"user_id": PERSON}, "authenticator"), ({"authenticator": "app"}, "waiting")):
        answer = visitor.submit(page, **fields)
        assert answer.status_code == 303
        page = visitor.get(answer.headers["Location"])
        assert step_of(page) == step
    return page


def answer_on(phone: Browser, party: RelyingParty, answer: str, **typed: str) -> Response:
    page = phone.get(f"{party.issuer}/simulator/phone?user_id={PERSON}")
    assert step_of(page) == "phone"
    return phone.submit(page, answer=answer, **typed)


def test_approved_on_the_phone(party: RelyingParty, visitor: Browser, phone: Browser, books: Books) -> None:
    asked = party.ask()
    waiting = until_waiting(visitor, visitor.open(asked))
    address = str(waiting.url)
    assert step_of(visitor.get(address)) == "waiting"
    assert "Nothing to approve" in answer_on(phone, party, "approve", channel_code=code_on(waiting)).text
    tokens = party.redeem(asked, visitor.finish(visitor.get(address)))
    assert party.userinfo(tokens["access_token"]).json()["name"] == "Freja Lindholm"
    assert books.of(party).agreed == 1


def test_a_page_that_waits_hears_when_its_step_has_changed(party: RelyingParty, visitor: Browser, phone: Browser, books: Books) -> None:
    asked = party.ask()
    address = visitor.begin(asked)
    assert step_of(visitor.get(address, Shown_Step="waiting")) == "starting"
    assert books.of(party).agreed == 0
    waiting = until_waiting(visitor, visitor.get(address))
    address = str(waiting.url)
    still = visitor.get(address, Shown_Step="waiting")
    assert (still.status_code, still.content) == (204, b"")
    assert step_of(visitor.get(address, Shown_Step="authenticator")) == "waiting"
    answer_on(phone, party, "approve", channel_code=code_on(waiting))
    assert visitor.get(address, Shown_Step="waiting").status_code == 303
    assert party.redeem(asked, visitor.finish(visitor.get(address)))["id_token"]


def test_rejected_on_the_phone(party: RelyingParty, visitor: Browser, phone: Browser, books: Books) -> None:
    asked = party.ask()
    waiting = until_waiting(visitor, visitor.open(asked))
    answer_on(phone, party, "reject")
    page = visitor.get(str(waiting.url))
    assert step_of(page) == "rejected"
    told = party.told(asked, visitor.finish(visitor.submit(page, "foot", cancel="1")))
    assert (told["error"], told["error_description"]) == ("access_denied", "mitid_rejected_in_app")
    assert books.outcomes(party) == ["failed"]


def test_cancelled_while_waiting_leaves_nothing_on_the_phone(party: RelyingParty, visitor: Browser, phone: Browser, books: Books) -> None:
    asked = party.ask()
    waiting = until_waiting(visitor, visitor.open(asked))
    told = party.told(asked, visitor.finish(visitor.submit(waiting, "foot")))
    assert told["error_description"] == "user_aborted"
    assert "Nothing to approve" in phone.get(f"{party.issuer}/simulator/phone?user_id={PERSON}").text
    assert books.outcomes(party) == ["cancelled"]


def test_another_authenticator_may_be_chosen(party: RelyingParty, visitor: Browser) -> None:
    waiting = until_waiting(visitor, visitor.open(party.ask()))
    again = visitor.submit(waiting, "pair", method="other")
    assert step_of(visitor.get(again.headers["Location"])) == "authenticator"


def test_an_answer_belongs_to_the_request_that_the_phone_showed(party: RelyingParty, visitor: Browser, phone: Browser) -> None:
    first = until_waiting(visitor, visitor.open(party.ask()))
    shown = phone.get(f"{party.issuer}/simulator/phone?user_id={PERSON}")
    visitor.finish(visitor.submit(first, "foot"))
    second = until_waiting(visitor, visitor.open(party.ask()))
    assert phone.submit(shown, answer="approve", channel_code=code_on(first)).status_code == 403
    assert step_of(visitor.get(str(second.url))) == "waiting"
    visitor.finish(visitor.submit(second, "foot"))


def test_a_phone_shows_only_what_its_own_environment_asks(fjordbank: House, havneby: House, visitor: Browser, phone: Browser) -> None:
    waiting = until_waiting(visitor, visitor.open(fjordbank.client().ask()))
    for party in (fjordbank.client("production"), havneby.client()):
        assert "Nothing to approve" in phone.get(f"{party.issuer}/simulator/phone?user_id={PERSON}").text
    visitor.finish(visitor.submit(waiting, "foot"))


def test_time_runs_out_while_waiting(party: RelyingParty, visitor: Browser, phone: Browser, books: Books) -> None:
    asked = party.ask()
    waiting = until_waiting(visitor, visitor.open(asked))
    books.execute(
        "UPDATE authflows_simulatedsession SET expires_at = now() - interval '1 second' WHERE reference IN (SELECT c.id"
        " FROM authflows_coresession c JOIN authflows_login l ON l.id = c.login_id WHERE l.relying_party_id = %s)",
        party.relying_party_id,
    )
    assert "Nothing to approve" in phone.get(f"{party.issuer}/simulator/phone?user_id={PERSON}").text
    told = party.told(asked, visitor.finish(visitor.get(str(waiting.url))))
    assert (told["error"], told["error_description"]) == ("access_denied", "mitid_timeout")
    assert books.outcomes(party) == ["expired"]


@pytest.mark.parametrize("seen", ["box never opened", "box open"])
def test_a_login_that_nobody_finished_ends_as_expired(seen: str, party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask()
    address = visitor.begin(asked)
    page = visitor.get(address) if seen == "box open" else None
    books.execute("UPDATE authflows_login SET expires_at = now() - interval '1 second' WHERE relying_party_id = %s", party.relying_party_id)
    late = visitor.submit(page, user_id="auto-approve") if page else visitor.get(address)
    told = party.told(asked, visitor.finish(late))
    assert (told["error"], told["error_description"]) == ("access_denied", "mitid_timeout")
    assert books.outcomes(party) == (["expired"] if page else [])


def test_whose_phone_is_it(party: RelyingParty, phone: Browser) -> None:
    page = phone.get(f"{party.issuer}/simulator/phone")
    assert step_of(page) == "phones"
    assert [form.method for form in forms(page)] == ["get"]
    assert all(f'value="{name}"' in page.text for name in ("freja", "karl"))
