"""Statements 25 to 34: codes, tokens, keys."""

from __future__ import annotations

import hashlib
import json
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from joserfc import jws

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House, open_house
from tests.doubles.newcomers import WORDS, Newcomer
from tests.flows.statements.refusals import as_json, code_for

Parties = Callable[..., Newcomer]
ELSEWHERE = "https://app.fjordbank.example/back"
OFFLINE = ("openid", "profile", "mitid", "offline_access")
REGISTERED = "https://netbank.fjordbank.example/callback"


def tokens_of(party: Newcomer, visitor: Browser, **changes: str | None) -> dict[str, Any]:
    asked = party.ask(**changes)
    return party.redeem(asked, visitor.login(asked))


def test_s25_a_code_used_twice_ends_what_it_gave(party: Newcomer, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    tokens = party.token(asked, code).json()
    assert party.userinfo(tokens["access_token"]).status_code == 200
    as_json(party.token(asked, code), "invalid_grant")
    as_json(party.userinfo(tokens["access_token"]), "invalid_token", status=401)


def test_s25_so_it_does_with_a_refresh_token(new_party: Parties, visitor: Browser) -> None:
    for more in ({}, {"auth_method": "none", "application_type": "spa"}):
        party = new_party(scopes=OFFLINE, **more)
        asked, code = code_for(party, visitor, scope=f"{WORDS[party.dialect].get('scope', 'openid')} offline_access")
        tokens = party.token(asked, code).json()
        again = party.refresh(tokens["refresh_token"]).json()
        as_json(party.token(asked, code), "invalid_grant")
        for token in (tokens["access_token"], again["access_token"]):
            as_json(party.userinfo(token), "invalid_token", status=401)
        for token in {tokens["refresh_token"], again["refresh_token"]}:
            as_json(party.refresh(token), "invalid_grant")


def test_s26_a_code_lives_for_a_minute_at_most(party: Newcomer, visitor: Browser, books: Books) -> None:
    asked, code = code_for(party, visitor)
    lives = "SELECT extract(epoch FROM code_expires_at - created_at)::int FROM authflows_grant WHERE relying_party_id = %s"
    assert 0 < books.one(lives, party.relying_party_id) <= 60
    books.execute("UPDATE authflows_grant SET code_expires_at = now() WHERE relying_party_id = %s", party.relying_party_id)
    as_json(party.token(asked, code), "invalid_grant")


def test_s27_a_code_belongs_to_its_client_and_its_redirect_uri(new_party: Parties, visitor: Browser) -> None:
    party = new_party(redirect_uris=(REGISTERED, ELSEWHERE))
    asked, code = code_for(party, visitor)
    for uri in (ELSEWHERE, REGISTERED + "/", None):
        as_json(party.token(asked, code, redirect_uri=uri), "invalid_grant", "invalid_request")
    for stranger in (new_party(), new_party(auth_method="none")):
        as_json(stranger.token(asked, code), "invalid_grant")
    assert party.token(asked, code).status_code == 200


def test_s28_of_forty_redemptions_at_once_one_succeeds_and_its_token_is_ended(party: Newcomer, visitor: Browser, books: Books) -> None:
    asked, code = code_for(party, visitor)
    with httpx.Client(base_url=visitor.base_url, verify=False, trust_env=False, timeout=30) as http, ThreadPoolExecutor(40) as pool:
        answers = [each.result() for each in [pool.submit(party.token, asked, code, http) for _ in range(40)]]
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 39
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    as_json(party.userinfo(won["access_token"]), "invalid_token", status=401)
    issued = "SELECT count(*) FROM authflows_accesstoken t JOIN authflows_grant g ON g.id = t.grant_id WHERE g.relying_party_id = %s"
    assert books.one(issued, party.relying_party_id) == 1


AGED = (
    "UPDATE authflows_refreshtoken SET replaced_at = replaced_at - interval '61 seconds' WHERE replaced_at IS NOT NULL AND tenant_id = %s"
)


def refreshable(party: Newcomer, visitor: Browser) -> dict[str, Any]:
    return tokens_of(party, visitor, scope=f"{WORDS[party.dialect].get('scope', 'openid')} offline_access")


def test_s29_a_refresh_token_replayed_ends_its_family(new_party: Parties, visitor: Browser) -> None:
    party = new_party(scopes=OFFLINE, auth_method="none", application_type="spa")
    first = refreshable(party, visitor)
    second = party.refresh(first["refresh_token"]).json()
    third = party.refresh(second["refresh_token"]).json()
    assert len({each["refresh_token"] for each in (first, second, third)}) == 3
    as_json(party.refresh(first["refresh_token"]), "invalid_grant")
    for token in (second["refresh_token"], third["refresh_token"]):
        as_json(party.refresh(token), "invalid_grant")
    for token in (first["access_token"], second["access_token"], third["access_token"]):
        as_json(party.userinfo(token), "invalid_token", status=401)


def test_s29_a_predecessor_has_a_minute_at_most(new_party: Parties, visitor: Browser, books: Books) -> None:
    party = new_party(scopes=OFFLINE, auth_method="none", application_type="spa")
    first = refreshable(party, visitor)
    second = party.refresh(first["refresh_token"]).json()
    books.execute(AGED, party.tenant_id)
    as_json(party.refresh(first["refresh_token"]), "invalid_grant")
    as_json(party.refresh(second["refresh_token"]), "invalid_grant")


DAYS_PASS = (
    "UPDATE authflows_refreshtoken SET idle_expires_at = idle_expires_at - make_interval(days => %s),"
    " expires_at = expires_at - make_interval(days => %s) WHERE hash = %s"
)


def test_s29_a_refresh_token_ends_whatever_its_use(new_party: Parties, visitor: Browser, books: Books) -> None:
    party = new_party(scopes=OFFLINE)
    used, idle = (refreshable(party, visitor)["refresh_token"] for _ in range(2))
    hashes = [hashlib.sha256(token.encode()).digest() for token in (used, idle)]
    for _ in range(8):
        assert books.execute(DAYS_PASS, 10, 10, hashes[0]) == 1
        assert party.refresh(used).status_code == 200
    books.execute(DAYS_PASS, 11, 11, hashes[0])
    as_json(party.refresh(used), "invalid_grant")
    books.execute(DAYS_PASS, 15, 15, hashes[1])
    as_json(party.refresh(idle), "invalid_grant")


def test_s31_an_id_token_is_no_access_token(party: Newcomer, visitor: Browser) -> None:
    tokens = tokens_of(party, visitor)
    as_json(party.userinfo(tokens["id_token"]), "invalid_token", status=401)
    assert party.userinfo(tokens["access_token"]).status_code == 200


def test_s31_nor_is_it_where_tokens_are_looked_up_or_exchanged(new_party: Parties, visitor: Browser) -> None:
    party = new_party(scopes=OFFLINE, access_token_format="jwt")
    tokens = refreshable(party, visitor)
    assert party.introspect(tokens["access_token"]).json()["active"] is True
    for wrong in (tokens["id_token"], tokens["access_token"] + "x"):
        assert party.introspect(wrong).json() == {"active": False}
    for wrong in (tokens["id_token"], tokens["access_token"]):
        as_json(party.refresh(wrong), "invalid_grant")
    as_json(party.userinfo(tokens["refresh_token"]), "invalid_token", status=401)
    assert party.userinfo(tokens["access_token"]).status_code == 200


def test_s31_an_access_token_says_nothing_of_who_is_expected(new_party: Parties, visitor: Browser) -> None:
    party = new_party(access_token_format="jwt")
    visitor.remembers = True
    tokens = tokens_of(party, visitor)
    asked = party.ask(prompt="none", id_token_hint=tokens["access_token"])
    assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "invalid_request"
    asked = party.ask(prompt="none", id_token_hint=tokens["id_token"])
    assert "code" in party.told(asked, visitor.get(asked.url).headers["Location"])


@pytest.fixture(params=["another tenant", "the same tenant's production"])
def foreign(request: pytest.FixtureRequest, fjordbank: House, havneby: House, dialect: str) -> Newcomer:
    house, kind = (havneby, "test") if request.param == "another tenant" else (fjordbank, "production")
    return Newcomer.at(house, dialect, kind)


def test_s32_a_token_and_a_code_are_worth_nothing_elsewhere(party: Newcomer, foreign: Newcomer, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    as_json(foreign.token(asked, code), "invalid_grant")
    as_json(replace(party, issuer=foreign.issuer).token(asked, code), "invalid_client", status=401)
    token = party.token(asked, code).json()["access_token"]
    as_json(replace(party, issuer=foreign.issuer).userinfo(token), "invalid_token", status=401)
    assert party.userinfo(token).status_code == 200


def test_s32_nor_can_it_be_looked_up_refreshed_or_revoked_there(new_party: Parties, foreign: Newcomer, visitor: Browser) -> None:
    party = new_party(scopes=OFFLINE)
    tokens = refreshable(party, visitor)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert foreign.introspect(token).json() == {"active": False}
        assert foreign.revoke(token).status_code == 200
    as_json(foreign.refresh(tokens["refresh_token"]), "invalid_grant", "unauthorized_client")
    stray = replace(party, issuer=foreign.issuer)
    for answer in (stray.refresh(tokens["refresh_token"]), stray.introspect(tokens["access_token"]), stray.revoke(tokens["access_token"])):
        as_json(answer, "invalid_client", status=401)
    assert party.userinfo(tokens["access_token"]).status_code == 200
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def rotated(house: House, books: Books, environment_id: uuid.UUID) -> None:
    """The next key takes over, a day after it was published."""
    from authflows import key_rotation
    from authflows.keys import Urgency

    with house.blocker.unblock():
        key_rotation.rotate(house.id, environment_id)
        books.execute("UPDATE authflows_key SET created_at = created_at - interval '1 day' WHERE environment_id = %s", environment_id)
        key_rotation.rotate(house.id, environment_id, Urgency.NOW)


def test_s33_a_key_is_published_before_it_signs_and_while_what_it_signed_is_good(
    fjordbank: House, dialect: str, visitor: Browser, books: Books
) -> None:
    house = open_house(fjordbank.blocker, "Nordhavn")
    party = Newcomer.at(house, dialect)
    rotated(house, books, party.environment_id)
    published = {key["kid"] for key in visitor.get(party.issuer + "/jwks").json()["keys"]}
    before = tokens_of(party, visitor)["id_token"]
    rotated(house, books, party.environment_id)
    after = tokens_of(party, visitor)["id_token"]
    old, new = (jws.extract_compact(token.encode()).headers()["kid"] for token in (before, after))
    assert old != new
    assert {old, new} <= published
    assert party.claims(before)["sub"] == party.claims(after)["sub"]


def test_s34_nothing_that_carries_a_token_or_a_claim_is_kept(party: Newcomer, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    answers = [party.token(asked, "guessed"), party.token(asked, code)]
    token = answers[-1].json()["access_token"]
    answers += [party.userinfo(token), party.userinfo("guessed"), visitor.http.get(party.issuer + "/userinfo")]
    for answer in answers:
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.json()


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    parts = (json.dumps({"alg": "none", **header}), json.dumps(claims))
    return ".".join(urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


def test_s30_a_token_without_a_signature_of_ours_opens_nothing(new_party: Parties, visitor: Browser) -> None:
    party = new_party(access_token_format="jwt")
    tokens = tokens_of(party, visitor)
    for token in (tokens["id_token"], tokens["access_token"]):
        header, payload, signature = token.split(".")
        claims = party.claims(token)
        forged = [
            unsigned(claims),
            unsigned(claims, typ="at+jwt"),
            unsigned(claims, typ="at+jwt") + signature,
            f"{header}.{payload}.",
            f"{header}.{payload}.{'A' * len(signature)}",
            f"{header}.{unsigned(claims | {'exp': claims['exp'] + 3600}).split('.')[1]}.{signature}",
        ]
        for each in forged:
            as_json(party.userinfo(each), "invalid_token", status=401)
            assert party.introspect(each).json() == {"active": False}
    assert party.userinfo(tokens["access_token"]).status_code == 200
