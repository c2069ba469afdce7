"""Two tenants at once, test beside production: nothing of the one means anything to the other, and trying writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
TABLES = ("authflows_login", "authflows_coresession", "authflows_grant", "authflows_accesstoken", "usage_event")


@pytest.fixture(params=["another tenant", "the same tenant's production"])
def foreign(request: pytest.FixtureRequest, fjordbank: House, havneby: House) -> RelyingParty:
    return havneby.client() if request.param == "another tenant" else fjordbank.client("production")


def rows(books: Books, *houses: House) -> list[int]:
    """How many rows these tenants have of what a login writes."""
    ids = [house.id for house in houses]
    counts = " UNION ALL ".join(f"SELECT '{table}' AS name, count(*) AS n FROM {table} WHERE tenant_id = ANY(%(ids)s)" for table in TABLES)
    with books.connection() as connection:
        return [n for _, n in connection.execute(f"{counts} ORDER BY name", {"ids": ids}).fetchall()]


@pytest.fixture
def houses(fjordbank: House, havneby: House) -> tuple[House, House]:
    return fjordbank, havneby


def test_a_client_is_known_at_its_own_issuer_only(
    party: RelyingParty, foreign: RelyingParty, visitor: Browser, books: Books, houses: tuple[House, House]
) -> None:
    before = rows(books, *houses)
    stray = replace(party, issuer=foreign.issuer)
    answer = visitor.get(stray.ask().url)
    assert (answer.status_code, answer.headers.get("Location")) == (400, None)
    assert "<code>unknown_client</code>" in answer.text
    assert rows(books, *houses) == before


def test_a_code_is_worth_nothing_elsewhere(
    party: RelyingParty, foreign: RelyingParty, visitor: Browser, books: Books, houses: tuple[House, House]
) -> None:
    asked = party.ask()
    location = visitor.login(asked)
    code = party.told(asked, location)["code"]
    before = rows(books, *houses)
    assert foreign.token(asked, code).json()["error"] == "invalid_grant"
    assert replace(party, issuer=foreign.issuer).token(asked, code).json()["error"] == "invalid_client"
    assert rows(books, *houses) == before
    assert party.token(asked, code).status_code == 200


def test_a_token_is_worth_nothing_elsewhere(party: RelyingParty, foreign: RelyingParty, visitor: Browser) -> None:
    asked = party.ask()
    tokens = party.redeem(asked, visitor.login(asked))
    assert replace(party, issuer=foreign.issuer).userinfo(tokens["access_token"]).status_code == 401
    assert party.userinfo(tokens["access_token"]).status_code == 200


def test_a_login_is_continued_at_its_own_issuer_only(
    party: RelyingParty, foreign: RelyingParty, visitor: Browser, books: Books, houses: tuple[House, House]
) -> None:
    page = visitor.open(party.ask())
    handle = page.url.path.rpartition("/")[2]
    # The attacker sends the very cookie along.
    visitor.http.cookies.set(f"login-{handle}", visitor.cookies[f"login-{handle}"], domain="localhost.local", path="/")
    before = rows(books, *houses)
    there = f"{foreign.issuer}/login/{handle}"
    form = forms(page)[0].fields | {"user_id": "auto-approve"}
    answers = [
        visitor.get(there),
        visitor.get(f"{there}/return?code=guessed"),
        visitor.post(f"{there}/box", form),
        visitor.post(f"{there}/cancel", form),
    ]
    assert [(answer.status_code, answer.headers.get("Location")) for answer in answers] == [(403, None)] * 4
    assert "netbank.fjordbank.example" not in "".join(answer.text for answer in answers)
    assert rows(books, *houses) == before
    assert books.outcomes(party) == ["open"]


def test_each_issuer_signs_with_keys_of_its_own(party: RelyingParty, foreign: RelyingParty, visitor: Browser) -> None:
    kids = [{key["kid"] for key in visitor.get(f"{each.issuer}/jwks").json()["keys"]} for each in (party, foreign)]
    assert not kids[0] & kids[1]


def test_an_issuer_answers_at_its_own_address_only(party: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    port = visitor.base_url.rpartition(":")[2]
    asked = party.ask()
    for host in (f"127.0.0.1:{port}", "localhost", f"fjordbank.example:{port}", f"localhost.:{port}"):
        for path in ("/.well-known/openid-configuration", "/jwks", "/authorize"):
            address = asked.url if path == "/authorize" else party.issuer + path
            answer = visitor.get(address, Host=host)
            assert answer.status_code == 404, (host, path)
            assert answer.headers["Trace-Id"] in answer.text


@pytest.mark.parametrize(
    "path",
    ["/t/nobody/authorize", "/t/nobody-test/jwks", "/t/", "/t//authorize", "/t/x%00y/authorize", "/t/x\u00e6/token", "/t/../t/nobody/jwks"],
)
def test_an_address_that_nobody_has_is_not_found(path: str, visitor: Browser) -> None:
    assert visitor.http.get(visitor.base_url + path).status_code == 404


@pytest.mark.parametrize(
    "path", ["", "/", "/login/short", "/login/" + "x" * 23, "/authorize/", "/theme/x.css", "/admin", "/accounts/login/"]
)
def test_an_issuer_has_nothing_but_a_login(path: str, party: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(party.issuer + path)
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers
