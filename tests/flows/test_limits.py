"""How often: limits that guard money and guessing, with a live installation's code and small numbers."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings

from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground

# A window that does not end while the tests run.
WINDOW = 10**7
MOST = 3
NAMES = ("authorize.address", "authorize.relying_party", "core.address", "core.relying_party", "token_failure.client")
LIMITS = dict.fromkeys(NAMES, (10**6, WINDOW))


def limited(name: str) -> override_settings:
    return override_settings(LIMITS=LIMITS | {name: (MOST, WINDOW)})


class Visitor:
    """A browser at an address of its own, in this process: limits are settings here."""

    def __init__(self, party: RelyingParty, address: str = "", **headers: str) -> None:
        self.party = party
        self.address = address or f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
        self.client = Client(headers={"host": urlsplit(party.issuer).netloc, **headers}, REMOTE_ADDR=self.address)

    def begin(self) -> HttpResponse:
        return cast(HttpResponse, self.client.get(self.party.ask().url.partition(urlsplit(self.party.issuer).netloc)[2]))

    def authorize(self) -> int:
        return self.begin().status_code

    def box(self) -> int:
        return int(self.client.get(self.begin()["Location"]).status_code)

    def wrong_secret(self) -> int:
        return self.token("wrong")

    def token(self, secret: str) -> int:
        body = {
            "grant_type": "authorization_code",
            "code": "x",
            "redirect_uri": "x",
            "code_verifier": "x" * 43,
            "client_id": self.party.client_id,
        }
        path = urlsplit(self.party.issuer).path + "/token"
        form = "&".join(f"{name}={value}" for name, value in (body | {"client_secret": secret}).items())
        return int(self.client.post(path, form, content_type="application/x-www-form-urlencoded").status_code)


@pytest.fixture(autouse=True)
def _database(committed: None) -> None:
    pass


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """This process remembers issuers as a server does; other tests must not find its memory."""
    from authflows import configuration

    yield
    configuration.forget()


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    return fjordbank.client(auth_method="client_secret_post")


def test_authorize_is_limited_for_an_address(party: RelyingParty, books: Books) -> None:
    with limited("authorize.address"):
        visitor = Visitor(party)
        assert [visitor.authorize() for _ in range(5)] == [303, 303, 303, 429, 429]
        assert Visitor(party).authorize() == 303
    assert books.one("SELECT count(*) FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id) == MOST + 1


def test_authorize_is_limited_for_a_relying_party(party: RelyingParty, fjordbank: House) -> None:
    with limited("authorize.relying_party"):
        assert [Visitor(party).authorize() for _ in range(4)] == [303, 303, 303, 429]
        assert Visitor(fjordbank.client()).authorize() == 303


def test_the_core_is_asked_by_an_address_only_so_often(party: RelyingParty, books: Books) -> None:
    with limited("core.address"):
        visitor = Visitor(party)
        assert [visitor.box() for _ in range(4)] == [200, 200, 200, 429]
        assert Visitor(party).box() == 200
    assert books.of(party).agreed == MOST + 1


def test_the_core_is_asked_for_a_relying_party_only_so_often(party: RelyingParty, fjordbank: House, books: Books) -> None:
    with limited("core.relying_party"):
        assert [Visitor(party).box() for _ in range(4)] == [200, 200, 200, 429]
        assert Visitor(fjordbank.client()).box() == 200
    assert books.of(party).agreed == MOST


def test_a_login_that_was_held_back_goes_on_later(party: RelyingParty, books: Books) -> None:
    visitor = Visitor(party)
    with limited("core.address"):
        for _ in range(MOST):
            visitor.box()
        answer = visitor.begin()
        assert visitor.client.get(answer["Location"]).status_code == 429
    with override_settings(LIMITS=LIMITS):
        assert visitor.client.get(answer["Location"]).status_code == 200
    assert books.of(party).agreed == MOST + 1


def test_secrets_are_guessed_only_so_often_and_nobody_else_is_locked_out(party: RelyingParty) -> None:
    guesser, honest = Visitor(party), Visitor(party)
    with limited("token_failure.client"):
        assert [guesser.wrong_secret() for _ in range(4)] == [401, 401, 401, 429]
        assert guesser.token(party.client_secret or "") == 429
        assert honest.token(party.client_secret or "") == 400


def test_a_forged_forwarded_address_changes_nothing(party: RelyingParty) -> None:
    with limited("authorize.address"):
        address = Visitor(party).address
        forged = [Visitor(party, address, **{"x-forwarded-for": f"198.51.100.{n}", "forwarded": f"for=198.51.100.{n}"}) for n in range(4)]
        assert [visitor.authorize() for visitor in forged] == [303, 303, 303, 429]


def test_the_whole_of_a_neighbourhood_counts_as_one(party: RelyingParty) -> None:
    """IPv6 by /64: whoever has one address of it has them all."""
    network = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}"
    with limited("authorize.address"):
        assert [Visitor(party, f"{network}::{n}").authorize() for n in range(1, 5)] == [303, 303, 303, 429]


BLOCKED = """
import json, sys, django; django.setup()
from django.conf import settings
settings.LIMITS = json.loads(sys.argv[1])
from tenants import limits
print(limits.blocked("token_failure.client", sys.argv[2]), limits.blocked("token_failure.client", "somebody else"))
"""


def test_limits_survive_the_process(party: RelyingParty, ground: Ground) -> None:
    guesser = Visitor(party)
    with limited("token_failure.client"):
        for _ in range(MOST):
            guesser.wrong_secret()
        from django.conf import settings

        counted = json.dumps(settings.LIMITS)
    command = [sys.executable, "-c", BLOCKED, counted, f"{party.client_id}:{guesser.address}"]
    fresh = subprocess.run(command, env=ground.environment(), capture_output=True, text=True, check=True)
    assert fresh.stdout.split() == ["True", "False"]


def test_what_cannot_be_counted_is_refused(party: RelyingParty, books: Books) -> None:
    """Fail closed: without its counters nothing is begun, asked of the core or guessed."""
    visitor = Visitor(party)
    books.execute("REVOKE INSERT, UPDATE ON tenants_ratelimit FROM broker_app")
    try:
        assert visitor.authorize() == 503
        assert visitor.wrong_secret() == 429
    finally:
        books.execute("GRANT INSERT, UPDATE ON tenants_ratelimit TO broker_app")
    assert visitor.authorize() == 303
    assert books.one("SELECT count(*) FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id) == 1
