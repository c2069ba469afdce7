"""Every member of a session that was ended is told: at once, beside the others, until it has heard (Back-Channel Logout 1.0)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core import mail

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.flows.test_logout import EVENT, log_out, logged_in, part

# Less than the timetable's ten seconds, by which a message goes out that nobody was nudged for.
AT_ONCE = 4.0


class Ears:
    """Relying parties' back-channel addresses: what each heard, and how it answers. `slow` ones answer after so many seconds."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []
        self.answers: list[int] = []
        self.slow: dict[str, float] = {}
        ears = self

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                ears.heard.append((self.path, self.headers["Content-Type"], body))
                status = ears.answers.pop(0) if ears.answers else 200
                time.sleep(ears.slow.get(self.path, 0))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.heard]


@pytest.fixture
def ears() -> Iterator[Ears]:
    made = Ears()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def visitor(new_visitor: Callable[..., Browser]) -> Browser:
    visitor = new_visitor()
    visitor.remembers = True
    return visitor


def wait_for(true: Callable[[], bool], seconds: float = AT_ONCE) -> bool:
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def waiting(books: Books, house: House) -> list[tuple[int, int]]:
    """Of each message that has not arrived everywhere: its attempts, and how many members have heard."""
    rows = books.rows(
        "SELECT attempts, coalesce(ids->>'told', '') FROM tenants_outboxmessage"
        " WHERE kind = 'logout.session' AND sent_at IS NULL AND for_tenant = %s",
        house.id,
    )
    return [(attempts, len(told.split())) for attempts, told in rows]


def deliver(books: Books) -> None:
    """What the worker does every ten seconds, with all pauses passed."""
    from broker_portal import tasks

    books.execute("UPDATE tenants_outboxmessage SET next_at = now() WHERE kind = 'logout.session'")
    tasks.send_outbox()
    mail.outbox = []


def told(heard: tuple[str, str, str]) -> str:
    _, kind, body = heard
    assert kind == "application/x-www-form-urlencoded"
    (token,) = parse_qs(body, strict_parsing=True)["logout_token"]
    return token


def test_38_every_member_of_the_session_is_told(fjordbank: House, visitor: Browser, ears: Ears, books: Books, committed: None) -> None:
    members = [
        fjordbank.client(sso_group="told", back_channel_logout_uri=f"{ears.address}/{name}?x=y", id_token_alg=alg)
        for name, alg in (("bank", "ES256"), ("loans", "PS256"))
    ]
    deaf, outside = fjordbank.client(sso_group="told"), fjordbank.client(back_channel_logout_uri=f"{ears.address}/outside")
    tokens = [logged_in(party, visitor)["id_token"] for party in (*members, deaf, outside)]
    log_out(members[0], visitor, id_token_hint=tokens[0])
    assert wait_for(lambda: not waiting(books, fjordbank), 15)
    assert sorted(ears.paths) == ["/bank?x=y", "/loans?x=y"]
    for party, id_token, heard in zip(members, tokens, sorted(ears.heard), strict=False):
        token = told(heard)
        claims = party.claims(token)
        assert part(token, 0)["typ"] == "logout+jwt"
        assert part(token, 0)["alg"] == part(id_token, 0)["alg"]
        assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
            name: part(id_token, 1)[name] for name in ("iss", "aud", "sub", "sid")
        }
        assert claims["events"] == {EVENT: {}}
        assert "nonce" not in claims
        assert claims["jti"]
        assert abs(claims["iat"] - time.time()) < 20
        assert 0 < claims["exp"] - claims["iat"] <= 120
    deliver(books)
    assert len(ears.heard) == 2


def test_they_are_told_as_soon_as_the_session_has_ended(fjordbank: House, visitor: Browser, ears: Ears) -> None:
    bank = fjordbank.client(back_channel_logout_uri=f"{ears.address}/bank")
    for times in (1, 2, 3):
        token = logged_in(bank, visitor)["id_token"]
        log_out(bank, visitor, id_token_hint=token)
        assert wait_for(lambda: len(ears.heard) == times), times  # noqa: B023  (called before the next turn)
    logged_in(bank, visitor)
    visitor.submit(log_out(bank, visitor), "logout")
    assert wait_for(lambda: len(ears.heard) == 4)


def test_one_that_does_not_answer_holds_up_no_other(fjordbank: House, visitor: Browser, ears: Ears, books: Books) -> None:
    names = ("a", "b", "c", "d")
    members = [fjordbank.client(sso_group="beside", back_channel_logout_uri=f"{ears.address}/{name}") for name in names]
    ears.slow = {"/a": 7.0, "/b": 7.0, "/c": 7.0}
    tokens = [logged_in(party, visitor)["id_token"] for party in members]
    log_out(members[0], visitor, id_token_hint=tokens[0])
    assert wait_for(lambda: len(ears.heard) == 4)
    assert wait_for(lambda: waiting(books, fjordbank) == [(1, 1)])
    # Nobody else's story has to hear of them.
    books.execute("UPDATE tenants_outboxmessage SET sent_at = now() WHERE kind = 'logout.session'")


def test_a_member_that_does_not_answer_is_told_again_and_the_others_are_not(
    fjordbank: House, visitor: Browser, ears: Ears, books: Books, committed: None
) -> None:
    members = [fjordbank.client(sso_group="again", back_channel_logout_uri=f"{ears.address}/{name}") for name in ("a", "b")]
    tokens = [logged_in(party, visitor)["id_token"] for party in members]
    ears.answers += [503, 200, 400, 204]
    log_out(members[0], visitor, id_token_hint=tokens[0])
    assert wait_for(lambda: waiting(books, fjordbank) == [(1, 1)], 15)
    for heard in (3, 4, 4):
        deliver(books)
        assert wait_for(lambda: len(ears.heard) == heard)  # noqa: B023  (called before the next turn)
    assert sorted(ears.paths[:2]) == ["/a", "/b"]
    assert ears.paths[2] == ears.paths[3]
    assert len({part(told(heard), 1)["jti"] for heard in ears.heard}) == 4


def test_somebody_else_s_login_ends_the_session_and_tells_its_members(
    fjordbank: House, visitor: Browser, ears: Ears, books: Books, committed: None
) -> None:
    bank = fjordbank.client(sso_group="taken", back_channel_logout_uri=f"{ears.address}/bank")
    first = logged_in(bank, visitor)
    visitor.login(bank.ask(prompt="login", acr_values="low"), "auto-approve-low")
    deliver(books)
    assert wait_for(lambda: bool(ears.heard))
    assert [part(told(heard), 1)["sid"] for heard in ears.heard] == [part(first["id_token"], 1)["sid"]]
    assert bank.userinfo(first["access_token"]).status_code == 401
