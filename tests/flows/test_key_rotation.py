"""Keys: next, active, retiring, gone, and nobody notices (decision 14, statement 33)."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House, open_house
from tests.doubles.keyholder import KeyHolder, encrypt
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground, free_port
from tests.harness.server import Server


@pytest.fixture
def house(fjordbank: House) -> House:
    """Keys of its own, so that its time can be moved."""
    return open_house(fjordbank.blocker, "Nordhavn")


@pytest.fixture
def second(ground: Ground, server: Server) -> Iterator[Server]:
    other = Server(ground, free_port(), background=False)
    other.start()
    yield other
    other.stop()


@pytest.fixture
def night(house: House, books: Books) -> Callable[[int], None]:
    """So many days pass for the house's keys, and then the nightly task runs."""

    def pass_(days: int) -> None:
        moved = [f"{column} = {column} - make_interval(days => %s)" for column in ("created_at", "activated_at", "retired_at")]
        books.execute(f"UPDATE authflows_key SET {', '.join(moved)} WHERE tenant_id = %s", days, days, days, house.id)
        with house.blocker.unblock():
            from authflows import key_rotation

            assert key_rotation.rotate_all() >= 0

    return pass_


def states(books: Books, environment_id: uuid.UUID, alg: str) -> list[str]:
    rows = books.rows("SELECT state FROM authflows_key WHERE environment_id = %s AND alg = %s ORDER BY id", environment_id, alg)
    return [state for (state,) in rows]


def published(party: RelyingParty, visitor: Browser) -> set[str]:
    return {key["kid"] for key in visitor.get(party.issuer + "/jwks").json()["keys"]}


def kid(token: str) -> str:
    first = token.split(".")[0]
    return str(json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))["kid"])


def login(party: RelyingParty, visitor: Browser) -> dict[str, Any]:
    asked = party.ask(prompt="login")
    return party.redeem(asked, visitor.login(asked))


@pytest.mark.parametrize("alg", ["ES256", "RS256", "RSA-OAEP"])
def test_a_key_is_published_a_day_before_it_signs_and_as_long_as_what_it_signed_lives(
    alg: str, house: House, books: Books, night: Callable[[int], None]
) -> None:
    environment = house.opened.production.id
    assert states(books, environment, alg) == ["active"]
    night(0)
    assert states(books, environment, alg) == ["active", "next"]
    night(89)
    assert states(books, environment, alg) == ["active", "next"]
    night(1)
    assert states(books, environment, alg) == ["retiring", "active", "next"]
    night(1)
    assert states(books, environment, alg) == ["retiring", "active", "next"]
    night(1)
    assert states(books, environment, alg) == ["gone", "active", "next"]
    kept = "SELECT count(*) FROM authflows_key WHERE environment_id = %s AND state = 'gone' AND length(private) > 0"
    assert books.one(kept, environment) == 0


def test_a_key_that_was_not_published_for_a_day_does_not_sign(house: House, books: Books, night: Callable[[int], None]) -> None:
    night(120)
    assert states(books, house.opened.test.id, "ES256") == ["active", "next"]
    night(1)
    assert states(books, house.opened.test.id, "ES256") == ["retiring", "active", "next"]


def test_statement_33_an_old_id_token_can_be_verified_through_a_rotation(
    house: House, visitor: Browser, night: Callable[[int], None]
) -> None:
    parties = [house.client(id_token_alg=alg) for alg in ("ES256", "RS256", "PS256")]
    night(0)
    waiting = published(parties[0], visitor)
    before = [login(party, visitor) for party in parties]
    night(90)
    after = [login(party, visitor) for party in parties]
    for party, old, new in zip(parties, before, after, strict=True):
        assert party.claims(old["id_token"])["sub"] == party.claims(new["id_token"])["sub"]
        assert kid(old["id_token"]) != kid(new["id_token"])
        assert {kid(old["id_token"]), kid(new["id_token"])} <= waiting & published(party, visitor)
        assert party.userinfo(old["access_token"]).status_code == 200
    night(3)
    assert kid(before[0]["id_token"]) not in published(parties[0], visitor)


