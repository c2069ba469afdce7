"""Requests that the client signed, and may have encrypted (RFC 9101; security.md B.1, 19 and 30)."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.keyholder import KeyHolder, encrypt, new_key, public_set
from tests.doubles.relying_party import Asked


@pytest.fixture
def holder(fjordbank: House) -> KeyHolder:
    return KeyHolder.at(fjordbank)


def error_of(answer: httpx.Response, holder: KeyHolder, asked: Asked) -> str:
    return holder.party.told(asked, answer.headers["Location"])["error"]


def page_says(answer: httpx.Response, code: str) -> None:
    assert (answer.status_code, answer.headers.get("Location")) == (400, None), answer.headers.get("Location")
    assert code in answer.text


def refused(holder: KeyHolder, visitor: Browser, request: str) -> None:
    """At both endpoints; redirected only where the query proves by itself where to."""
    asked = holder.party.ask()
    page_says(visitor.get(holder.by_object(asked, request).url), "invalid_request_object")
    by_query = holder.by_object(asked, request, redirect_uri=asked.redirect_uri, state=asked.state)
    assert error_of(visitor.get(by_query.url), holder, asked) == "invalid_request_object"
    answer = holder.post("/par", {"request": request})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")


def accepted(holder: KeyHolder, visitor: Browser, request: str) -> bool:
    answer = visitor.get(holder.by_object(holder.party.ask(), request).url)
    return answer.status_code == 303 and "/login/" in answer.headers["Location"]


def logs_in(holder: KeyHolder, visitor: Browser, asked: Asked) -> dict[str, Any]:
    tokens = holder.token(asked, holder.party.told(asked, visitor.login(asked))["code"])
    assert tokens.status_code == 200, tokens.text
    claims = holder.party.claims(tokens.json()["id_token"])
    assert claims["nonce"] == asked.nonce
    return claims


def test_a_signed_request_logs_somebody_in(holder: KeyHolder, visitor: Browser) -> None:
    asked = holder.party.ask()
    logs_in(holder, visitor, holder.by_object(asked, holder.request_object(asked)))


def test_a_signed_request_may_be_pushed(fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder.at(fjordbank, request_object_required=True, par_required=True)
    asked = holder.party.ask()
    pushed = holder.post("/par", {"request": holder.request_object(asked), "scope": "openid", "state": "outside"})
    assert pushed.status_code == 201, pushed.text
    logs_in(holder, visitor, holder.by_reference(asked, pushed.json()["request_uri"]))


@pytest.mark.parametrize("pushed", [False, True])
def test_an_encrypted_request_logs_somebody_in(pushed: bool, holder: KeyHolder, visitor: Browser) -> None:
    asked = holder.party.ask()
    sealed = encrypt(holder.request_object(asked), holder.encryption_key())
    if pushed:
        logs_in(holder, visitor, holder.by_reference(asked, holder.post("/par", {"request": sealed}).json()["request_uri"]))
    else:
        logs_in(holder, visitor, holder.by_object(asked, sealed))


def test_only_what_was_signed_counts(holder: KeyHolder, visitor: Browser) -> None:
    asked = holder.party.ask()
    more = {"redirect_uri": "https://attacker.example/", "state": "another", "nonce": "another", "prompt": "none", "response_type": "token"}
    logs_in(holder, visitor, holder.by_object(asked, holder.request_object(asked), **more))
    page_says(visitor.get(holder.by_object(asked, holder.request_object(asked, redirect_uri=None), **more).url), "redirect_uri_missing")


def test_numbers_and_objects_are_parameters_too(holder: KeyHolder, visitor: Browser) -> None:
    asked = holder.party.ask()
    assert accepted(holder, visitor, holder.request_object(asked, max_age=3600, acr_values=None, extra={"a": [1]}, empty=""))
    answer = visitor.get(holder.by_object(asked, holder.request_object(asked, max_age={"a": 1})).url)
    assert error_of(answer, holder, asked) == "invalid_request"


def test_19_what_is_wrong_with_a_request_object(holder: KeyHolder, havneby: House, visitor: Browser) -> None:
    asked, now = holder.party.ask(), int(time.time())
    for changes in (
        {"aud": None},
        {"aud": havneby.client().issuer},
        {"aud": [havneby.client().issuer]},
        {"aud": holder.issuer + "/authorize"},
        {"iss": None},
        {"iss": "another"},
        {"client_id": "another"},
        {"exp": None},
        {"exp": now - 60},
        {"exp": now + 3700},
        {"exp": "soon"},
        {"nbf": now + 75},
        {"nbf": now - 3700},
        {"iat": now + 75},
        {"sub": holder.party.client_id},
        {"request": "a.b.c"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    ):
        refused(holder, visitor, holder.request_object(asked, **changes))
    assert accepted(holder, visitor, holder.request_object(asked, nbf=now + 8, aud=["https://other.example", holder.issuer]))


def test_19_and_30_a_signature_that_is_not_the_clients(holder: KeyHolder, visitor: Browser) -> None:
    asked, stranger = holder.party.ask(), new_key()
    head, payload, _ = holder.request_object(asked).split(".")
    for request in (
        holder.request_object(asked, None, stranger),
        holder.request_object(asked, {"kid": "another"}),
        holder.request_object(asked, {"jwk": stranger.as_dict(private=False)}, stranger),
        holder.request_object(asked, {"jku": "https://keys.stranger.example/"}, stranger),
        holder.request_object(asked, {"typ": "at+jwt"}),
        holder.assertion(),
        f"{head}.{payload}.AAAA",
        "eyJhbGciOiJub25lIn0.e30.",
        f"eyJhbGciOiJub25lIn0.{payload}.",
        f"eyJhbGciOiJub25lIn0.{payload}.AAAA",
        f"eyJhbGciOiJIUzI1NiJ9.{payload}.AAAA",
        "x",
    ):
        refused(holder, visitor, request)


def test_30_nothing_that_only_looks_encrypted(holder: KeyHolder, visitor: Browser) -> None:
    asked, ours = holder.party.ask(), holder.encryption_key()
    signed = holder.request_object(asked)
    for request in (
        encrypt(signed, RSAKey.generate_key(2048, {"kid": "theirs"})),
        encrypt(signed, RSAKey.generate_key(2048), kid=ours.kid),
        encrypt(signed, ours, alg="RSA-OAEP"),
        encrypt(signed, ours, enc="A128CBC-HS256"),
        encrypt(signed, ours, zip="DEF"),
        encrypt("not a JWT", ours),
        encrypt(holder.request_object(asked, None, new_key()), ours),
        encrypt(encrypt(signed, ours), ours),
        encrypt(signed, ours)[:-4] + "AAAA",
        "a.b.c.d.e",
        "....",
    ):
        refused(holder, visitor, request)


def test_typ_and_algorithms_of_older_clients(fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder.at(fjordbank, RSAKey.generate_key(2048, {"kid": "rsa"}))
    for header in ({"typ": "JWT"}, {"typ": None}, {"alg": "RS256"}, {"kid": None}):
        assert accepted(holder, visitor, holder.request_object(holder.party.ask(), header))


def test_a_fapi_client_signs_as_the_profile_says(fjordbank: House) -> None:
    holder = KeyHolder.at(fjordbank, RSAKey.generate_key(2048, {"kid": "rsa"}), fapi=True)

    def pushed(header: dict[str, Any] | None = None, **changes: Any) -> int:
        return holder.post("/par", {"request": holder.request_object(holder.party.ask(), header, **changes)}).status_code

    assert pushed() == 201
    assert [pushed({"typ": "JWT"}), pushed({"typ": None}), pushed({"alg": "RS256"}), pushed(nbf=None)] == [400] * 4


def test_a_client_that_must_sign_cannot_ask_without(fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder.at(fjordbank, request_object_required=True)
    asked = holder.party.ask()
    assert error_of(visitor.get(asked.url), holder, asked) == "invalid_request"
    answer = holder.push(asked)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert accepted(holder, visitor, holder.request_object(asked))


def test_a_client_with_a_secret_may_sign_its_requests(fjordbank: House, visitor: Browser) -> None:
    key = new_key()
    holder = KeyHolder(fjordbank.client(jwks=public_set(key)), key)
    asked = holder.party.ask()
    location = visitor.login(holder.by_object(asked, holder.request_object(asked)))
    assert holder.party.redeem(asked, location)["id_token"]


def test_a_client_without_keys_signs_nothing(fjordbank: House, visitor: Browser) -> None:
    holder = KeyHolder(fjordbank.client(), new_key())
    page_says(visitor.get(holder.by_object(holder.party.ask(), holder.request_object(holder.party.ask())).url), "invalid_request_object")


def test_a_request_object_comes_once_and_alone(holder: KeyHolder, visitor: Browser) -> None:
    asked = holder.party.ask()
    request = holder.request_object(asked)
    twice = holder.by_object(asked, request).url + f"&request={request}"
    page_says(visitor.get(twice), "invalid_request")
    page_says(visitor.get(holder.by_object(asked, request, request_uri="https://keys.fjordbank.example/r").url), "invalid_request")


def test_what_must_be_asked_is_checked_inside_as_outside(holder: KeyHolder, visitor: Browser) -> None:
    asked = holder.party.ask()
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid unknown"}, "invalid_scope"),
        ({"nonce": "a\x00b"}, "invalid_request"),
    ):
        answer = visitor.get(holder.by_object(asked, holder.request_object(asked, **changes)).url)
        assert error_of(answer, holder, asked) == error
    wrong = holder.request_object(asked, redirect_uri="https://attacker.example/")
    page_says(visitor.get(holder.by_object(asked, wrong, redirect_uri=asked.redirect_uri).url), "redirect_uri_not_registered")
