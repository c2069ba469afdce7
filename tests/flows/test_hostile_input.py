"""Whatever is sent, nothing breaks: no answer of ours is an error of the server's, and nothing is asked of the core."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books
from tests.doubles.relying_party import RelyingParty

EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, database=None
)
NAMES = st.sampled_from(
    [
        *("response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age"),
        *(
            "acr_values",
            "ui_locales",
            "request",
            "request_uri",
            "registration",
            "claims",
            "login_hint",
            "trial",
            "language",
            "id_token_hint",
        ),
    ]
)
NASTY = st.sampled_from(
    ["\x00", "\ud7ff", "'; --", "%00", "%s", "{}", "[[SLOT]]", "[[FORM_TOKEN]]", "<script>", "\u202e", "0" * 5000, "NaN", "-1", " "]
)
TEXT = st.one_of(st.text(max_size=60), NASTY, st.sampled_from(["code", "openid", "none", "S256", "login", "da", "high", "query"]))
BYTES = st.binary(max_size=80)


def sound(answer: httpx.Response) -> None:
    assert answer.status_code < 500, (answer.status_code, str(answer.request.url), answer.text)
    assert answer.headers["Trace-Id"]
    location = answer.headers.get("Location", "")
    assert location == "" or location.startswith(("/t/", "https://netbank.fjordbank.example/callback?"))


@EXAMPLES
@given(changes=st.dictionaries(NAMES, st.one_of(st.none(), TEXT), max_size=5), post=st.booleans())
def test_authorize(changes: dict[str, str | None], post: bool, party: RelyingParty, visitor: Browser) -> None:
    url = party.ask(**changes).url
    address, _, query = url.partition("?")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = visitor.http.post(address, content=query, headers=headers) if post else visitor.get(url)
    sound(answer)
    if "/login/" in answer.headers.get("Location", ""):
        sound(visitor.get(answer.headers["Location"]))
    visitor.http.cookies.clear()


@EXAMPLES
@given(query=BYTES)
def test_authorize_with_any_bytes(query: bytes, party: RelyingParty, visitor: Browser) -> None:
    for more in (
        b"",
        b"client_id=" + party.client_id.encode() + b"&redirect_uri=" + quote(party.redirect_uri, safe="").encode() + b"&state=",
    ):
        sound(visitor.get(f"{party.issuer}/authorize?{quote(more + query, safe='&=%')}"))


@EXAMPLES
@given(
    body=st.lists(st.tuples(st.one_of(NAMES, TEXT), TEXT), max_size=5),
    credentials=st.one_of(st.none(), st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40)),
)
def test_token(body: list[tuple[str, str]], credentials: str | None, party: RelyingParty, visitor: Browser) -> None:
    pairs = [("grant_type", "authorization_code"), ("code", "x"), ("client_id", party.client_id), *body]
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"Authorization": f"Basic {credentials}"} if credentials else {})
    answer = visitor.http.post(f"{party.issuer}/token", content=urlencode(pairs, errors="replace"), headers=headers)
    sound(answer)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]


@EXAMPLES
@given(token=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60), form=TEXT)
def test_userinfo(token: str, form: str, party: RelyingParty, visitor: Browser) -> None:
    for answer in (
        visitor.http.get(f"{party.issuer}/userinfo", headers={"Authorization": f"Bearer {token}".strip()}),
        visitor.http.post(f"{party.issuer}/userinfo", data={"access_token": form}),
    ):
        sound(answer)
        assert answer.status_code in (400, 401)
        assert answer.json()["error"]


@EXAMPLES
@given(
    fields=st.dictionaries(st.one_of(st.sampled_from(["user_id", "authenticator", "method", "again", "answer"]), TEXT), TEXT, max_size=4),
    language=TEXT,
)
def test_steps_of_the_box(fields: dict[str, str], language: str, party: RelyingParty, visitor: Browser, opened: httpx.Response) -> None:
    form = forms(opened)[0]
    answer = visitor.post(f"{form.action.partition('?')[0]}?{urlencode({'language': language})}", fields | form.fields)
    sound(answer)
    for marker in ("[[SLOT]]", "<script>", "[[FORM_TOKEN]]"):
        assert marker not in answer.text
    sound(visitor.get(f"{opened.url}?{urlencode({'language': language})}"))
    sound(visitor.get(f"{opened.url}/return?{urlencode({'code': language})}"))


@pytest.fixture
def opened(party: RelyingParty, visitor: Browser, books: Books) -> httpx.Response:
    """A box of a person who never acts: whatever is typed into it, the core was asked once."""
    return visitor.open(party.ask())


@EXAMPLES
@given(path=st.text(max_size=40), cookie=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60))
def test_any_address_and_any_cookie(path: str, cookie: str, party: RelyingParty, visitor: Browser) -> None:
    headers = {"Cookie": cookie.strip()}
    sound(visitor.http.get(f"{party.issuer}/{quote(path, safe='/')}", headers=headers))
    sound(visitor.http.get(f"{party.issuer}/login/{'x' * 22}", headers={"Cookie": f"login-{'x' * 22}={cookie.strip()}"}))
    sound(visitor.http.get(f"{visitor.base_url}/t/{quote(path, safe='')}"))
    sound(visitor.http.get(f"{party.issuer}/simulator/phone", params={"user_id": path}))


def test_a_value_cannot_become_a_part_of_the_page(party: RelyingParty, visitor: Browser) -> None:
    page = visitor.submit(visitor.open(party.ask()), user_id='"><script>alert(1)</script>[[SLOT]][[FORM_TOKEN]]')
    assert page.status_code == 200
    assert "<script>" not in page.text


def test_a_query_that_is_too_long_to_read_is_refused_like_any_other(party: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(f"{party.issuer}/authorize?" + "&".join(f"a{n}=1" for n in range(1_500)))
    assert answer.status_code == 400
    assert answer.headers["Content-Security-Policy"]
    assert answer.headers["Trace-Id"]


@EXAMPLES
@given(changes=st.dictionaries(NAMES, st.one_of(st.none(), TEXT), max_size=5), assertion=st.one_of(st.none(), TEXT))
def test_par(changes: dict[str, str | None], assertion: str | None, party: RelyingParty, visitor: Browser) -> None:
    body = party.ask(**changes).url.partition("?")[2] + (f"&{urlencode({'client_assertion': assertion})}" if assertion else "")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    sound(visitor.http.post(party.issuer + "/par", content=body, headers=headers, auth=(party.client_id, party.client_secret or "")))
