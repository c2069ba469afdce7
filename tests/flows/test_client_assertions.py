"""Clients that prove themselves with a key (security.md B.1, 20 to 22, 24 and 30)."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.keyholder import ASSERTION_TYPE, Key, KeyHolder, new_key, public_set
from tests.doubles.relying_party import Asked

REFUSED = (401, '{"error": "invalid_client", "error_description": "client authentication failed"}', 'Basic realm="token"')


@pytest.fixture
def holder(fjordbank: House) -> KeyHolder:
    return KeyHolder.at(fjordbank)


@pytest.fixture
def code(holder: KeyHolder, visitor: Browser) -> tuple[Asked, str]:
    asked = holder.party.ask()
    return asked, holder.party.told(asked, visitor.login(asked))["code"]


def answered(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.text, answer.headers.get("WWW-Authenticate", "")


def accepted(holder: KeyHolder, assertion: str) -> bool:
    """Whether an assertion authenticates: then it is the code that is refused."""
    answer = holder.post(
        "/token", {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", "code_verifier": "x" * 43}, assertion
    )
    if answer.json()["error"] == "invalid_grant":
        return True
    assert answered(answer) == REFUSED
    return False


def test_a_client_logs_somebody_in_with_its_key(holder: KeyHolder, code: tuple[Asked, str]) -> None:
    asked, given = code
    answer = holder.token(asked, given)
    assert answer.status_code == 200, answer.text
    assert holder.party.claims(answer.json()["id_token"])["nonce"] == asked.nonce


@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256"])
def test_a_client_proves_itself_at_every_endpoint(alg: str, fjordbank: House) -> None:
    """With the endpoint's address as audience, as many clients do."""
    key = new_key() if alg == "ES256" else RSAKey.generate_key(2048, {"kid": "rsa"})
    holder = KeyHolder.at(fjordbank, key)
    body: dict[str, dict[str, Any]] = {
        "/par": dict(parse_qsl(urlsplit(holder.party.ask().url).query)),
        "/token": {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", "code_verifier": "x" * 43},
        "/introspect": {"token": "x"},
        "/revoke": {"token": "x"},
    }
    for path, status in (("/par", 201), ("/token", 400), ("/introspect", 200), ("/revoke", 200)):
        assertion = holder.assertion({"alg": alg, "typ": "JWT"}, aud=holder.issuer + path)
        assert holder.post(path, body[path], assertion).status_code == status
        assert answered(holder.post(path, body[path], assertion)) == REFUSED


def test_20_an_ordinary_client_names_issuer_or_endpoint(holder: KeyHolder, havneby: House) -> None:
    for aud in (holder.issuer, holder.issuer + "/token", [holder.issuer], ["https://other.example", holder.issuer + "/token"]):
        assert accepted(holder, holder.assertion(aud=aud))
    foreign: Any
    for foreign in (havneby.client().issuer, holder.issuer + "/", holder.issuer + "/authorize", None, [], [1], {}):
        assert not accepted(holder, holder.assertion(aud=foreign))


def test_21_a_clock_may_be_eight_seconds_ahead_and_not_a_minute(holder: KeyHolder) -> None:
    now = int(time.time())
    for name in ("nbf", "iat"):
        assert accepted(holder, holder.assertion(**{name: now + 8}))
        assert not accepted(holder, holder.assertion(**{name: now + 75}))
    for changes in ({"exp": now - 30}, {"exp": now + 3700}, {"exp": None}, {"exp": "tomorrow"}, {"iat": now - 4000}):
        assert not accepted(holder, holder.assertion(**changes))


def test_22_an_assertion_is_good_once(holder: KeyHolder) -> None:
    assertion = holder.assertion()
    assert accepted(holder, assertion)
    assert not accepted(holder, assertion)
    again = holder.assertion(jti="the-same-id")
    assert accepted(holder, again)
    assert not accepted(holder, holder.assertion(jti="the-same-id"))
    for jti in (None, "", 1, "x" * 300):
        assert not accepted(holder, holder.assertion(jti=jti))


def test_22_of_twenty_at_once_one_is_accepted(holder: KeyHolder) -> None:
    assertion = holder.assertion()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: accepted(holder, assertion), range(20)))
    assert answers.count(True) == 1


