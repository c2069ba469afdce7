"""Requests that were pushed beforehand (RFC 9126; security.md B.1, 4, 8, 14 to 18, 20 to 23 and 34)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.keyholder import KeyHolder
from tests.doubles.relying_party import Asked


@pytest.fixture
def holder(fjordbank: House) -> KeyHolder:
    return KeyHolder.at(fjordbank, par_required=True)


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def page_says(answer: httpx.Response, code: str) -> None:
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)
    assert code in answer.text


def test_a_pushed_request_logs_somebody_in(holder: KeyHolder, visitor: Browser) -> None:
    answer = holder.push(holder.party.ask())
    assert (answer.status_code, answer.json()["expires_in"], answer.headers["Cache-Control"]) == (201, 60, "no-store")
    asked, _ = holder.pushed()
    told = holder.party.told(asked, visitor.login(asked))
    tokens = holder.token(asked, told["code"])
    assert tokens.status_code == 200, tokens.text
    assert holder.party.claims(tokens.json()["id_token"])["nonce"] == asked.nonce


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_every_kind_of_client_may_push(method: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(auth_method=method, par_required=True)
    asked = party.ask()
    body = dict(parse_qsl(urlsplit(asked.url).query)) | ({"client_secret": party.client_secret} if method == "client_secret_post" else {})
    pair = (party.client_id, party.client_secret or "")
    address = party.issuer + "/par"
    answer = visitor.http.post(address, data=body, auth=pair) if method == "client_secret_basic" else visitor.http.post(address, data=body)
    assert answer.status_code == 201, answer.text
    query = urlencode({"client_id": party.client_id, "request_uri": answer.json()["request_uri"]})
    location = visitor.login(Asked(f"{party.issuer}/authorize?{query}", asked.redirect_uri, asked.state, asked.nonce, asked.verifier))
    assert party.redeem(asked, location)["id_token"]


def test_15_pushing_needs_authentication(holder: KeyHolder, fjordbank: House, visitor: Browser) -> None:
    asked = holder.party.ask()
    refused(holder.push(asked, None), "invalid_client", 401)
    refused(holder.push(asked, None, client_secret="x"), "invalid_client", 401)
    refused(holder.push(asked, holder.assertion(None, None, iss="nobody", sub="nobody")), "invalid_client", 401)
    with_secret = fjordbank.client()
    query = dict(parse_qsl(urlsplit(with_secret.ask().url).query))
    refused(visitor.http.post(with_secret.issuer + "/par", data=query), "invalid_client", 401)
    refused(visitor.http.post(with_secret.issuer + "/par", data=query, auth=(with_secret.client_id, "wrong")), "invalid_client", 401)


def test_16_a_reference_belongs_to_its_client_and_issuer(holder: KeyHolder, fjordbank: House, havneby: House, visitor: Browser) -> None:
    asked, request_uri = holder.pushed()
    for other in (KeyHolder.at(fjordbank), KeyHolder.at(fjordbank, kind="production"), KeyHolder.at(havneby)):
        page_says(visitor.get(other.by_reference(asked, request_uri).url), "invalid_request_uri")
    query = urlencode({"request_uri": request_uri})
    page_says(visitor.get(f"{holder.issuer}/authorize?{query}"), "invalid_request_uri")
    visitor.begin(asked)


def test_17_a_reference_lasts_for_a_minute(holder: KeyHolder, visitor: Browser, books: Books) -> None:
    asked, _ = holder.pushed()
    books.execute("UPDATE authflows_pushedrequest SET expires_at = now() WHERE relying_party_id = %s", holder.party.relying_party_id)
    page_says(visitor.get(asked.url), "invalid_request_uri")


def test_17_it_is_used_when_a_login_ends_not_when_a_page_is_visited(holder: KeyHolder, visitor: Browser) -> None:
    asked, _ = holder.pushed()
    visitor.open(asked)
    visitor.open(asked)
    first = holder.party.told(asked, visitor.login(asked))
    page_says(visitor.get(asked.url), "invalid_request_uri")
    assert holder.token(asked, first["code"]).status_code == 200


def test_17_of_two_tabs_with_one_reference_one_ends_with_a_code(holder: KeyHolder, visitor: Browser) -> None:
    asked, _ = holder.pushed()
    first, second = visitor.open(asked), visitor.open(asked)
    assert "code" in holder.party.told(asked, visitor.finish(visitor.submit(first, user_id="auto-approve")))
    other = holder.party.told(asked, visitor.finish(visitor.submit(second, user_id="auto-approve")))
    assert (other["error"], other["error_description"]) == ("access_denied", "request_uri_was_used")


def test_17_a_refused_login_uses_it_too(holder: KeyHolder, visitor: Browser) -> None:
    asked, _ = holder.pushed()
    assert holder.party.told(asked, visitor.login(asked, "auto-reject"))["error"] == "access_denied"
    page_says(visitor.get(asked.url), "invalid_request_uri")


def test_18_a_request_uri_cannot_be_pushed_and_a_foreign_one_is_never_fetched(
    holder: KeyHolder, fjordbank: House, visitor: Browser
) -> None:
    _, request_uri = holder.pushed()
    for pushed in (request_uri, "https://keys.stranger.example/request"):
        refused(holder.push(holder.party.ask(), request_uri=pushed), "invalid_request")
    ordinary = fjordbank.client()
    foreign = ordinary.ask(request_uri="https://keys.stranger.example/request")
    assert ordinary.told(foreign, visitor.get(foreign.url).headers["Location"])["error"] == "request_uri_not_supported"
    for unknown in ("urn:ietf:params:oauth:request_uri:", "urn:ietf:params:oauth:request_uri:x", "urn:ietf:params:oauth:request_uri:\x00"):
        page_says(visitor.get(holder.by_reference(holder.party.ask(), unknown).url), "invalid_request_uri")


def test_23_a_client_that_must_push_cannot_ask_in_the_query(holder: KeyHolder, fjordbank: House, visitor: Browser) -> None:
    for party in (holder.party, KeyHolder.at(fjordbank, fapi=True).party):
        asked = party.ask()
        answer = party.told(asked, visitor.get(asked.url).headers["Location"])
        assert (answer["error"], "PAR" in answer["error_description"]) == ("invalid_request", True)


def test_only_what_was_pushed_counts(holder: KeyHolder, visitor: Browser, books: Books) -> None:
    """RFC 9101 section 6.3."""
    asked, request_uri = holder.pushed()
    more = {"redirect_uri": "https://attacker.example/", "scope": "openid", "state": "another", "nonce": "another", "prompt": "none"}
    location = visitor.login(holder.by_reference(asked, request_uri, **more))
    tokens = holder.token(asked, holder.party.told(asked, location)["code"]).json()
    assert tokens["scope"] == "openid profile mitid"
    assert holder.party.claims(tokens["id_token"])["nonce"] == asked.nonce


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"redirect_uri": "https://attacker.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"scope": "openid unknown"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"client_id": "another"}, "invalid_request"),
        ({"state": "\x00"}, "invalid_request"),
    ],
)
def test_what_could_not_be_asked_cannot_be_pushed(changes: dict[str, str | None], error: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client()
    query = dict(parse_qsl(urlsplit(party.ask().url).query)) | changes
    sent = {name: value for name, value in query.items() if value is not None}
    refused(visitor.http.post(party.issuer + "/par", data=sent, auth=(party.client_id, party.client_secret or "")), error)


def test_a_request_has_a_size(holder: KeyHolder) -> None:
    refused(holder.push(holder.party.ask(), extra="x" * 33_000), "invalid_request", 413)
    assert holder.push(holder.party.ask(), extra="x" * 30_000).status_code == 201


def test_what_is_over_goes_as_new_ones_come(holder: KeyHolder, books: Books) -> None:
    mine = holder.party.relying_party_id
    for _ in range(3):
        holder.pushed()
    books.execute("UPDATE authflows_pushedrequest SET expires_at = now() - interval '20 minutes' WHERE relying_party_id = %s", mine)
    holder.pushed()
    assert books.one("SELECT count(*) FROM authflows_pushedrequest WHERE relying_party_id = %s", mine) == 1


def test_14_a_repeated_parameter_is_refused(holder: KeyHolder) -> None:
    body: dict[str, Any] = dict(parse_qsl(urlsplit(holder.party.ask().url).query)) | {"state": ["a", "b"]}
    refused(holder.post("/par", body), "invalid_request")


def test_a_browser_that_repeats_the_reference_is_refused(holder: KeyHolder, visitor: Browser) -> None:
    asked, request_uri = holder.pushed()
    page_says(visitor.get(f"{asked.url}&{urlencode({'request_uri': request_uri})}"), "invalid_request_uri")


def test_the_endpoint_takes_a_form_in_a_post(holder: KeyHolder, visitor: Browser) -> None:
    assert visitor.http.get(holder.issuer + "/par").status_code == 405
    refused(visitor.http.post(holder.issuer + "/par", json={}), "invalid_request")


def test_20_a_fapi_client_names_the_issuer_alone(fjordbank: House) -> None:
    holder = KeyHolder.at(fjordbank, fapi=True)
    for aud in (holder.issuer + "/par", holder.issuer + "/token", [holder.issuer]):
        refused(holder.push(holder.party.ask(), holder.assertion(aud=aud)), "invalid_client", 401)
    ordinary = KeyHolder.at(fjordbank)
    for aud in (ordinary.issuer + "/par", ordinary.issuer + "/token", [ordinary.issuer]):
        assert ordinary.push(ordinary.party.ask(), ordinary.assertion(aud=aud)).status_code == 201


def test_22_an_assertion_that_pushed_a_request_redeems_no_code(holder: KeyHolder, visitor: Browser) -> None:
    assertion = holder.assertion()
    assert holder.push(holder.party.ask(), assertion).status_code == 201
    asked, _ = holder.pushed()
    code = holder.party.told(asked, visitor.login(asked))["code"]
    refused(holder.token(asked, code, assertion), "invalid_client", 401)
    assert holder.token(asked, code).status_code == 200


def test_what_was_pushed_is_sealed(holder: KeyHolder, books: Books) -> None:
    asked, request_uri = holder.pushed(login_hint="somebody-in-particular")
    rows = books.rows("SELECT p::text, sealed FROM authflows_pushedrequest p WHERE relying_party_id = %s", holder.party.relying_party_id)
    kept = "".join(f"{text}{bytes(sealed)!r}" for text, sealed in rows)
    for secret in ("somebody-in-particular", asked.state, asked.nonce, request_uri.rpartition(":")[2]):
        assert secret not in kept


def test_what_has_ended_is_purged(holder: KeyHolder, fjordbank: House, books: Books) -> None:
    from authflows import sweeps

    holder.pushed()
    ago = "now() - interval '2 days'"
    books.execute(f"UPDATE authflows_pushedrequest SET expires_at = {ago} WHERE relying_party_id = %s", holder.party.relying_party_id)
    books.execute(f"UPDATE authflows_spentjti SET expires_at = {ago} WHERE tenant_id = %s", fjordbank.id)
    with fjordbank.blocker.unblock():
        sweeps.purge()
    left = "SELECT count(*) FROM authflows_pushedrequest WHERE relying_party_id = %s"
    assert books.one(left, holder.party.relying_party_id) == 0
    assert books.one("SELECT count(*) FROM authflows_spentjti WHERE tenant_id = %s", fjordbank.id) == 0


def test_a_trial_of_the_portal_needs_no_push(fjordbank: House, holder: KeyHolder, visitor: Browser) -> None:
    from authflows.oidc import trial

    with fjordbank.blocker.unblock():
        query = trial.query(holder.party.client_id, "openid", "s", "n", "c" * 43)
    answer = visitor.get(f"{holder.issuer}/authorize?{query}")
    assert (answer.status_code, "/login/" in answer.headers["Location"]) == (303, True)
