"""A relying party that allows several methods: the person chooses, once; a request that names one goes straight there."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from pytest_django.plugin import DjangoDbBlocker

from authflows.levels import NSIS
from tests.doubles.browser import Browser, forms, step_of
from tests.doubles.houses import Books, House, open_house
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]


@pytest.fixture(scope="module")
def vestbank(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> House:
    """Beside the simulator it has a hub, at which nobody answers: nothing here goes so far."""
    from authflows import connections
    from authflows.connections import Credentials, Wanted
    from authflows.upstream.oidc.settings import OpenIDSettings

    house = open_house(django_db_blocker, "Vestbank")
    tenant = house.opened.tenant
    with django_db_blocker.unblock():
        settings = OpenIDSettings("http://127.0.0.1:9", "us")
        wanted = Wanted(f"The hub {uuid.uuid4().hex[:6]}", "hub", settings, level_cap="substantial")
        connections.grant(
            tenant, house.opened.test, connections.connect(tenant.operator, wanted), Credentials(secret="x" * 20), actor="test"
        )
    return house


@pytest.fixture
def party(vestbank: House) -> RelyingParty:
    return vestbank.client(scopes=("openid", "profile", "mitid"))


def test_the_person_chooses_and_logs_in(visitor: Browser, party: RelyingParty, books: Books) -> None:
    asked = party.ask()
    page = visitor.open(asked)
    assert "How do you want to log on?" in page.text
    assert books.of(party).agreed == 0
    again = visitor.get(str(page.url))
    assert again.text == page.text
    box = visitor.get(visitor.submit(page, "choice stack", method="mitid").headers["Location"])
    assert step_of(box) == "user_id"
    assert party.claims(party.redeem(asked, visitor.finish(visitor.submit(box, user_id="auto-approve")))["id_token"])["idp"] == "mitid"
    assert books.of(party).agreed == 1


def test_the_choice_of_the_last_time_comes_first(visitor: Browser, party: RelyingParty) -> None:
    first = visitor.open(party.ask())
    assert "Used last time" not in first.text
    assert first.text.index('value="hub"') < first.text.index('value="mitid"')
    visitor.submit(first, "choice stack", method="mitid", remember="1")
    second = visitor.open(party.ask())
    assert second.text.index('value="mitid"') < second.text.index("Used last time") < second.text.index('value="hub"')


def test_nothing_is_remembered_unasked(visitor: Browser, party: RelyingParty) -> None:
    for remember in (False, True, False):
        (form,) = [form for form in forms(visitor.open(party.ask())) if "choice" in form.css]
        fields = {name: value for name, value in form.fields.items() if remember or name != "remember"}
        visitor.post(form.action, fields | {"method": "mitid"})
    assert "Used last time" not in visitor.open(party.ask()).text


def test_who_does_not_want_to_choose_cancels(visitor: Browser, party: RelyingParty, books: Books) -> None:
    asked = party.ask()
    told = party.told(asked, visitor.finish(visitor.submit(visitor.open(asked), "leave")))
    assert told["error_description"] == "user_aborted"
    assert books.of(party).agreed == 0


def test_what_was_not_offered_is_not_chosen(visitor: Browser, party: RelyingParty, new_visitor: Visitors) -> None:
    page = visitor.open(party.ask())
    (form,) = [form for form in forms(page) if "choice" in form.css]
    back = visitor.post(form.action, form.fields | {"method": "another"})
    assert "How do you want to log on?" in visitor.get(back.headers["Location"]).text
    assert visitor.post(form.action, {"method": "mitid"}).status_code == 403
    assert new_visitor().post(form.action, form.fields | {"method": "mitid"}).status_code == 403


@pytest.mark.parametrize(
    ("dialect", "asked"),
    [
        ("native", {"idp": "mitid"}),
        ("neb", {"idp_values": "mitid"}),
        ("neb", {"idp_values": "mitid_erhverv mitid"}),
        ("idura", {"acr_values": "urn:grn:authn:dk:mitid:substantial"}),
        ("signicat", {"acr_values": "idp:mitid"}),
    ],
)
def test_a_request_that_names_a_method_goes_straight_there(dialect: str, asked: dict[str, str], visitor: Browser, vestbank: House) -> None:
    party = vestbank.client(dialect=dialect)
    assert step_of(visitor.open(party.ask(**asked))) == "user_id"


@pytest.mark.parametrize(
    ("dialect", "asked", "told"),
    [
        ("native", {"idp": "bankid"}, "idp: no method of these is offered"),
        ("neb", {"idp_values": "soloid"}, "idp_values: no method of these is offered"),
        ("signicat", {"acr_values": "idp:nbid"}, "acr_values: no method of these is offered"),
    ],
)
def test_a_method_that_is_not_offered_is_refused(dialect: str, asked: dict[str, str], told: str, visitor: Browser, vestbank: House) -> None:
    party = vestbank.client(dialect=dialect)
    request = party.ask(**asked)
    answer = party.told(request, visitor.get(request.url).headers["Location"])
    assert (answer["error"], answer["error_description"]) == ("invalid_request", told)


def test_a_relying_party_that_allows_one_has_no_choice(visitor: Browser, vestbank: House) -> None:
    party = vestbank.client(methods=("mitid",))
    assert step_of(visitor.open(party.ask())) == "user_id"
    request = party.ask(idp="hub")
    assert party.told(request, visitor.get(request.url).headers["Location"])["error"] == "invalid_request"


def test_a_method_that_cannot_reach_the_level_is_not_offered(visitor: Browser, party: RelyingParty) -> None:
    assert step_of(visitor.open(party.ask(acr_values=NSIS + "High"))) == "user_id"


def test_a_session_by_another_method_answers_nothing(new_visitor: Visitors, party: RelyingParty) -> None:
    visitor = new_visitor()
    visitor.remembers = True
    visitor.login(party.ask(idp="mitid"))
    assert "/login/" not in visitor.get(party.ask(idp="mitid").url).headers["Location"]
    assert "/login/" not in visitor.get(party.ask().url).headers["Location"]
    assert "/login/" in visitor.get(party.ask(idp="hub").url).headers["Location"]


def test_a_client_cannot_be_given_a_method_that_its_environment_lacks(vestbank: House) -> None:
    from authflows.registration import Refused

    with pytest.raises(Refused, match="method bankid: not granted"):
        vestbank.client(methods=("bankid",))