def test_22_another_client_may_use_the_same_id(holder: KeyHolder, fjordbank: House) -> None:
    other = KeyHolder.at(fjordbank)
    assert accepted(holder, holder.assertion(jti="one-id"))
    assert accepted(other, other.assertion(jti="one-id"))


def test_24_a_wrong_key_and_an_unknown_client_are_told_the_same(holder: KeyHolder, fjordbank: House) -> None:
    stranger = fjordbank.client()
    for assertion in (
        holder.assertion(None, new_key()),
        holder.assertion({"kid": "another"}),
        holder.assertion(iss="nobody", sub="nobody"),
        holder.assertion(iss=stranger.client_id, sub=stranger.client_id),
        holder.assertion(iss="nobody\x00", sub="nobody\x00"),
        holder.assertion(sub=None),
        "x",
        "a.b.c",
    ):
        assert not accepted(holder, assertion)


def test_24_an_unknown_client_costs_a_signature_too(fjordbank: House, holder: KeyHolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from authflows import configuration, jose
    from authflows.errors import JsonError
    from authflows.oidc import client_authentication
    from tests.authflows.test_store import at

    verified: list[str] = []
    real = jose._signed_by

    def counted(token: jose.Unverified, key: jose.PublicKey) -> bool:
        verified.append(key.kid)
        return real(token, key)

    monkeypatch.setattr(jose, "_signed_by", counted)
    with fjordbank.blocker.unblock():
        issuer, _ = at(holder.party)
        for assertion in (holder.assertion(None, new_key()), holder.assertion(iss="nobody", sub="nobody")):
            named = jose.take_apart(assertion).claims["sub"]
            with pytest.raises(JsonError, match="invalid_client"):
                client_authentication.authenticate(issuer, client_authentication.Credentials("private_key_jwt", named, assertion), "token")
            assert verified == ["one"]
            verified.clear()
        configuration.forget()


def test_30_no_other_algorithm_and_no_key_from_the_header(holder: KeyHolder) -> None:
    stranger = new_key()
    brought = stranger.as_dict(private=False)
    for header in (
        {"jwk": brought},
        {"jku": "https://keys.stranger.example/"},
        {"x5c": ["AAAA"]},
        {"x5u": "https://keys.stranger.example/"},
    ):
        assert not accepted(holder, holder.assertion(header, stranger))
    head, payload, _ = holder.assertion().split(".")
    for alg in ("none", "HS256", "HS512", "ES384"):
        forged = f"{encoded({'alg': alg, 'kid': 'one'})}.{payload}"
        mac = hmac.new(holder.key.as_pem(private=False), forged.encode(), hashlib.sha256).digest()
        for signature in ("", "AAAA", urlsafe_b64encode(mac).rstrip(b"=").decode()):
            assert not accepted(holder, f"{forged}.{signature}")
    assert not accepted(holder, f"{head}.{payload}.AAAA")
    for typ in ("at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "logout+jwt"):
        assert not accepted(holder, holder.assertion({"typ": typ}))


def encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_an_id_token_of_ours_authenticates_nobody(holder: KeyHolder, code: tuple[Asked, str]) -> None:
    id_token = holder.token(*code).json()["id_token"]
    assert not accepted(holder, id_token)


def test_one_way_of_authenticating_at_a_time(holder: KeyHolder, code: tuple[Asked, str]) -> None:
    asked, given = code
    assert holder.token(asked, given, client_secret="x").json()["error"] == "invalid_request"
    both = holder.post("/token", {"grant_type": "authorization_code"}, Authorization="Basic bm9ib2R5OngK")
    assert both.json()["error"] == "invalid_request"
    assert answered(holder.token(asked, given, client_id="another")) == REFUSED
    assert answered(holder.token(asked, given, None, client_id=holder.party.client_id)) == REFUSED
    assert answered(holder.token(asked, given, None, client_id=holder.party.client_id, client_secret="x")) == REFUSED
    wrong = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "client_assertion": holder.assertion()}
    assert answered(holder.token(asked, given, None, **wrong)) == REFUSED
    assert answered(holder.token(asked, given, None, client_assertion_type=ASSERTION_TYPE)) == REFUSED
    assert holder.token(asked, given, client_id=holder.party.client_id).status_code == 200


def test_a_client_with_a_secret_cannot_use_a_key(fjordbank: House) -> None:
    key = new_key()
    holder = KeyHolder(fjordbank.client(jwks=public_set(key)), key)
    assert not accepted(holder, holder.assertion())


class KeyServer:
    """A relying party's own web server, which publishes its keys."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.asked = 0
        self.answer: Callable[[BaseHTTPRequestHandler], None] | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                if outer.answer is not None:
                    return outer.answer(self)
                body = json.dumps(public_set(*outer.keys)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/jwks"


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    served = KeyServer()
    threading.Thread(target=served.server.serve_forever, daemon=True).start()
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_keys_are_fetched_remembered_and_fetched_again_for_an_unknown_one(key_server: KeyServer, fjordbank: House) -> None:
    holder = KeyHolder.at(fjordbank, jwks_uri=key_server.address)
    key_server.keys = [holder.key]
    for _ in range(12):
        assert accepted(holder, holder.assertion())
    processes = key_server.asked
    assert 1 <= processes <= 3
    for _ in range(20):
        assert not accepted(holder, holder.assertion({"kid": "unknown"}))
    assert key_server.asked <= processes * 2 + 1


def test_a_new_key_is_found_when_the_memory_is_older_than_ten_seconds(
    key_server: KeyServer, fjordbank: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from authflows.oidc import client_keys

    holder = KeyHolder.at(fjordbank, jwks_uri=key_server.address)
    key_server.keys = [holder.key]
    with fjordbank.blocker.unblock():
        from authflows import configuration
        from tests.authflows.test_store import at

        _, client = at(holder.party)
        configuration.forget()
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    assert [key.kid for key in client_keys.of(client)] == ["one"]
    key_server.keys = [new_key("two")]
    assert [key.kid for key in client_keys.again(client)] == ["one"]
    clock[0] += client_keys.AGAIN_SECONDS
    assert [key.kid for key in client_keys.again(client)] == ["two"]
    key_server.answer = lambda handler: handler.send_error(500)
    clock[0] += client_keys.FRESH_SECONDS
    assert [key.kid for key in client_keys.of(client)] == ["two"]
    asked = key_server.asked
    assert [key.kid for key in client_keys.again(client)] == ["two"]
    assert key_server.asked == asked
    clock[0] += client_keys.STALE_SECONDS
    assert client_keys.of(client) == ()


@pytest.mark.parametrize("what", ["redirect", "garbage", "huge", "no keys", "slow"])
def test_a_strange_key_server_refuses_its_own_client_and_nobody_else(
    what: str, key_server: KeyServer, fjordbank: House, holder: KeyHolder
) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if what == "slow":
            time.sleep(5)
            return
        handler.send_response(302 if what == "redirect" else 200)
        handler.send_header("Location", key_server.address + "/other")
        handler.end_headers()
        body = {"garbage": b"<html>", "huge": b"[" * 200_000, "no keys": b'{"keys":[]}'}.get(what, b"")
        handler.wfile.write(body)

    key_server.answer = answer
    theirs = KeyHolder.at(fjordbank, jwks_uri=key_server.address)
    before = time.monotonic()
    assert not accepted(theirs, theirs.assertion())
    assert time.monotonic() - before < 8
    assert accepted(holder, holder.assertion())


@pytest.mark.parametrize(
    "uri", ["http://keys.fjordbank.example/jwks", "https://10.0.0.1/", "ftp://keys.fjordbank.example/", "keys", "https://a@b.example/"]
)
def test_an_address_that_is_not_called_cannot_be_registered(uri: str, fjordbank: House) -> None:
    from authflows.registration import Refused

    with pytest.raises(Refused, match="jwks_uri"):
        KeyHolder.at(fjordbank, jwks_uri=uri)


def test_a_client_without_keys_or_with_a_private_one_cannot_be_registered(fjordbank: House) -> None:
    from authflows.registration import Refused

    key = new_key()
    wanted: dict[str, Any]
    for wanted in ({}, {"jwks": {"keys": []}}, {"jwks": {"keys": [key.as_dict(private=True)]}}, {"jwks": []}):
        with pytest.raises(Refused, match="key"):
            fjordbank.client(auth_method="private_key_jwt", **wanted)
    with pytest.raises(Refused, match="not both"):
        fjordbank.client(jwks=public_set(key), jwks_uri="https://keys.fjordbank.example/")
