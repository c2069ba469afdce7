"""Statements 1 to 14: the authorization endpoint."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House
from tests.doubles.newcomers import Newcomer
from tests.flows.statements.mistakes import NEAR_MISSES, OTHER_RESPONSES, WITHOUT_PKCE
from tests.flows.statements.refusals import as_json, by_post, code_for, logins, on_our_page, told

Parties = Callable[..., Newcomer]
Visitors = Callable[..., Browser]
ANOTHER = "https://app.fjordbank.example/back"


def test_s01_an_unregistered_redirect_uri_is_answered_on_our_page(party: Newcomer, visitor: Browser, books: Books) -> None:
    for more in ({}, {"prompt": "none"}, {"response_type": "token"}, {"scope": None}, {"code_challenge": None}):
        asked = party.ask(redirect_uri="https://attacker.example/callback", **more)
        on_our_page(visitor.get(asked.url))
        on_our_page(by_post(visitor, asked))
    assert logins(books, party) == 0


def test_s02_the_redirect_uri_is_compared_exactly(party: Newcomer, visitor: Browser, books: Books) -> None:
    assert len(NEAR_MISSES) >= 20
    for uri in NEAR_MISSES:
        for more in ({}, {"prompt": "none", "response_type": "x"}):
            answer = visitor.get(party.ask(redirect_uri=uri, **more).url)
            on_our_page(answer)
            assert "<code>redirect_uri_not_registered</code>" in answer.text
    assert logins(books, party) == 0


INSECURE = [
    "http://netbank.fjordbank.example/callback",
    "http://localhost.fjordbank.example/callback",
    "http://127.0.0.1.fjordbank.example/callback",
    "http://10.0.0.1/callback",
    "http://0.0.0.0/callback",
]


def test_s03_http_is_not_registered_but_on_loopback(new_party: Parties) -> None:
    from authflows.registration import Refused

    for uri in INSECURE:
        for kind, method in (("web", "client_secret_basic"), ("spa", "none"), ("native", "none")):
            with pytest.raises(Refused, match="https"):
                new_party(redirect_uris=(uri,), application_type=kind, auth_method=method)
    new_party(redirect_uris=("http://127.0.0.1/callback",), application_type="native", auth_method="none")


@pytest.fixture
def portal(fjordbank: House, new_visitor: Visitors) -> Browser:
    """Fjordbank's owner, signed in to the portal over HTTP."""
    from secrets import token_hex

    from tenants.models import MembershipRole
    from tests import people

    email = f"owner-{token_hex(4)}@fjordbank.example"
    with fjordbank.blocker.unblock():
        people.member(fjordbank.opened.tenant, email, MembershipRole.OWNER)
    visitor = new_visitor()
    (form,) = [form for form in forms(visitor.get("/accounts/login/")) if "login" in form.fields]
    signed_in = visitor.post("/accounts/login/", form.fields | {"login": email, "password": people.PASSWORD})
    assert signed_in.status_code == 302, signed_in.text
    return visitor


def test_s03_the_portal_registers_no_http_address_but_on_loopback(fjordbank: House, portal: Browser) -> None:
    path = f"/tenants/{fjordbank.opened.tenant.slug}/test/clients/new"
    for uri, taken in ((INSECURE[0], False), ("http://127.0.0.1/callback", True), (ANOTHER, True)):
        (form,) = [form for form in forms(portal.get(path)) if "redirect_uri_1" in form.fields]
        wanted = {"name": f"App {uri}", "redirect_uri_1": uri, "auth_method": "none", "native": "on"}
        answer = portal.post(path, form.fields | wanted)
        assert (answer.status_code == 303) is taken, answer.text
        assert (uri in portal.get(path.removesuffix("/new")).text) is taken


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
def test_s04_pkce_is_required_with_s256(method: str, new_party: Parties, visitor: Browser, books: Books) -> None:
    party = new_party(auth_method=method)
    for change in WITHOUT_PKCE:
        asked = party.ask(**change)
        assert told(party, asked, visitor.get(asked.url)) == "invalid_request"
        assert told(party, asked, by_post(visitor, asked)) == "invalid_request"
    assert logins(books, party) == 0


