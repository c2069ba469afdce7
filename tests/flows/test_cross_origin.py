"""Pages of public clients in browsers: their registered origins may call us, and nobody else's (statement 9)."""

from __future__ import annotations

import httpx
import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty

ORIGIN = "https://app.fjordbank.example"
OFFLINE = ("openid", "profile", "mitid", "offline_access")
CALLABLE = {"/.well-known/openid-configuration": "GET", "/jwks": "GET", "/token": "POST", "/userinfo": "GET, POST", "/revoke": "POST"}
NOT_CALLABLE = ("/authorize", "/introspect", "/login/" + "x" * 22, "/login/" + "x" * 22 + "/return", "/simulator/phone")


@pytest.fixture
def page(fjordbank: House) -> RelyingParty:
    """A client whose pages live at ORIGIN."""
    return fjordbank.client(auth_method="none", application_type="spa", origins=(ORIGIN,), scopes=OFFLINE)


def preflight(visitor: Browser, address: str, origin: str, method: str = "POST") -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    return visitor.http.request("OPTIONS", address, headers=asked)


def cors(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("path", CALLABLE)
def test_a_registered_page_may_ask(path: str, page: RelyingParty, visitor: Browser) -> None:
    answer = preflight(visitor, page.issuer + path, ORIGIN)
    assert (answer.status_code, answer.headers["Vary"], answer.headers["Access-Control-Allow-Methods"]) == (204, "Origin", CALLABLE[path])
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert {"authorization", "content-type", "dpop"} <= {
        name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_page_logs_in_refreshes_and_reads_also_what_goes_wrong(page: RelyingParty, visitor: Browser) -> None:
    visitor.http.headers["Origin"] = ORIGIN
    for path in ("/.well-known/openid-configuration", "/jwks"):
        assert visitor.get(page.issuer + path).headers["Access-Control-Allow-Origin"] == ORIGIN
    del visitor.http.headers["Origin"]
    asked = page.ask(scope=" ".join(OFFLINE))
    code = page.told(asked, visitor.login(asked))["code"]
    visitor.http.headers["Origin"] = ORIGIN
    tokens = page.token(asked, code, visitor.http)
    answers = [
        (200, tokens),
        (200, page.userinfo(tokens.json()["access_token"], at=visitor.http)),
        (200, page.refresh(tokens.json()["refresh_token"], visitor.http)),
        (400, page.token(asked, code, visitor.http)),
        (401, page.userinfo("guessed", at=visitor.http)),
        (405, visitor.http.put(page.issuer + "/token")),
    ]
    for status, answer in answers:
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (status, ORIGIN, "Origin")
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://attacker.example",
        "null",
        ORIGIN + ".attacker.example",
        "http://app.fjordbank.example",
        ORIGIN + ":8443",
        ORIGIN.upper(),
        "*",
    ],
)
def test_a_page_of_another_origin_reads_nothing(origin: str, page: RelyingParty, visitor: Browser) -> None:
    for path in CALLABLE:
        assert "access-control-allow-origin" not in cors(preflight(visitor, page.issuer + path, origin))
        assert cors(visitor.http.get(page.issuer + path, headers={"Origin": origin})) == {}
        assert cors(visitor.http.post(page.issuer + path, headers={"Origin": origin})) == {}


def test_an_origin_counts_in_its_own_environment_only(fjordbank: House, havneby: House, page: RelyingParty, visitor: Browser) -> None:
    for stranger in (fjordbank.client("production"), havneby.client()):
        assert cors(visitor.http.get(stranger.issuer + "/jwks", headers={"Origin": ORIGIN})) == {}
        assert "access-control-allow-origin" not in cors(preflight(visitor, stranger.issuer + "/token", ORIGIN))


@pytest.mark.parametrize("path", NOT_CALLABLE)
def test_statement_9_never_where_a_browser_navigates(path: str, page: RelyingParty, visitor: Browser) -> None:
    answer = preflight(visitor, page.issuer + path, ORIGIN, "GET")
    assert (answer.status_code, cors(answer)) == (405, {})
    for method in ("GET", "POST"):
        assert cors(visitor.http.request(method, page.issuer + path, headers={"Origin": ORIGIN})) == {}
    assert cors(visitor.http.get(page.ask().url, headers={"Origin": ORIGIN})) == {}


def test_a_new_origin_counts_at_once_in_every_process(fjordbank: House, page: RelyingParty, visitor: Browser) -> None:
    other = "https://new.fjordbank.example:8443"
    for _ in range(6):
        assert cors(visitor.http.get(page.issuer + "/jwks", headers={"Origin": other})) == {}
    fjordbank.client(auth_method="none", origins=(other,))
    for _ in range(12):
        assert preflight(visitor, page.issuer + "/token", other).headers["Access-Control-Allow-Origin"] == other
