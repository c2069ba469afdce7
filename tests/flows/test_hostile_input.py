"""Whatever is sent, nothing breaks: no answer of ours is an error of the server's, and nothing is asked of the core."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from functools import cache
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House
from tests.doubles.keyholder import KeyHolder
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
        *("redirect_uri", "idp_values", "idp_params", "mitid_reference_text", "dpop_jkt", "display", "claims_locales"),
    ]
)
# Members of the claims parameter, as wrong as JSON allows.
CLAIMS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("\ud800"), st.just("\x00")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id_token", "userinfo", "acr", "sub", "name", "essential", "value", "values"]), inner, max_size=3),
    ),
    max_leaves=10,
).map(json.dumps)
NASTY = st.sampled_from(
    ["\x00", "\ud7ff", "'; --", "%00", "%s", "{}", "[[SLOT]]", "[[FORM_TOKEN]]", "<script>", "\u202e", "0" * 5000, "NaN", "-1", " "]
)
WORDS = [
    "code",
    "openid",
    "none",
    "S256",
    "login",
    "da",
    "high",
    "query",
    "form_post",
    "consent_revoke",
    "urn:ietf:params:oauth:request_uri:x",
]
TEXT = st.one_of(st.text(max_size=60), NASTY, st.sampled_from(WORDS), CLAIMS)
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


@pytest.fixture
def refreshing(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=("openid", "offline_access"))


@EXAMPLES
@given(token=TEXT, scope=TEXT, body=st.lists(st.tuples(st.one_of(NAMES, TEXT), TEXT), max_size=3))
def test_tokens_that_are_shown_again(
    token: str, scope: str, body: list[tuple[str, str]], refreshing: RelyingParty, visitor: Browser
) -> None:
    sent = {
        "/token": [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope), *body],
        "/introspect": [("token", token), ("token_type_hint", scope), *body],
        "/revoke": [("token", token), ("token_type_hint", scope), *body],
    }
    credentials = (refreshing.client_id, refreshing.client_secret or "")
    for path, pairs in sent.items():
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = visitor.http.post(refreshing.issuer + path, content=urlencode(pairs, errors="replace"), headers=headers, auth=credentials)
        sound(answer)
        if path == "/token":
            assert answer.json()["error"]
        elif answer.status_code == 200:
            assert answer.text in ("", '{"active": false}')


@EXAMPLES
@given(
    path=st.sampled_from(["/par", "/introspect", "/revoke", "/token"]),
    body=st.lists(
        st.tuples(st.one_of(NAMES, TEXT, st.sampled_from(["token", "token_type_hint", "refresh_token", "code"])), TEXT), max_size=5
    ),
    proven=st.booleans(),
    grant=st.sampled_from(["refresh_token", "authorization_code", "client_credentials", "x"]),
    dpop=st.one_of(st.none(), st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30)),
)
def test_endpoints_for_machines(
    path: str, body: list[tuple[str, str]], proven: bool, grant: str, dpop: str | None, party: RelyingParty, visitor: Browser
) -> None:
    pairs = [("grant_type", grant), ("response_type", "code"), ("redirect_uri", party.redirect_uri), *body]
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"DPoP": dpop.strip()} if dpop else {})
    auth = (party.client_id, party.client_secret or "") if proven else None
    content = urlencode(pairs, errors="replace")
    address = party.issuer + path
    answer = (
        visitor.http.post(address, content=content, headers=headers, auth=auth) if auth else visitor.http.post(address, content=content)
    )
    sound(answer)
    if answer.status_code >= 400:
        assert answer.json()["error"]


ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@EXAMPLES
@given(parts=st.lists(st.one_of(CLAIMS, TEXT), min_size=3, max_size=5), alone=st.booleans())
def test_anything_that_looks_like_a_jwt(parts: list[str], alone: bool, fjordbank: House, visitor: Browser) -> None:
    holder = hostile_holder(fjordbank)
    token = ".".join(urlsafe_b64encode(part.encode(errors="replace")).rstrip(b"=").decode() for part in parts)
    sound(visitor.get(holder.by_object(holder.party.ask(), token).url))
    sound(holder.post("/par", {"request": token, "client_id": holder.party.client_id}))
    sound(holder.post("/token", {"grant_type": "refresh_token", "refresh_token": token}, token if alone else ""))
    sound(visitor.http.get(holder.issuer + "/userinfo", headers={"Authorization": f"Bearer {token}", "DPoP": token}))


@cache
def hostile_holder(house: House) -> KeyHolder:
    return KeyHolder.at(house)


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
    sound(visitor.http.get(f"{visitor.base_url}/.well-known/oauth-authorization-server/{quote(path, safe='/')}"))
    sound(visitor.http.get(f"{party.issuer}/errors", params={"language": path}))
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


@EXAMPLES
@given(
    proof=st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), min_size=1, max_size=60),
    scheme=st.sampled_from(["DPoP", "Bearer", "dpop"]),
)
def test_any_proof(proof: str, scheme: str, party: RelyingParty, visitor: Browser) -> None:
    body = {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", "code_verifier": "x" * 43}
    pair = (party.client_id, party.client_secret or "")
    sound(visitor.http.post(party.issuer + "/token", data=body, auth=pair, headers={"DPoP": proof}))
    sound(visitor.get(party.issuer + "/userinfo", Authorization=f"{scheme} {proof}", DPoP=proof))
