"""A dump of the database and every log: no person, no secret, no code, no token, no private key (decision 13, security.md B.1 65)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

import pytest

from broker_portal.embedded import postgres
from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground
from tests.harness.server import Server

PEOPLE = ("Agnes", "Automatisk", "1985-04-12", "Karl", "Brix", "1961-12-24", "Lavsikker")


@pytest.fixture
def secrets_of_a_login(fjordbank: House, visitor: Browser, new_visitor: Callable[..., Browser]) -> dict[str, str]:
    """One login to its end, one whose code is not redeemed, one that waits for a phone; and everything secret about them."""
    party: RelyingParty = fjordbank.client()
    asked = party.ask()
    page = visitor.open(asked)
    done = visitor.submit(page, user_id="auto-approve")
    location = visitor.finish(done)
    tokens = party.redeem(asked, location)
    userinfo = party.userinfo(tokens["access_token"]).json()
    other = party.ask()
    unspent = party.told(other, new_visitor().login(other))["code"]
    waiting = new_visitor()
    step = waiting.submit(waiting.open(party.ask()), user_id="karl")
    waiting.submit(waiting.get(step.headers["Location"]), authenticator="app")
    return {
        "client secret": party.client_secret or "",
        "cookie": next(iter(visitor.cookies.values())).partition(".")[2],
        "form token": forms(page)[0].fields["form_token"],
        "the core's code": done.headers["Location"].partition("code=")[2],
        "code": party.told(asked, location)["code"],
        "unspent code": unspent,
        "verifier": asked.verifier,
        "access token": tokens["access_token"],
        "id_token": tokens["id_token"],
        "national id": userinfo["mitid_uuid"],
        **{f"person {word}": word for word in PEOPLE},
    }


def dump(ground: Ground) -> str:
    """What a stolen backup would hold."""
    program = postgres.find_programs()[0] / "pg_dump"
    return subprocess.run([program, ground.owner_url], capture_output=True, text=True, check=True).stdout


def test_a_dump_opens_nothing(ground: Ground, secrets_of_a_login: dict[str, str]) -> None:
    text = dump(ground)
    assert "auto-approve" in text
    found = [name for name, secret in secrets_of_a_login.items() if secret in text]
    assert found == []
    for mark in ('"d":', "PRIVATE KEY"):
        assert mark not in text


def test_a_dump_holds_them_in_no_other_spelling_either(ground: Ground, secrets_of_a_login: dict[str, str]) -> None:
    """bytea is dumped in hexadecimal."""
    text = dump(ground)
    assert [name for name, secret in secrets_of_a_login.items() if len(secret) > 7 and secret.encode().hex() in text] == []


def test_logs_name_nobody(server: Server, secrets_of_a_login: dict[str, str], party: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(party.ask(client_id="nobody").url)
    deadline = time.monotonic() + 5
    while answer.headers["Trace-Id"] not in server.logs["web"].read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    text = "".join(log.read_text() for log in server.logs.values())
    assert answer.headers["Trace-Id"] in text
    assert [name for name, secret in secrets_of_a_login.items() if secret in text] == []


def test_no_address_names_a_person(secrets_of_a_login: dict[str, str], party: RelyingParty, visitor: Browser, books: Books) -> None:
    """What stands in URLs ends up in histories, proxies and referrers."""
    asked = party.ask()
    page = visitor.open(asked)
    addresses = [str(page.url), *(form.action for form in forms(page))]
    answer = visitor.submit(page, user_id="auto-approve")
    addresses += [answer.headers["Location"], visitor.finish(answer)]
    for word in (*PEOPLE, "auto-approve", secrets_of_a_login["national id"]):
        assert all(word not in address for address in addresses)
    assert books.of(party).agreed == 1