def test_s05_a_verifier_that_answers_no_challenge_is_refused(new_party: Parties, visitor: Browser) -> None:
    """RFC 9700 section 2.1.1: an attacker who took the challenge out of a request gains nothing."""
    party = new_party(pkce="nonce_instead")
    asked, code = code_for(party, visitor, code_challenge=None, code_challenge_method=None)
    as_json(party.token(asked, code), "invalid_grant")
    asked, code = code_for(party, visitor, code_challenge=None, code_challenge_method=None)
    tokens = party.token(asked, code, code_verifier=None)
    assert tokens.status_code == 200
    assert party.claims(tokens.json()["id_token"])["nonce"] == asked.nonce
    asked = party.ask(code_challenge=None, code_challenge_method=None, nonce=None)
    assert told(party, asked, visitor.get(asked.url)) == "invalid_request"


def test_s06_a_wrong_or_a_missing_verifier_is_refused(party: Newcomer, visitor: Browser) -> None:
    asked, code = code_for(party, visitor)
    for verifier in (None, "x" * 43, asked.verifier[:-1] + ("A" if asked.verifier[-1] != "A" else "B"), asked.verifier + "x", "short"):
        as_json(party.token(asked, code, code_verifier=verifier), "invalid_grant", "invalid_request")
    # What the attacker cannot do either: the challenge in place of the verifier.
    sent = httpx.URL(asked.url).params["code_challenge"]
    as_json(party.token(asked, code, code_verifier=sent), "invalid_grant")
    assert party.token(asked, code).status_code == 200


def test_s07_only_a_code_is_given(party: Newcomer, visitor: Browser, books: Books) -> None:
    for response_type in OTHER_RESPONSES:
        asked = party.ask(response_type=response_type)
        assert told(party, asked, visitor.get(asked.url)) == "unsupported_response_type"
    assert logins(books, party) == 0


def test_s07_a_password_buys_no_token(party: Newcomer) -> None:
    body = {"grant_type": "password", "username": "freja", "password": "x", "code": None, "redirect_uri": None, "code_verifier": None}
    as_json(party.token(party.ask(), "", **body), "unsupported_grant_type")


def test_s08_every_answer_names_the_issuer(party: Newcomer, visitor: Browser) -> None:
    """party.told compares `iss` with the issuer in discovery."""
    assert party.metadata["issuer"] == party.issuer
    assert party.metadata["authorization_response_iss_parameter_supported"] is True
    asked = party.ask()
    assert "code" in party.told(asked, visitor.login(asked))
    for user_id in ("auto-reject", "auto-cancel", "auto-timeout", "auto-blocked"):
        asked = party.ask()
        assert party.told(asked, visitor.login(asked, user_id))["error"] == "access_denied"
    for change in ({"prompt": "none"}, {"scope": "x"}, {"response_type": "token"}, {"code_challenge": None}, {"max_age": "-1"}):
        asked = party.ask(**change)
        assert told(party, asked, visitor.get(asked.url))
    asked = party.ask()
    assert party.told(asked, visitor.finish(visitor.submit(visitor.open(asked), "foot")))["error"] == "access_denied"


def test_s09_no_script_reads_the_authorization_endpoint(new_party: Parties, visitor: Browser) -> None:
    party = new_party(auth_method="none", application_type="spa", redirect_uris=(ANOTHER,))
    for origin in ("https://attacker.example", "https://app.fjordbank.example", "null"):
        preflight = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answers = [
            visitor.get(party.ask().url, Origin=origin),
            visitor.get(party.ask(prompt="none").url, Origin=origin),
            visitor.get(party.ask(client_id="x").url, Origin=origin),
            visitor.http.options(urlsplit(party.ask().url).path, headers=preflight),
        ]
        for answer in answers:
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_s10_a_form_is_never_sent_on(party: Newcomer, visitor: Browser) -> None:
    """No 307 or 308 after a POST, from the request to the relying party."""
    posted = [by_post(visitor, party.ask()), by_post(visitor, party.ask(prompt="none"))]
    box = visitor.get(posted[0].headers["Location"])
    posted.append(visitor.submit(box, user_id="auto-approve"))
    posted.append(visitor.submit(visitor.open(party.ask()), user_id="freja"))
    posted.append(visitor.submit(visitor.open(party.ask()), "foot"))
    posted.append(visitor.post(str(visitor.open(party.ask()).url.path) + "/cancel", {"form_token": "stolen"}))
    assert {answer.status_code for answer in posted} <= {303, 200, 403}
    assert visitor.get(posted[2].headers["Location"]).status_code == 303


