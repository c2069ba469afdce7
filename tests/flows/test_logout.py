"""Logging out: who may end a session, and what ends with it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty

Visitors = Callable[..., Browser]
BACK = "https://netbank.fjordbank.example/goodbye"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def bank(fjordbank: House) -> RelyingParty:
    return fjordbank.client(post_logout_redirect_uris=(BACK, BACK + "?from=here"))


@pytest.fixture
def visitor(new_visitor: Visitors) -> Browser:
    visitor = new_visitor()
    visitor.remembers = True
    return visitor


def logged_in(party: RelyingParty, visitor: Browser, **asked: str | None) -> dict[str, Any]:
    """The tokens of a login, whoever or whatever answered it."""
    request = party.ask(**asked)
    answer = visitor.get(request.url)
    if "/login/" in answer.headers["Location"]:
        location = visitor.finish(visitor.submit(visitor.get(answer.headers["Location"]), user_id="auto-approve"))
    else:
        location = answer.headers["Location"]
    return party.redeem(request, location)


def has_session(party: RelyingParty, visitor: Browser) -> bool:
    return "code=" in visitor.get(party.ask(prompt="none").url).headers["Location"]


def log_out(party: RelyingParty, visitor: Browser, **parameters: str) -> httpx.Response:
    return visitor.get(f"{party.issuer}/logout?{urlencode(parameters, quote_via=quote)}")


def is_question(answer: httpx.Response) -> bool:
    """Our own page that asks, and never a redirect."""
    assert "Location" not in answer.headers
    assert answer.status_code == 200, answer.text
    return "Do you want to log out?" in answer.text


def part(token: str, index: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[index] + "=="))
    return found


def encoded(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_client_that_shows_its_id_token_logs_the_person_out(method: str, bank: RelyingParty, visitor: Browser) -> None:
    tokens = logged_in(bank, visitor)
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BACK, "state": "a b&c=d/æ"}
    answer = log_out(bank, visitor, **asked) if method == "get" else visitor.post(bank.issuer + "/logout", asked)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{BACK}?state=a%20b%26c%3Dd%2F%C3%A6"
    assert not has_session(bank, visitor)


def test_the_relying_party_s_own_post_needs_no_cookie(bank: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    tokens = logged_in(bank, visitor)
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BACK + "?from=here", "client_id": bank.client_id}
    assert new_visitor().post(bank.issuer + "/logout", asked).headers["Location"] == BACK + "?from=here"
    assert not has_session(bank, visitor)


def test_a_hint_without_an_address_ends_the_session_and_stays_with_us(bank: RelyingParty, visitor: Browser) -> None:
    tokens = logged_in(bank, visitor)
    answer = log_out(bank, visitor, id_token_hint=tokens["id_token"])
    assert not is_question(answer)
    assert "You are logged out" in answer.text
    assert not has_session(bank, visitor)


def test_an_id_token_that_has_expired_is_still_a_hint(bank: RelyingParty, visitor: Browser, committed: None) -> None:
    tokens = logged_in(bank, visitor)
    claims = part(tokens["id_token"], 1)
    old = signed_by_us(bank, claims | {"iat": 1, "exp": 2, "auth_time": 1})
    assert log_out(bank, visitor, id_token_hint=old, post_logout_redirect_uri=BACK).headers["Location"] == BACK
    assert not has_session(bank, visitor)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"post_logout_redirect_uri": BACK},
        {"post_logout_redirect_uri": BACK, "client_id": "CLIENT"},
        {"id_token_hint": "x", "post_logout_redirect_uri": BACK},
        {"id_token_hint": "a.b.c", "post_logout_redirect_uri": BACK},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.e30.", "post_logout_redirect_uri": BACK},
        {"id_token_hint": "x" * 20_000, "post_logout_redirect_uri": BACK},
        {"logout_hint": "somebody", "state": "s", "ui_locales": "da"},
    ],
)
def test_35_without_a_valid_hint_we_ask_and_never_redirect(parameters: dict[str, str], bank: RelyingParty, visitor: Browser) -> None:
    logged_in(bank, visitor)
    sent = {name: value.replace("CLIENT", bank.client_id) for name, value in parameters.items()}
    assert is_question(log_out(bank, visitor, **sent))
    assert is_question(visitor.post(bank.issuer + "/logout", sent))
    assert has_session(bank, visitor)


WRONG_ADDRESSES = [
    *(BACK + more for more in ("/", "?", "?x=y", "#x", "%2f", "/../goodbye", " ", "?from=there")),
    *(BACK.upper(), BACK.replace("https", "http"), BACK.replace("netbank.", ""), "https://evil.example/", "//evil.example", "javascript:x"),
]


@pytest.mark.parametrize("uri", WRONG_ADDRESSES)
def test_36_an_address_that_is_not_registered_is_refused(uri: str, bank: RelyingParty, visitor: Browser) -> None:
    tokens = logged_in(bank, visitor)
    assert is_question(log_out(bank, visitor, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri))
    assert has_session(bank, visitor)


def signed_by_us(party: RelyingParty, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    from authflows import configuration, keys

    issuer = configuration.find(*party.issuer.removeprefix("http://").replace("/t/", " /t/").split())
    assert issuer is not None
    return keys.sign(keys.signer(issuer.keys, "ES256"), claims, alg="ES256", typ=typ)


def modified(token: str, claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None, signature: str | None = None) -> str:
    parts = token.split(".")
    parts[0] = encoded(part(token, 0) | header) if header else parts[0]
    parts[1] = encoded(part(token, 1) | claims) if claims else parts[1]
    parts[2] = parts[2] if signature is None else signature
    return ".".join(parts)


def forgeries(party: RelyingParty, token: str) -> dict[str, str]:
    stranger = ECKey.generate_key("P-256", private=True)
    jwk = stranger.as_dict(private=False)
    claims = json.dumps(part(token, 1))
    return {
        "another person": modified(token, {"sub": "somebody"}),
        "another session": modified(token, {"sid": "x"}),
        "a changed signature": modified(token, signature=token.split(".")[2][:-4] + "AAAA"),
        "no signature": modified(token, header={"alg": "none"}, signature=""),
        "a symmetric one": jws.serialize_compact({"alg": "HS256", "typ": "JWT"}, claims, _octets(party), algorithms=["HS256"]),
        "a key that it brings": jws.serialize_compact({"alg": "ES256", "jwk": jwk}, claims, stranger, algorithms=["ES256"]),
        "our kid, another's key": jws.serialize_compact(
            {"alg": "ES256", "kid": part(token, 0)["kid"]}, claims, stranger, algorithms=["ES256"]
        ),
        "a token of another kind": signed_by_us(party, part(token, 1), typ="at+jwt"),
        "a logout token": signed_by_us(party, part(token, 1) | {"events": {EVENT: {}}}, typ="logout+jwt"),
        "another issuer": signed_by_us(party, part(token, 1) | {"iss": party.issuer + "/"}),
        "no audience": signed_by_us(party, part(token, 1) | {"aud": None}),
        "audiences": signed_by_us(party, part(token, 1) | {"aud": [party.client_id]}),
        "an unknown audience": signed_by_us(party, part(token, 1) | {"aud": "nobody"}),
        "no sid": signed_by_us(party, {name: value for name, value in part(token, 1).items() if name != "sid"}),
    }


def _octets(party: RelyingParty) -> Any:
    from joserfc.jwk import OctKey

    return OctKey.import_key((party.client_secret or "") * 2)


def test_37_a_modified_hint_is_refused(bank: RelyingParty, visitor: Browser, committed: None) -> None:
    token = logged_in(bank, visitor)["id_token"]
    for what, forged in forgeries(bank, token).items():
        assert is_question(log_out(bank, visitor, id_token_hint=forged, post_logout_redirect_uri=BACK)), what
    assert is_question(log_out(bank, visitor, id_token_hint=token, post_logout_redirect_uri=BACK, client_id="another"))
    assert has_session(bank, visitor)


def test_a_hint_of_another_client_or_house_opens_nothing(
    bank: RelyingParty, fjordbank: House, havneby: House, visitor: Browser, new_visitor: Visitors
) -> None:
    logged_in(bank, visitor)
    for party in (havneby.client(), fjordbank.client("production")):
        foreign = logged_in(party, new_visitor())["id_token"]
        assert is_question(log_out(bank, visitor, id_token_hint=foreign, post_logout_redirect_uri=BACK))
    other = logged_in(fjordbank.client(), new_visitor())["id_token"]
    assert is_question(log_out(bank, visitor, id_token_hint=other, post_logout_redirect_uri=BACK))
    assert has_session(bank, visitor)


def test_a_repeated_parameter_is_refused(bank: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(f"{bank.issuer}/logout?state=a&state=b")
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("language", "asks", "says"), [("en", "Do you want to log out?", "You are logged out"), ("da", "Vil du logge af?", "Du er logget af")]
)
def test_the_person_says_yes_on_our_page(
    language: str, asks: str, says: str, bank: RelyingParty, fjordbank: House, new_visitor: Visitors
) -> None:
    visitor, other = new_visitor(language), fjordbank.client()
    logged_in(bank, visitor)
    logged_in(other, visitor)
    page = log_out(bank, visitor)
    assert asks in page.text
    assert f'lang="{language}"' in page.text
    answer = visitor.submit(page, "logout")
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert says in answer.text
    assert not has_session(bank, visitor)
    assert not has_session(other, visitor)
    assert not any(name.startswith("session-") for name in visitor.cookies)


def test_nobody_else_can_say_yes(bank: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    logged_in(bank, visitor)
    stranger = new_visitor()
    token = next(iter(forms_of(log_out(bank, stranger))))
    assert visitor.post(bank.issuer + "/logout", {"form_token": token}).status_code == 403
    log_out(bank, visitor)
    assert visitor.post(bank.issuer + "/logout", {"form_token": token}).status_code == 403
    assert visitor.post(bank.issuer + "/logout", {"form_token": "x"}).status_code == 403
    assert has_session(bank, visitor)


def forms_of(page: httpx.Response) -> Iterator[str]:
    from tests.doubles.browser import forms

    yield from (form.fields["form_token"] for form in forms(page) if "form_token" in form.fields)


def test_a_browser_that_looks_ahead_logs_nobody_out(bank: RelyingParty, visitor: Browser) -> None:
    token = logged_in(bank, visitor)["id_token"]
    assert visitor.get(f"{bank.issuer}/logout?id_token_hint={token}", Sec_Purpose="prefetch").status_code == 503
    assert has_session(bank, visitor)


def test_logging_out_of_a_group_logs_out_of_all_its_members(fjordbank: House, visitor: Browser) -> None:
    bank, loans = (fjordbank.client(sso_group="leaving", post_logout_redirect_uris=(BACK,)) for _ in range(2))
    alone = fjordbank.client()
    token = logged_in(bank, visitor)["id_token"]
    logged_in(loans, visitor)
    logged_in(alone, visitor)
    log_out(bank, visitor, id_token_hint=token, post_logout_redirect_uri=BACK)
    assert not has_session(loans, visitor)
    assert has_session(alone, visitor)


def test_what_was_given_in_the_session_ends_with_it(bank: RelyingParty, visitor: Browser) -> None:
    tokens = logged_in(bank, visitor)
    later = bank.ask(prompt="none")
    code = bank.told(later, visitor.get(later.url).headers["Location"])["code"]
    assert bank.userinfo(tokens["access_token"]).status_code == 200
    log_out(bank, visitor, id_token_hint=tokens["id_token"])
    assert bank.userinfo(tokens["access_token"]).status_code == 401
    assert bank.token(later, code).json()["error"] == "invalid_grant"


def test_logging_out_twice_is_not_an_error(bank: RelyingParty, visitor: Browser) -> None:
    token = logged_in(bank, visitor)["id_token"]
    for _ in range(2):
        assert log_out(bank, visitor, id_token_hint=token, post_logout_redirect_uri=BACK).headers["Location"] == BACK


def test_somebody_else_s_session_in_the_same_browser_stays(bank: RelyingParty, visitor: Browser) -> None:
    first = logged_in(bank, visitor)["id_token"]
    asked = bank.ask(prompt="login", acr_values="low")
    visitor.login(asked, "auto-approve-low")
    assert log_out(bank, visitor, id_token_hint=first, post_logout_redirect_uri=BACK).headers["Location"] == BACK
    assert "code=" in visitor.get(bank.ask(prompt="none", acr_values="low").url).headers["Location"]


@given(st.dictionaries(st.sampled_from(["id_token_hint", "post_logout_redirect_uri", "state", "client_id", "form_token", "x"]), st.text()))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_sent_breaks_it(bank: RelyingParty, visitor: Browser, sent: dict[str, str]) -> None:
    query = urlencode(sent, quote_via=quote, errors="surrogatepass")
    for answer in (
        visitor.get(f"{bank.issuer}/logout?{query}"),
        visitor.http.post(bank.issuer + "/logout", content=query, headers={"Content-Type": "application/x-www-form-urlencoded"}),
    ):
        assert answer.status_code < 500
        assert "Location" not in answer.headers