def test_a_login_lives_through_a_rotation_in_every_process(
    house: House, server: Server, second: Server, visitor: Browser, night: Callable[[int], None]
) -> None:
    party = house.client(access_token_format="jwt")
    host = server.base_url.removeprefix("http://")
    night(0)
    for base in (server.base_url, second.base_url) * 2:
        visitor.move(base, host)
        login(party, visitor)
    asked = party.ask(prompt="login")
    page = visitor.open(asked)
    night(90)
    location = visitor.finish(visitor.submit(page, user_id="auto-approve"))
    tokens = party.token(asked, party.told(asked, location)["code"], visitor.http).json()
    keys = KeySet.import_key_set(visitor.get(party.issuer + "/jwks").json())
    for token in (tokens["id_token"], tokens["access_token"]):
        assert jws.deserialize_compact(token, keys, algorithms=["ES256"])
    visitor.move(server.base_url)
    signed = {kid(login(party, visitor)["id_token"]) for _ in range(4)}
    assert signed == {kid(tokens["id_token"])}


def test_a_request_that_was_encrypted_before_a_rotation_is_still_read(
    house: House, books: Books, visitor: Browser, night: Callable[[int], None]
) -> None:
    holder = KeyHolder.at(house)
    night(0)
    old = holder.encryption_key()
    night(90)
    new = holder.encryption_key()
    assert (old.kid != new.kid, states(books, holder.party.environment_id, "RSA-OAEP")) == (True, ["retiring", "active", "next"])

    def status(key: RSAKey) -> int:
        sealed = encrypt(holder.request_object(holder.party.ask()), key)
        return holder.post("/par", {"request": sealed}).status_code

    assert [status(old), status(new)] == [201, 201]
    night(2)
    assert [status(old), status(new)] == [400, 201]
    assert states(books, holder.party.environment_id, "RSA-OAEP") == ["gone", "active", "next"]


def test_an_environment_that_had_no_key_to_encrypt_for_gets_one(house: House, books: Books, night: Callable[[int], None]) -> None:
    books.execute("DELETE FROM authflows_key WHERE tenant_id = %s AND purpose = 'oidc_decrypt'", house.id)
    night(0)
    night(1)
    assert states(books, house.opened.test.id, "RSA-OAEP") == ["active", "next"]


def test_what_relying_parties_read_may_be_kept_for_five_minutes(house: House, visitor: Browser) -> None:
    answer = visitor.get(house.client().issuer + "/jwks")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert all(set(key) <= {"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"} for key in answer.json()["keys"])


def test_one_tenants_trouble_stops_nobody_elses_keys(house: House, books: Books, manage: Callable[..., CompletedProcess[str]]) -> None:
    broken = open_house(house.blocker, "Aavang")
    whole = books.one("SELECT wrapped FROM tenants_datakey WHERE tenant_id = %s", broken.id)
    books.execute("UPDATE tenants_datakey SET wrapped = sha256(wrapped) WHERE tenant_id = %s", broken.id)
    try:
        done = manage("rotate_keys")
    finally:
        books.execute("UPDATE tenants_datakey SET wrapped = %s WHERE tenant_id = %s", whole, broken.id)
    assert (done.returncode, done.stderr.count(f"keys of tenant {broken.id}")) == (0, 1)
    assert states(books, broken.opened.test.id, "ES256") == ["active"]
    assert states(books, house.opened.test.id, "ES256") == ["active", "next"]


def test_an_operator_rotates_at_once(
    house: House, books: Books, visitor: Browser, night: Callable[[int], None], manage: Callable[..., CompletedProcess[str]]
) -> None:
    party = house.client()
    first = login(party, visitor)

    def rotate(*how: str) -> CompletedProcess[str]:
        return manage("rotate_keys", "--tenant", house.opened.tenant.slug, "--environment", "test", *how, "--json")

    early = rotate("--now")
    assert (early.returncode, len(early.stderr.splitlines())) == (1, 1)
    assert states(books, party.environment_id, "ES256") == ["active"]
    night(0)
    night(1)
    moved = json.loads(rotate("--now").stdout.splitlines()[-1])
    assert kid(first["id_token"]) in moved["retiring"]
    assert party.claims(first["id_token"])
    second = login(party, visitor)
    assert kid(second["id_token"]) in moved["active"]

    gone = json.loads(rotate("--compromised", "--reason", "the machine was stolen").stdout.splitlines()[-1])["gone"]
    assert kid(second["id_token"]) in gone
    with pytest.raises((JoseError, ValueError)):
        party.claims(second["id_token"])
    assert party.claims(login(party, visitor)["id_token"])
    entry = "SELECT actor, reason FROM tenants_auditentry WHERE tenant_id = %s AND action = 'keys.rotated' ORDER BY seq DESC LIMIT 1"
    assert books.rows(entry, house.id) == [("command", "the machine was stolen")]
