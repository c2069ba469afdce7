"""A person logs in at another company's provider: real, in a process of its own. Its word is taken as far as it can be verified."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from pytest_django.plugin import DjangoDbBlocker

from authflows.levels import NSIS
from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House, open_house
from tests.doubles.relying_party import Asked, RelyingParty
from tests.doubles.upstream import Upstream

AGNES = "3b7f1c52-8f3e-4c1d-9c86-5d2a7a1f0b11"


@dataclass(frozen=True)
class Sent:
    """A login whose browser was just sent to the upstream."""

    asked: Asked
    address: str  # of the login at ours
    location: str = field(repr=False)


@pytest.fixture(scope="module")
def oestbank(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> House:
    """A house of its own: its requests are in no simulated core's ledger."""
    return open_house(django_db_blocker, "Oestbank")


@pytest.fixture(scope="module")
def upstream(oestbank: House, django_db_blocker: DjangoDbBlocker) -> Iterator[Upstream]:
    """Connected twice: by a secret, and by a key with pushed requests."""
    from authflows import connections
    from authflows.connections import Credentials, Wanted
    from authflows.upstream.oidc.settings import OpenIDSettings

    provider = Upstream()
    tenant, environment = oestbank.opened.tenant, oestbank.opened.test
    with django_db_blocker.unblock():
        redirect_uris = connections.callbacks(tenant.id, environment.id)
        by_secret = OpenIDSettings(provider.issuer, "with-secret", par="never")
        by_key = OpenIDSettings(provider.issuer, "with-key", auth_method="private_key_jwt")
        for method, settings, credentials in (
            ("hub", by_secret, Credentials(secret=provider.secret)),
            ("pushing-hub", by_key, Credentials(jwk=dict(provider.key.as_dict(private=True)))),
        ):
            connection = connections.connect(tenant.operator, Wanted(f"{method} {uuid.uuid4().hex[:6]}", method, settings))
            connections.grant(tenant, environment, connection, credentials, actor="test")
    provider.start(redirect_uris)
    yield provider
    provider.stop()


@pytest.fixture
def party(oestbank: House, upstream: Upstream) -> RelyingParty:
    return oestbank.client()


@pytest.fixture
def send(visitor: Browser, party: RelyingParty, upstream: Upstream) -> Callable[..., Sent]:
    def begin(**asked: str | None) -> Sent:
        request = party.ask(**{"idp": "hub", **asked})
        address = visitor.begin(request)
        answer = visitor.get(address)
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"].startswith(upstream.issuer)
        return Sent(request, address, answer.headers["Location"])

    return begin


@pytest.mark.parametrize("method", ["hub", "pushing-hub"])
def test_somebody_logs_in_there_and_arrives_here(
    method: str, send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty, books: Books
) -> None:
    sent = send(idp=method)
    assert ("request_uri=" in sent.location) == (method == "pushing-hub")
    back = upstream.log_in(sent.location, AGNES)
    tokens = party.redeem(sent.asked, visitor.finish(visitor.get(back)))
    claims = party.claims(tokens["id_token"])
    told = party.userinfo(tokens["access_token"]).json()
    assert (claims["acr"], claims["idp"], claims["identity_type"]) == (NSIS + "Substantial", method, "private")
    assert (told["name"], told["birthdate"]) == ("Agnes Automatisk", "1985-04-12")
    assert "mitid_uuid" not in told
    assert claims["sub"] != AGNES
    assert (books.of(party).events, books.of(party).accepted, books.outcomes(party)) == (1, 1, ["completed"])


def test_the_same_person_is_the_same_subject(send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty) -> None:
    subjects = set()
    for _ in range(2):
        sent = send()
        back = upstream.log_in(sent.location, AGNES)
        subjects.add(party.claims(party.redeem(sent.asked, visitor.finish(visitor.get(back)))["id_token"])["sub"])
    assert len(subjects) == 1


