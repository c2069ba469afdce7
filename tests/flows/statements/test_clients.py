"""Statements 15 to 24: pushed requests, request objects, and how a client proves itself."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.keyholder import Key, KeyHolder, new_key, public_set, sign
from tests.doubles.newcomers import Newcomer
from tests.doubles.relying_party import Asked
from tests.flows.statements.mistakes import NEAR_MISSES, OTHER_RESPONSES, WITHOUT_PKCE
from tests.flows.statements.refusals import as_json, code_for, logins, on_our_page, told

Parties = Callable[..., Newcomer]
Holders = Callable[..., KeyHolder]


@pytest.fixture
def new_holder(new_party: Parties) -> Holders:
    """Makes clients with a key of their own; arguments as in registration.Registration."""

    def make(key: Key | None = None, **wanted: Any) -> KeyHolder:
        mine = key or new_key()
        return KeyHolder(new_party(**{"auth_method": "private_key_jwt", "jwks": public_set(mine)} | wanted), mine)

    return make


@pytest.fixture
def holder(new_holder: Holders) -> KeyHolder:
    return new_holder()


def parameters(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(asked.url).query))


def push(party: Newcomer, asked: Asked, auth: tuple[str, str] | None = None, **more: str) -> httpx.Response:
    with httpx.Client(verify=False, trust_env=False, timeout=20, auth=auth) as http:
        return http.post(party.issuer + party.path("pushed_authorization_request_endpoint"), data=parameters(asked) | more)


def accepted(holder: KeyHolder, assertion: str) -> bool:
    """Whether a pushed request is kept; else the client is refused."""
    answer = holder.push(holder.party.ask(), assertion)
    if answer.status_code == 201:
        return True
    as_json(answer, "invalid_client", status=401)
    return False


def test_s15_pushing_needs_authentication(party: Newcomer, holder: KeyHolder, visitor: Browser) -> None:
    asked = party.ask()
    for auth in (None, (party.client_id, ""), (party.client_id, "wrong")):
        as_json(push(party, asked, auth), "invalid_client", status=401)
    assert push(party, asked, (party.client_id, party.client_secret or "")).status_code == 201
    asked = holder.party.ask()
    for proof in (None, holder.assertion(None, new_key()), holder.assertion(iss="nobody", sub="nobody"), "x.y.z"):
        as_json(holder.push(asked, proof), "invalid_client", status=401)
    assert holder.push(asked).status_code == 201


def test_s01_nor_can_it_be_pushed(holder: KeyHolder) -> None:
    for uri in ("https://attacker.example/callback", *NEAR_MISSES[:8]):
        as_json(holder.push(holder.party.ask(redirect_uri=uri)), "invalid_request")


def test_s04_nor_can_a_request_without_pkce_be_pushed(holder: KeyHolder) -> None:
    for change in WITHOUT_PKCE:
        as_json(holder.push(holder.party.ask(**change)), "invalid_request")


def test_s07_nor_can_another_response_be_pushed(holder: KeyHolder) -> None:
    for response_type in OTHER_RESPONSES:
        as_json(holder.push(holder.party.ask(response_type=response_type)), "unsupported_response_type")


def test_s08_a_pushed_request_is_answered_with_the_issuer_too(holder: KeyHolder, visitor: Browser) -> None:
    asked, _ = holder.pushed()
    assert holder.party.told(asked, visitor.login(asked, "auto-reject"))["error"] == "access_denied"


def test_s12_a_pushed_request_shows_no_page_either(holder: KeyHolder, visitor: Browser, books: Books) -> None:
    asked, _ = holder.pushed(prompt="none")
    assert told(holder.party, asked, visitor.get(asked.url)) == "login_required"
    assert logins(books, holder.party) == 0


def test_s14_a_parameter_is_pushed_once(holder: KeyHolder) -> None:
    body: dict[str, Any] = parameters(holder.party.ask())
    for name in ("state", "scope", "redirect_uri", "code_challenge"):
        as_json(holder.post("/par", body | {name: [body[name]] * 2}), "invalid_request")


def test_s16_a_reference_belongs_to_its_client(holder: KeyHolder, new_holder: Holders, visitor: Browser, books: Books) -> None:
    asked, request_uri = holder.pushed()
    stranger = new_holder()
    on_our_page(visitor.get(stranger.by_reference(asked, request_uri).url))
    on_our_page(visitor.get(f"{holder.issuer}/authorize?{urlencode({'request_uri': request_uri})}"))
    on_our_page(visitor.get(holder.by_reference(asked, request_uri + "x").url))
    assert logins(books, holder.party) == logins(books, stranger.party) == 0
    assert "code" in holder.party.told(asked, visitor.login(asked))


def test_s17_a_reference_is_used_when_a_login_ends_and_not_when_a_page_is_visited(holder: KeyHolder, visitor: Browser) -> None:
    asked, _ = holder.pushed()
    for _ in range(3):
        visitor.open(asked)
    code = holder.party.told(asked, visitor.login(asked))["code"]
    on_our_page(visitor.get(asked.url))
    assert holder.token(asked, code).status_code == 200


def test_s17_a_reference_expires(holder: KeyHolder, visitor: Browser, books: Books) -> None:
    asked, _ = holder.pushed()
    lives = "SELECT extract(epoch FROM expires_at - created_at)::int FROM authflows_pushedrequest WHERE relying_party_id = %s"
    assert 5 <= books.one(lives, holder.party.relying_party_id) <= 600
    books.execute("UPDATE authflows_pushedrequest SET expires_at = now() WHERE relying_party_id = %s", holder.party.relying_party_id)
    on_our_page(visitor.get(asked.url))


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address, and what was asked of it."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}/request", heard
        served.shutdown()


def test_s18_a_reference_is_ours_or_it_is_nothing(
    party: Newcomer, holder: KeyHolder, listener: tuple[str, list[str]], visitor: Browser, books: Books
) -> None:
    address, heard = listener
    _, request_uri = holder.pushed()
    for pushed in (address, request_uri):
        as_json(holder.push(holder.party.ask(), request_uri=pushed), "invalid_request")
    for uri in (address, "file:///etc/passwd", "urn:ietf:params:oauth:request_uri:made-up"):
        asked = party.ask(request_uri=uri)
        answer = visitor.get(asked.url)
        if answer.status_code == 303:
            assert told(party, asked, answer) in ("request_uri_not_supported", "invalid_request_uri")
        else:
            on_our_page(answer)
    assert heard == []
    assert logins(books, party) == 0


def request_object(holder: KeyHolder, asked: Asked, header: dict[str, Any] | None = None, key: Key | None = None, **changes: Any) -> str:
    """A signed request (RFC 9101); `changes` replaces claims, None leaves one out."""
    now = int(time.time())
    claims: dict[str, Any] = parameters(asked) | {
        "iss": holder.party.client_id,
        "aud": holder.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": secrets.token_urlsafe(16),
    }
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return sign(key or holder.key, kept, **{"typ": "oauth-authz-req+jwt", **(header or {})})


def carrying(holder: KeyHolder, asked: Asked, signed: str) -> str:
    """The address that takes a request object to the authorization endpoint (OpenID Connect Core 6.1)."""
    words = {name: value for name, value in parameters(asked).items() if name in ("client_id", "response_type", "scope", "redirect_uri")}
    return f"{holder.issuer}/authorize?{urlencode(words | {'request': signed})}"


def encoded(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forgeries(holder: KeyHolder, asked: Asked) -> Iterator[str]:
    now = int(time.time())
    header, payload, signature = request_object(holder, asked).split(".")
    bare = encoded({"alg": "none", "typ": "oauth-authz-req+jwt"})
    shared = encoded({"alg": "HS256", "typ": "oauth-authz-req+jwt", "kid": holder.key.kid})
    mac = hmac.new(holder.key.as_pem(private=False), f"{shared}.{payload}".encode(), hashlib.sha256).digest()
    yield f"{header}.{payload}.{'A' * len(signature)}"
    yield f"{header}.{payload}."
    yield f"{bare}.{payload}."
    yield f"{shared}.{payload}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    stranger = new_key()
    yield request_object(holder, asked, None, stranger)
    yield request_object(holder, asked, {"jwk": stranger.as_dict(private=False)}, stranger)
    yield request_object(holder, asked, {"kid": "another"})
    yield request_object(holder, asked, {"typ": "at+jwt"})
    for wrong in (
        {"aud": "https://attacker.example"},
        {"aud": None},
        {"iss": "nobody"},
        {"client_id": "nobody"},
        {"exp": now - 70},
        {"exp": now + 3700},
        {"exp": None},
        {"nbf": now + 120},
        {"nbf": now - 3700},
    ):
        yield request_object(holder, asked, **wrong)


def test_s19_a_request_object_that_is_not_its_clients_for_us_and_now_is_refused(holder: KeyHolder, visitor: Browser, books: Books) -> None:
    asked = holder.party.ask()
    for signed in forgeries(holder, asked):
        answer = visitor.get(carrying(holder, asked, signed))
        if answer.status_code == 303:
            assert "error=invalid_request" in answer.headers["Location"]
            assert answer.headers["Location"].startswith(asked.redirect_uri + "?")
            assert "Set-Cookie" not in answer.headers
        else:
            on_our_page(answer)
    assert logins(books, holder.party) == 0
    location = visitor.get(carrying(holder, asked, request_object(holder, asked))).headers["Location"]
    ended = visitor.finish(visitor.submit(visitor.get(location), user_id="auto-approve"))
    assert holder.token(asked, holder.party.told(asked, ended)["code"]).status_code == 200


def test_s30_a_forged_proof_authenticates_nobody(holder: KeyHolder) -> None:
    header, payload, signature = holder.assertion().split(".")
    stranger = new_key()
    shared = encoded({"alg": "HS256", "kid": holder.key.kid})
    mac = hmac.new(holder.key.as_pem(private=False), f"{shared}.{payload}".encode(), hashlib.sha256).digest()
    forged = [
        f"{encoded({'alg': 'none'})}.{payload}.",
        f"{encoded({'alg': 'none', 'kid': holder.key.kid})}.{payload}.{signature}",
        f"{shared}.{payload}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}",
        f"{header}.{payload}.{'A' * len(signature)}",
        holder.assertion(None, stranger),
        holder.assertion({"jwk": stranger.as_dict(private=False)}, stranger),
        holder.assertion({"jku": "http://127.0.0.1:9/jwks"}, stranger),
        holder.assertion({"x5u": "http://127.0.0.1:9/certificate"}, stranger),
        holder.assertion({"kid": "../../etc/passwd"}),
        holder.assertion({"crit": ["b64"], "b64": False}),
        holder.assertion({"typ": "logout+jwt"}),
    ]
    for assertion in forged:
        assert not accepted(holder, assertion)
    assert accepted(holder, holder.assertion())


def test_s34_a_pushed_request_s_answer_is_not_kept(holder: KeyHolder) -> None:
    for answer in (holder.push(holder.party.ask()), holder.push(holder.party.ask(), None), holder.push(holder.party.ask(scope="x"))):
        assert "no-store" in answer.headers["Cache-Control"]


def test_s20_a_fapi_client_names_the_issuer_alone(new_holder: Holders, havneby: House) -> None:
    holder = new_holder(fapi=True, dpop_required=True)
    par, token = holder.issuer + "/par", holder.issuer + "/token"
    wrong: Any
    for wrong in (par, token, [holder.issuer], [holder.issuer, par], havneby.client().issuer, holder.issuer + "/", None, ""):
        assert not accepted(holder, holder.assertion(aud=wrong))
    assert accepted(holder, holder.assertion())


def test_s21_a_clock_may_be_eight_seconds_ahead_and_not_a_minute(holder: KeyHolder) -> None:
    now = int(time.time())
    for name in ("nbf", "iat"):
        assert accepted(holder, holder.assertion(**{name: now + 8}))
        assert not accepted(holder, holder.assertion(**{name: now + 75}))


def test_s22_an_assertion_is_good_once(holder: KeyHolder, visitor: Browser) -> None:
    assertion = holder.assertion()
    assert accepted(holder, assertion)
    assert not accepted(holder, assertion)
    asked, code = code_for(holder.party, visitor)
    as_json(holder.token(asked, code, assertion), "invalid_client", status=401)
    assert not accepted(holder, holder.assertion(jti=None))
    assert holder.token(asked, code).status_code == 200


def test_s23_a_client_that_must_push_cannot_ask_in_the_query(
    new_holder: Holders, new_party: Parties, visitor: Browser, books: Books
) -> None:
    pushing = new_party(par_required=True)
    fapi = new_holder(fapi=True, dpop_required=True)
    for party in (pushing, fapi.party):
        asked = party.ask()
        assert told(party, asked, visitor.get(asked.url)) == "invalid_request"
        assert logins(books, party) == 0
    answer = push(pushing, pushing.ask(), (pushing.client_id, pushing.client_secret or ""))
    assert answer.status_code == 201


def test_s24_an_unknown_client_and_a_wrong_secret_are_told_the_same(party: Newcomer, new_party: Parties, visitor: Browser) -> None:
    """That both take one hash and one comparison is counted in tests/authflows."""
    asked, code = code_for(party, visitor)
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
    public = new_party(auth_method="none")
    known = (party.client_id, public.client_id)
    pairs = [*((each, "wrong") for each in known), (party.client_id, ""), ("nobody", "wrong"), ("nobody\x00", "wrong"), ("", "")]
    answers = [visitor.http.post(party.issuer + "/token", data=body, auth=pair) for pair in pairs]
    ((status, _, challenge),) = {(each.status_code, each.text, each.headers.get("WWW-Authenticate", "")) for each in answers}
    assert (status, challenge.partition(" ")[0]) == (401, "Basic")
    assert {answer.json()["error"] for answer in answers} == {"invalid_client"}
    assert party.token(asked, code).status_code == 200
