"""Statements 35 to 38: logging out."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import House
from tests.doubles.newcomers import Newcomer

Parties = Callable[..., Newcomer]
GOODBYE = "https://netbank.fjordbank.example/goodbye"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS_TO_BE_TOLD = 30


@pytest.fixture
def visitor(new_visitor: Callable[[], Browser]) -> Browser:
    return remembering(new_visitor)


def remembering(new_visitor: Callable[[], Browser]) -> Browser:
    """A browser that keeps its sessions between logins."""
    visitor = new_visitor()
    visitor.remembers = True
    return visitor


@pytest.fixture
def leaving(new_party: Parties) -> Newcomer:
    return new_party(post_logout_redirect_uris=(GOODBYE,))


def logged_in(party: Newcomer, visitor: Browser) -> str:
    asked = party.ask()
    token: str = party.redeem(asked, visitor.login(asked))["id_token"]
    return token


def still_in(party: Newcomer, visitor: Browser) -> bool:
    asked = party.ask(prompt="none")
    answer = party.told(asked, visitor.get(asked.url).headers["Location"])
    return "code" in answer


def end(party: Newcomer, visitor: Browser, **sent: str) -> httpx.Response:
    return visitor.get(f"{party.issuer}{party.path('end_session_endpoint')}?{urlencode(sent)}")


def asks(answer: httpx.Response) -> None:
    """A page with a form of ours, and nowhere else to go."""
    assert answer.status_code in (200, 400), (answer.status_code, answer.headers.get("Location"))
    assert answer.headers["Content-Type"].startswith("text/html")
    for header in ("Location", "Refresh"):
        assert header not in answer.headers
    assert "goodbye" not in answer.text
    assert "attacker" not in answer.text


def test_s35_without_a_hint_the_person_is_asked_and_nobody_redirected(leaving: Newcomer, visitor: Browser) -> None:
    logged_in(leaving, visitor)
    for sent in ({}, {"client_id": leaving.client_id}, {"state": "x"}):
        asks(end(leaving, visitor, post_logout_redirect_uri=GOODBYE, **sent))
    asks(end(leaving, visitor))
    assert still_in(leaving, visitor)
    page = end(leaving, visitor)
    assert forms(page)
    visitor.post(forms(page)[0].action, forms(page)[0].fields)
    assert not still_in(leaving, visitor)


def test_s35_with_one_it_ends_at_the_registered_address(leaving: Newcomer, visitor: Browser) -> None:
    hint = logged_in(leaving, visitor)
    answer = end(leaving, visitor, id_token_hint=hint, post_logout_redirect_uri=GOODBYE, state="a b&c")
    assert answer.headers["Location"] == f"{GOODBYE}?state=a%20b%26c"
    assert not still_in(leaving, visitor)


UNREGISTERED = [
    "https://attacker.example/goodbye",
    "https://netbank.fjordbank.example/callback",
    GOODBYE + "/",
    GOODBYE + "?a=b",
    GOODBYE + "#a",
    GOODBYE + "%20",
    GOODBYE.upper(),
    "http" + GOODBYE.removeprefix("https"),
    GOODBYE.replace("example", "example:443"),
    GOODBYE.replace("example", "example@attacker.example"),
    "//netbank.fjordbank.example/goodbye",
    "/goodbye",
    "javascript:alert(1)",
]


def test_s36_only_a_registered_address_is_gone_to(leaving: Newcomer, visitor: Browser) -> None:
    hint = logged_in(leaving, visitor)
    for uri in UNREGISTERED:
        asks(end(leaving, visitor, id_token_hint=hint, post_logout_redirect_uri=uri))
    assert still_in(leaving, visitor)
    assert end(leaving, visitor, id_token_hint=hint, post_logout_redirect_uri=GOODBYE).headers["Location"] == GOODBYE


def test_s31_an_access_token_is_no_hint(new_party: Parties, visitor: Browser) -> None:
    party = new_party(post_logout_redirect_uris=(GOODBYE,), access_token_format="jwt")
    asked = party.ask()
    token = party.redeem(asked, visitor.login(asked))["access_token"]
    asks(end(party, visitor, id_token_hint=token, post_logout_redirect_uri=GOODBYE))
    assert still_in(party, visitor)


def encoded(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=="))
    return found


def modified(hint: str, other: str, foreign: str) -> Iterator[str]:
    header, payload, signature = hint.split(".")
    claims = decoded(payload)
    yield f"{header}.{payload}.{'A' * len(signature)}"
    yield f"{header}.{payload}."
    yield f"{header}.{encoded(claims | {'exp': claims['exp'] + 1})}.{signature}"
    yield f"{header}.{other.split('.')[1]}.{signature}"
    yield f"{encoded({'alg': 'none'})}.{payload}."
    yield f"{encoded({'alg': 'HS256', 'kid': decoded(header)['kid']})}.{payload}.{signature}"
    yield foreign
    yield "x"
    yield ""


def test_s37_a_modified_hint_logs_nobody_out(
    leaving: Newcomer, new_party: Parties, havneby: House, new_visitor: Callable[[], Browser]
) -> None:
    visitor = remembering(new_visitor)
    hint = logged_in(leaving, visitor)
    other = logged_in(new_party(), new_visitor())
    foreign = logged_in(Newcomer.at(havneby, leaving.dialect), new_visitor())
    for forged in modified(hint, other, foreign):
        asks(end(leaving, visitor, id_token_hint=forged, post_logout_redirect_uri=GOODBYE))
        assert still_in(leaving, visitor)


class Ears:
    """A relying party's address for logout tokens."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, list[str]]]] = []
        ears = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                ears.heard.append((self.path, parse_qs(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def until(self, count: int) -> dict[str, str]:
        """Each path's logout token. The timetable sends every ten seconds what waits; nobody waits for it here."""
        from broker_portal.tasks import send_outbox

        deadline = time.monotonic() + SECONDS_TO_BE_TOLD
        while len(self.heard) < count and time.monotonic() < deadline:
            send_outbox()
            time.sleep(0.1)
        return {path: form["logout_token"][0] for path, form in self.heard}


@pytest.fixture
def ears() -> Iterator[Ears]:
    made = Ears()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_s38_every_member_of_the_session_is_told(new_party: Parties, ears: Ears, visitor: Browser, dialect: str, committed: None) -> None:
    group = {"sso_group": f"bank-{dialect}", "post_logout_redirect_uris": (GOODBYE,)}
    members = [new_party(back_channel_logout_uri=f"{ears.address}/{name}", **group) for name in ("netbank", "pension", "loans")]
    outsider = new_party(back_channel_logout_uri=f"{ears.address}/outsider")
    logged_in(outsider, visitor)
    hints = [logged_in(members[0], visitor)]
    for member in members[1:]:
        asked = member.ask()
        hints.append(member.redeem(asked, visitor.finish(visitor.get(asked.url)))["id_token"])
    sids = [member.claims(hint)["sid"] for member, hint in zip(members, hints, strict=True)]
    assert len(set(sids)) == 3

    assert end(members[1], visitor, id_token_hint=hints[1], post_logout_redirect_uri=GOODBYE).headers["Location"] == GOODBYE
    told_to = ears.until(3)
    assert set(told_to) == {"/netbank", "/pension", "/loans"}
    for member, sid, name in zip(members, sids, ("/netbank", "/pension", "/loans"), strict=True):
        proven(told_to[name], member, sid)
        assert not still_in(member, visitor)
    assert still_in(outsider, visitor)


def proven(token: str, party: Newcomer, sid: str) -> None:
    """OpenID Connect Back-Channel Logout 1.0, section 2.6."""
    with httpx.Client(trust_env=False) as http:
        keys = KeySet.import_key_set(http.get(party.metadata["jwks_uri"]).json())
    signed = jws.deserialize_compact(token, keys, algorithms=["ES256", "RS256", "PS256"])
    assert signed.headers()["typ"] == "logout+jwt"
    claims = json.loads(signed.payload)
    assert (claims["iss"], claims["aud"], claims["sid"]) == (party.issuer, party.client_id, sid)
    assert claims["events"] == {EVENT: {}}
    assert "nonce" not in claims
    assert claims["jti"]
    assert 0 < claims["exp"] - claims["iat"] <= 120