def test_who_cancels_there_has_cancelled_here(
    send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty, books: Books
) -> None:
    sent = send()
    told = party.told(sent.asked, visitor.finish(visitor.get(upstream.abort(sent.location))))
    assert (told["error"], told["error_description"]) == ("access_denied", "mitid_user_aborted")
    assert books.outcomes(party) == ["cancelled"]


def test_a_lower_level_than_asked_is_not_passed_off_as_it(
    send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty
) -> None:
    sent = send(acr_values=NSIS + "Substantial")
    told = party.told(sent.asked, visitor.finish(visitor.get(upstream.log_in(sent.location, "low-agnes"))))
    assert told["error"] == "unmet_authentication_requirements"


def test_another_person_than_was_expected_is_not_told_of(
    send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty
) -> None:
    sent = send(login_hint=AGNES)
    assert parse_qs(urlsplit(sent.location).query)["login_hint"] == [AGNES]
    told = party.told(sent.asked, visitor.finish(visitor.get(upstream.log_in(sent.location, "somebody-else"))))
    assert (told["error"], told["error_description"]) == ("login_required", "another_person")


def test_two_callbacks_of_one_login_count_once(
    send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty, books: Books
) -> None:
    sent = send()
    back = upstream.log_in(sent.location, AGNES)
    ended = visitor.finish(visitor.get(back))
    assert visitor.finish(visitor.get(back)) == ended
    assert (books.of(party).events, books.outcomes(party)) == (1, ["completed"])


def test_an_answer_means_nothing_to_another_browser(
    send: Callable[..., Sent], upstream: Upstream, new_visitor: Callable[..., Browser], visitor: Browser, party: RelyingParty
) -> None:
    sent = send()
    back = upstream.log_in(sent.location, AGNES)
    stranger = new_visitor()
    page = stranger.get(stranger.get(back).headers["Location"])
    assert (page.status_code, page.headers.get("Location")) == (403, None)
    assert "no_cookie" in page.text or "does not belong to this browser" in page.text
    assert party.told(sent.asked, visitor.finish(visitor.get(back)))["code"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"state": "x"}, 400),
        ({"state": "other"}, 503),
        ({"iss": "https://elsewhere.example"}, 503),
        ({"iss": None}, 503),
        ({"code": None}, 503),
    ],
    ids=["no state", "another login's state", "another issuer", "no issuer", "no code"],
)
def test_an_answer_that_does_not_fit_ends_on_a_page(
    changes: dict[str, str | None], status: int, send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty
) -> None:
    sent = send()
    back = upstream.log_in(sent.location, AGNES)
    told = dict(parse_qsl(urlsplit(back).query))
    if changes.get("state") == "other":
        changes = {"state": told["state"].partition(".")[0] + ".other"}
    query = urlencode({name: value for name, value in (told | changes).items() if value is not None})
    page = visitor.get(f"{back.partition('?')[0]}?{query}")
    page = visitor.get(page.headers["Location"]) if page.status_code == 303 else page
    assert (page.status_code, page.headers.get("Location")) == (status, None)
    assert "<code>core_result</code>" in page.text
    assert party.told(sent.asked, visitor.finish(visitor.get(back)))["code"]


def test_who_comes_back_without_an_answer_can_go_on_or_cancel(
    send: Callable[..., Sent], upstream: Upstream, visitor: Browser, party: RelyingParty, books: Books
) -> None:
    sent = send()
    page = visitor.get(sent.address)
    assert page.status_code == 200
    assert "Continue at" in page.text
    again = visitor.get(f"{sent.address}?again=1")
    assert again.headers["Location"] == sent.location
    (form,) = [form for form in forms(page) if form.action.endswith("/cancel")]
    told = party.told(sent.asked, visitor.finish(visitor.post(form.action, form.fields)))
    assert told["error_description"] == "user_aborted"
    assert (books.of(party).events, books.outcomes(party)) == (1, ["cancelled"])
