"""What relying parties get wrong, and what others send in their name: each mistake is answered in the one right place."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from httpx import Response

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
REGISTERED = "https://netbank.fjordbank.example/callback"


def shown_on_our_page(answer: Response, code: str, status: int = 400) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert f"<code>{code}</code>" in answer.text
    assert answer.headers["Trace-Id"] in answer.text


def logins(books: Books, party: RelyingParty) -> int:
    return int(books.one("SELECT count(*) FROM authflows_login WHERE relying_party_id = %s", party.relying_party_id))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": None}, "client_id_missing"),
        ({"client_id": ""}, "client_id_missing"),
        ({"client_id": "nobody"}, "unknown_client"),
        ({"client_id": "nobody\x00"}, "unknown_client"),
        ({"redirect_uri": None}, "redirect_uri_missing"),
        ({"redirect_uri": ""}, "redirect_uri_missing"),
    ],
)
def test_until_client_and_address_are_proven_nothing_is_redirected(
    change: dict[str, str | None], code: str, party: RelyingParty, visitor: Browser, books: Books
) -> None:
    shown_on_our_page(visitor.get(party.ask(**change).url), code)
    assert logins(books, party) == 0


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_an_address_or_client_named_twice_is_not_redirected(name: str, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask()
    again = {"client_id": party.client_id, "redirect_uri": REGISTERED}[name]
    shown_on_our_page(visitor.get(f"{asked.url}&{name}={quote(again)}"), "repeated_parameter")


# What the relying party is told once it is known: a change to its request, and the error.
MISTAKES: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "id_token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"response_mode": "fragment.jwt"}, "invalid_request"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "profile"}, "invalid_scope"),
    ({"scope": "openid admin:everything"}, "invalid_scope"),
    ({"scope": "openid " + "x" * 1100}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "too-short"}, "invalid_request"),
    ({"code_challenge": "æ" * 43}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"prompt": "none"}, "login_required"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "none consent_revoke"}, "invalid_request"),
    ({"acr_values": "x" * 1025}, "invalid_request"),
    ({"ui_locales": "x" * 256}, "invalid_request"),
    ({"login_hint": "x" * 2049}, "invalid_request"),
    ({"login_hint": "sub:610190-0000"}, "invalid_request"),
    ({"login_hint": "6101900000"}, "invalid_request"),
    ({"claims": "{"}, "invalid_request"),
    ({"claims": "[]"}, "invalid_request"),
    ({"claims": '{"id_token": {"name": 1}}'}, "invalid_request"),
    ({"claims": '{"id_token": {"acr": {"essential": true, "values": ["urn:unheard-of"]}}}'}, "unmet_authentication_requirements"),
    ({"prompt": "create"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"max_age": "١"}, "invalid_request"),
    ({"request": "eyJhbGciOiJub25lIn0.e30."}, "invalid_request_object"),
    ({"request_uri": "https://attacker.example/request"}, "request_uri_not_supported"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"nonce": "a\x00b"}, "invalid_request"),
    ({"nonce": "x" * 1025}, "invalid_request"),
    ({"unheard_of": "a\x00b"}, "invalid_request"),
]


@pytest.mark.parametrize(("change", "error"), MISTAKES)
def test_a_mistake_of_a_known_client_is_told_to_it(
    change: dict[str, str | None], error: str, party: RelyingParty, visitor: Browser, books: Books
) -> None:
    asked = party.ask(**change)
    answer = visitor.get(asked.url)
    assert answer.status_code == 303
    told = party.told(asked, answer.headers["Location"])
    assert told["error"] == error
    assert told["error_description"]
    assert "Set-Cookie" not in answer.headers
    assert logins(books, party) == 0


@pytest.mark.parametrize("name", ["scope", "state", "nonce", "code_challenge", "prompt", "unheard_of"])
def test_a_parameter_sent_twice_is_refused(name: str, party: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(f"{party.ask(unheard_of='1').url}&{name}=1")
    assert answer.status_code == 303
    assert "error=invalid_request" in answer.headers["Location"]


STATES = [
    "plain",
    "a b+c%20d",
    "&error=x&code=y",
    "#fragment?query=1",
    "æøå 日本語 \U0001f511",
    "\"quotes\" 'and' <b>tags</b>",
    "line\r\nbreak: header",
    "=;,/:@[]{}|\\^`~",
    "x" * 4096,
]


@pytest.mark.parametrize("state", STATES)
def test_state_comes_back_as_it_was(state: str, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(state=state)
    assert party.told(asked, visitor.login(asked))["state"] == state
    visitor.forget_sessions()
    refused = party.ask(state=state, prompt="none")
    assert party.told(refused, visitor.get(refused.url).headers["Location"])["error"] == "login_required"


def test_no_state_is_no_state(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(state=None)
    assert set(party.told(asked, visitor.login(asked))) == {"code", "iss"}


def test_a_state_too_long_is_refused_and_not_cut(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(state="x" * 4097)
    assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "invalid_request"


def test_an_address_with_a_query_of_its_own_keeps_it(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(redirect_uris=("https://app.fjordbank.example/back?to=a%2Fb&x=",))
    location = visitor.login(party.ask())
    assert location.startswith("https://app.fjordbank.example/back?to=a%2Fb&x=&code=")


def test_a_client_registered_twice_answers_at_both_addresses(fjordbank: House, visitor: Browser) -> None:
    uris = (REGISTERED, "https://app.fjordbank.example/back", "http://localhost:9000/back")
    party = fjordbank.client(redirect_uris=uris)
    for uri in uris:
        asked = party.ask(redirect_uri=uri)
        assert "code" in party.told(asked, visitor.login(asked))


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        ("http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://127.0.0.1:51004/other", False),
        ("http://127.0.0.1:51004/cb?a=b", False),
        ("http://127.0.0.1:port/cb", False),
        ("http://user@127.0.0.1:51004/cb", False),
        ("http://localhost:51004/cb", False),
        ("http://127.0.0.2:51004/cb", False),
        ("https://127.0.0.1:51004/cb", False),
    ],
)
def test_a_native_app_listens_on_any_port_of_loopback(uri: str, accepted: bool, fjordbank: House, visitor: Browser) -> None:
    """RFC 8252 section 7.3."""
    party = fjordbank.client(redirect_uris=("http://127.0.0.1:1/cb",), auth_method="none", application_type="native")
    asked = party.ask(redirect_uri=uri)
    answer = visitor.get(asked.url)
    assert answer.status_code == (303 if accepted else 400)
    if accepted:
        assert "code" in party.told(asked, visitor.login(asked))
    other = fjordbank.client(redirect_uris=("http://127.0.0.1:1/cb",))
    shown_on_our_page(visitor.get(other.ask(redirect_uri="http://127.0.0.1:2/cb").url), "redirect_uri_not_registered")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", "x=" + "a" * 300_000),
        ("application/x-www-form-urlencoded", "&".join(f"a{n}=1" for n in range(300))),
        ("application/x-www-form-urlencoded; charset=utf-16", "a=b"),
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; boundary=b", "--b\r\nnot a header"),
    ],
)
def test_a_body_that_no_browser_sends_is_refused(content_type: str, body: str, party: RelyingParty, visitor: Browser) -> None:
    for address in (f"{party.issuer}/authorize", f"{party.issuer}/token", f"{party.issuer}/userinfo"):
        answer = visitor.http.post(address, content=body, headers={"Content-Type": content_type})
        assert answer.status_code in (400, 401), (address, answer.text)
        assert "Location" not in answer.headers


def test_the_authorization_endpoint_belongs_to_no_script(party: RelyingParty, visitor: Browser) -> None:
    """RFC 9700 section 2.6."""
    for answer in (
        visitor.get(party.ask().url, Origin="https://attacker.example"),
        visitor.get(party.ask(client_id="x").url, Origin="null"),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert visitor.http.options(party.ask().url).status_code == 405


def test_the_owners_of_a_client_see_what_was_refused_and_the_person_does_not(party: RelyingParty, visitor: Browser, books: Books) -> None:
    sent = REGISTERED.replace("/callback", "/Callback") + "?session=secret"
    answers = [visitor.get(party.ask(redirect_uri=sent).url) for _ in range(2)]
    for answer in answers:
        shown_on_our_page(answer, "redirect_uri_not_registered")
        assert "allback" not in answer.text
    rows = books.rows(
        "SELECT registered, same, rest, trace_id, times FROM authflows_refusedredirect WHERE relying_party_id = %s", party.relying_party_id
    )
    assert rows == [(REGISTERED, REGISTERED.index("callback"), "Callback?session=…", answers[0].headers["Trace-Id"], 1)]
    books.execute(
        "UPDATE authflows_refusedredirect SET last_at = last_at - interval '1 minute' WHERE relying_party_id = %s", party.relying_party_id
    )
    again = visitor.get(party.ask(redirect_uri=sent).url)
    rows = books.rows("SELECT trace_id, times FROM authflows_refusedredirect WHERE relying_party_id = %s", party.relying_party_id)
    assert rows == [(again.headers["Trace-Id"], 2)]


def test_a_new_address_counts_at_once_in_every_process(fjordbank: House, party: RelyingParty, visitor: Browser) -> None:
    from authflows import registration

    added = "https://app.fjordbank.example/back"
    for _ in range(6):
        shown_on_our_page(visitor.get(party.ask(redirect_uri=added).url), "redirect_uri_not_registered")
    with fjordbank.blocker.unblock():
        registration.replace_redirect_uris(fjordbank.id, fjordbank.opened.test, party.relying_party_id, (REGISTERED, added), actor="owner")
    for _ in range(6):
        assert "/login/" in visitor.get(party.ask(redirect_uri=added).url).headers["Location"]


def test_refused_addresses_fill_no_table(party: RelyingParty, visitor: Browser, books: Books) -> None:
    for n in range(60):
        visitor.get(party.ask(redirect_uri=f"https://attacker.example/{n}").url)
    assert books.one("SELECT count(*) FROM authflows_refusedredirect WHERE relying_party_id = %s", party.relying_party_id) <= 20