class Loads(HTMLParser):
    """What a page makes a browser fetch by itself, or send a form to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"link": ("href",), "form": ("action",), "base": ("href",), "object": ("data",), "a": ("ping",)}.get(tag, ("src", "srcset"))
        self.addresses += [value for name, value in attrs if name in names and value]
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]


def pages(party: Newcomer, visitor: Browser) -> Iterator[httpx.Response]:
    box = visitor.open(party.ask())
    yield box
    yield visitor.get(visitor.submit(box, user_id="freja").headers["Location"])
    yield visitor.get(party.ask(redirect_uri="https://attacker.example/").url)
    yield visitor.get(party.issuer + "/login/" + "x" * 22)


def test_s11_a_login_page_tells_others_nothing_and_loads_nothing_of_theirs(party: Newcomer, visitor: Browser) -> None:
    for page in pages(party, visitor):
        assert page.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
        policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
        assert {policy.get(each, policy["default-src"]) for each in ("script-src", "style-src", "img-src", "font-src", "connect-src")} <= {
            "'self'",
            "'none'",
        }
        loads = Loads()
        loads.feed(page.text)
        for address in loads.addresses:
            parts = urlsplit(urljoin(str(page.url), address))
            assert f"{parts.scheme}://{parts.netloc}" == visitor.base_url, address
        for address in [each for each in loads.addresses if ".css" in each]:
            assert not re.search(
                r"@import|https?:|url\(\s*[\"']?//", visitor.get(urljoin("/", address)).text.replace("http://www.w3.org", "")
            )


def test_s12_prompt_none_without_a_session_is_an_error_and_no_page(party: Newcomer, visitor: Browser, books: Books) -> None:
    for more in ({}, {"max_age": "0"}, {"max_age": "99999"}, {"login_hint": "nobody"}, {"id_token_hint": "x.y.z"}):
        asked = party.ask(prompt="none", **more)
        for answer in (visitor.get(asked.url), by_post(visitor, asked)):
            assert told(party, asked, answer) in ("login_required", "interaction_required", "invalid_request")
            assert answer.text == ""
    asked = party.ask(prompt="none")
    assert told(party, asked, visitor.get(asked.url)) == "login_required"
    assert logins(books, party) == 0


def authenticated(party: Newcomer, visitor: Browser, **changes: str | None) -> int:
    """When the person acted, as a login in the box tells it."""
    asked = party.ask(**changes)
    return int(party.claims(party.redeem(asked, visitor.login(asked))["id_token"])["auth_time"])


def reused(party: Newcomer, visitor: Browser, **changes: str | None) -> int:
    """The same, as a login without the box tells it."""
    asked = party.ask(**changes)
    return int(party.claims(party.redeem(asked, visitor.finish(visitor.get(asked.url)))["id_token"])["auth_time"])


def test_s13_max_age_asks_again_and_says_when(party: Newcomer, visitor: Browser) -> None:
    visitor.remembers = True
    first = authenticated(party, visitor)
    time.sleep(2.1)
    assert reused(party, visitor) == reused(party, visitor, max_age="600") == reused(party, visitor, prompt="none", max_age="600") == first
    asked = party.ask(prompt="none", max_age="1")
    assert told(party, asked, visitor.get(asked.url)) == "login_required"
    assert authenticated(party, visitor, max_age="1") > first + 1
    # Each of these ends in the box, whatever session there is.
    for more in ({"max_age": "0"}, {"prompt": "login"}, {"prompt": "login", "max_age": "600"}):
        assert authenticated(party, visitor, **more) > first + 1


def test_s14_a_parameter_sent_twice_is_refused(party: Newcomer, visitor: Browser, books: Books) -> None:
    for name in ("scope", "state", "nonce", "response_type", "code_challenge", "code_challenge_method", "unheard_of"):
        asked = party.ask(unheard_of="1")
        answer = visitor.get(f"{asked.url}&{name}=1")
        assert answer.status_code == 303, name
        assert "error=invalid_request" in answer.headers["Location"], name
    for name in ("client_id", "redirect_uri"):
        on_our_page(visitor.get(f"{party.ask().url}&{name}=https%3A%2F%2Fattacker.example%2F"))
    assert logins(books, party) == 0


def test_s14_so_is_one_of_a_token_request(new_party: Parties, visitor: Browser) -> None:
    party = new_party(auth_method="client_secret_post")
    asked, code = code_for(party, visitor)
    body = {
        "grant_type": ["authorization_code"],
        "code": [code],
        "redirect_uri": [asked.redirect_uri],
        "code_verifier": [asked.verifier],
        "client_id": [party.client_id],
        "client_secret": [party.client_secret or ""],
    }
    for name, values in body.items():
        as_json(visitor.http.post(party.issuer + "/token", data=body | {name: values * 2}), "invalid_request")
    assert party.token(asked, code).status_code == 200
