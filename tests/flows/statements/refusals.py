"""The three places where a refusal can be: our page, the relying party's address, a JSON body."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from tests.doubles.browser import Browser
from tests.doubles.houses import Books
from tests.doubles.relying_party import Asked, RelyingParty


def on_our_page(answer: httpx.Response) -> None:
    """Nothing that a browser would follow, keep or load from elsewhere."""
    assert answer.status_code == 400, (answer.status_code, answer.headers.get("Location"), answer.text)
    assert answer.headers["Content-Type"].startswith("text/html")
    for header in ("Location", "Refresh", "Set-Cookie"):
        assert header not in answer.headers
    assert "attacker.example" not in answer.text


def told(party: RelyingParty, asked: Asked, answer: httpx.Response) -> str:
    """The error that the relying party gets; no login has begun."""
    assert answer.status_code == 303, (answer.status_code, answer.text)
    assert "Set-Cookie" not in answer.headers
    parameters = party.told(asked, answer.headers["Location"])
    assert "code" not in parameters
    return parameters["error"]


def as_json(answer: httpx.Response, *errors: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"] in errors) == (status, True), (answer.status_code, answer.text)
    assert "no-store" in answer.headers["Cache-Control"]


def code_for(party: RelyingParty, visitor: Browser, **changes: str | None) -> tuple[Asked, str]:
    asked = party.ask(**changes)
    return asked, party.told(asked, visitor.login(asked))["code"]


def logins(books: Books, party: RelyingParty) -> int:
    return int(books.one("SELECT count(*) FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id))


def by_post(visitor: Browser, asked: Asked) -> httpx.Response:
    """The same request as a form, as a page of another site sends it."""
    address, _, query = asked.url.partition("?")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://netbank.fjordbank.example"}
    return visitor.http.post(urlsplit(address).path, content=query, headers=headers)
