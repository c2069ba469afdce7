"""Two ways in, the server's own and Django's handler: they answer alike, whatever is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest

from authflows import configuration
from authflows.front import Front
from tests.doubles.browser import Browser, forms
from tests.doubles.relying_party import RelyingParty
from tests.harness.server import Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}
UPLOAD = b'--x\r\nContent-Disposition: form-data; name="form_token"; filename="a"\r\n\r\n' + b"a" * 300_000 + b"\r\n--x--\r\n"
# Method, address below the issuer's, headers, body.
REQUESTS: dict[str, tuple[str, str, dict[str, str], bytes]] = {
    "discovery": ("GET", "/.well-known/openid-configuration", {}, b""),
    "discovery, head": ("HEAD", "/.well-known/openid-configuration", {}, b""),
    "keys": ("GET", "/jwks", {}, b""),
    "keys, posted to": ("POST", "/jwks", FORM, b"a=1"),
    "another method": ("DELETE", "/authorize", {}, b""),
    "a method that nobody knows": ("BREW", "/login/" + "x" * 22, {}, b""),
    "authorize without a client": ("GET", "/authorize", {}, b""),
    "authorize, head": ("HEAD", "/authorize?client_id=x", {}, b""),
    "authorize, looked ahead": ("GET", "/authorize", {"Sec-Purpose": "prefetch"}, b""),
    "authorize in English": ("GET", "/authorize?client_id=x&language=en", {}, b""),
    "authorize by post": ("POST", "/authorize", FORM, b"client_id=%00&redirect_uri=x"),
    "a query that is too long": ("GET", "/authorize?" + "&".join(f"a{n}=1" for n in range(1_500)), {}, b""),
    "no such address": ("GET", "/nothing", {}, b""),
    "the issuer's own address": ("GET", "", {}, b""),
    "a login of somebody else": ("GET", "/login/" + "x" * 22, {"Cookie": f"login-{'x' * 22}=1.x"}, b""),
    "a step without a cookie": ("POST", f"/login/{'x' * 22}/box", FORM, b"user_id=freja"),
    "an oversized form": ("POST", f"/login/{'x' * 22}/box", FORM | {"Cookie": f"login-{'x' * 22}=1.x"}, b"user_id=" + b"a" * 300_000),
    "an oversized token request": ("POST", "/token", FORM, b"code=" + b"a" * 300_000),
    "an upload": ("POST", f"/login/{'x' * 22}/cancel", MULTIPART | {"Cookie": f"login-{'x' * 22}=1.x"}, UPLOAD),
    "half an upload": ("POST", "/userinfo", MULTIPART, b"--x\r\nContent-Disp"),
    "token without credentials": ("POST", "/token", FORM, b"grant_type=authorization_code"),
    "token as JSON": ("POST", "/token", {"Content-Type": "application/json"}, b"{}"),
    "userinfo without a token": ("GET", "/userinfo", {}, b""),
    "userinfo with a wrong token": ("GET", "/userinfo", {"Authorization": "Bearer x"}, b""),
    "a phone": ("GET", "/simulator/phone?user_id=freja", {}, b""),
    "a theme that is not": ("GET", f"/theme/{'0' * 64}.css", {}, b""),
    "a form in a codec that is none of text": ("POST", "/userinfo", {"Content-Type": FORM["Content-Type"] + "; charset=rot13"}, b"a=1"),
    "a form in Latin 1": ("POST", "/token", {"Content-Type": FORM["Content-Type"] + "; charset=iso-8859-1"}, b"code=%E6"),
}
ELSEWHERE = ["/static/loginbox/waiting.js", "/static/nothing", "/healthz", "/nowhere", "/æøå", "/t", "/t/nobody/jwks"]


@pytest.fixture(scope="module")
def django() -> WSGIHandler:
    return get_wsgi_application()


@pytest.fixture
def ways(committed: None, server: Server, django: WSGIHandler) -> Iterator[tuple[Browser, Browser]]:
    with (
        Browser(server.base_url, transport=httpx.WSGITransport(app=Front(django))) as front,
        Browser(server.base_url, transport=httpx.WSGITransport(app=django)) as handler,
    ):
        yield front, handler
    configuration.forget()


def told(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], str]:
    """Without what is new in each answer. The order of headers says nothing, their number does."""
    trace_id = answer.headers["Trace-Id"]
    headers = sorted((name.lower(), value.replace(trace_id, "…")) for name, value in answer.headers.items())
    own = ("content-length", "date", "last-modified")
    return answer.status_code, [header for header in headers if header[0] not in own], _masked(answer.text.replace(trace_id, "…"))


def _masked(text: str) -> str:
    return re.sub(r'(csrfmiddlewaretoken|form_token)" value="[^"]*"', "…", text)


@pytest.mark.parametrize("name", REQUESTS)
def test_both_answer_the_same(name: str, ways: tuple[Browser, Browser], party: RelyingParty) -> None:
    method, address, headers, body = REQUESTS[name]
    front, handler = (way.http.request(method, party.issuer + address, headers=headers, content=body) for way in ways)
    assert told(front) == told(handler)
    assert front.status_code < 500 or (name, front.status_code) == ("authorize, looked ahead", 503)
    assert re.fullmatch("[0-9a-f]{32}", front.headers["Trace-Id"])
    assert front.headers["Trace-Id"] != handler.headers["Trace-Id"]
    assert front.headers.get_list("Cache-Control") == handler.headers.get_list("Cache-Control")


@pytest.mark.parametrize("address", ELSEWHERE)
def test_what_is_not_an_issuers_is_djangos(address: str, ways: tuple[Browser, Browser], server: Server) -> None:
    front, handler = (way.http.get(server.base_url + address) for way in ways)
    assert told(front) == told(handler)


def test_a_login_begun_at_one_goes_on_at_the_other(ways: tuple[Browser, Browser], party: RelyingParty) -> None:
    front, handler = ways
    asked = party.ask()
    begun = front.get(asked.url)
    (cookie,) = begun.headers.get_list("Set-Cookie")
    assert re.fullmatch(r"login-\S{22}=\d+\.\S{43}; HttpOnly; Max-Age=\d+; Path=/t/\S+; SameSite=Lax", cookie), cookie
    handler.http.cookies = front.http.cookies
    box = handler.get(begun.headers["Location"])
    assert told(front.get(begun.headers["Location"])) == told(box)
    step = front.submit(box, user_id="auto-approve")
    ends = [way.get(step.headers["Location"]) for way in (handler, front)]
    assert ends[0].headers["Location"] == ends[1].headers["Location"]
    assert [end.headers["Set-Cookie"].strip().partition("=")[0] for end in ends] == [cookie.partition("=")[0]] * 2
    code = party.told(asked, ends[0].headers["Location"])["code"]
    assert party.token(asked, code, front.http).json()["id_token"]
    assert forms(box)


@pytest.mark.parametrize("parameter", ["a*=nope''x", "charset=base64", f"a*=idna''{'x' * 70}"])
def test_a_content_type_that_cannot_be_read_is_none(
    parameter: str, ways: tuple[Browser, Browser], party: RelyingParty, server: Server
) -> None:
    """Django's handler breaks of it, before it has a request to answer."""
    front, _ = ways
    headers = {"Content-Type": f"{FORM['Content-Type']}; {parameter}"}
    assert front.http.post(party.issuer + "/token?a=1", headers=headers, content=b"a=1").status_code == 400
    assert front.http.get(party.issuer + "/authorize?client_id=x", headers=headers).status_code == 400
    assert front.http.get(server.base_url + "/nowhere?a=1", headers=headers).status_code < 500


def test_a_query_that_is_too_long_is_refused_whatever_its_charset(ways: tuple[Browser, Browser], party: RelyingParty) -> None:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    answer = ways[0].http.get(party.issuer + REQUESTS["a query that is too long"][1], headers=headers)
    assert answer.status_code == 400


def test_whatever_breaks_is_an_answer_with_a_trace_id(
    ways: tuple[Browser, Browser], party: RelyingParty, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*asked: Any) -> Any:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(configuration, "find", broken)
    answer = ways[0].get(party.issuer + "/jwks")
    assert (answer.status_code, answer.headers["X-Frame-Options"]) == (500, "DENY")
    assert "a mistake of ours" not in answer.text
    assert answer.headers["Trace-Id"] in caplog.text


def test_what_was_uploaded_is_closed(ways: tuple[Browser, Browser], party: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    monkeypatch.setattr(HttpRequest, "close", lambda request: closed.append(request.path))
    ways[0].http.post(party.issuer + "/userinfo", files={"a": b"b"})
    assert closed == ["/t/" + party.issuer.rpartition("/t/")[2] + "/userinfo"]
