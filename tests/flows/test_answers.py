"""What every answer carries, whatever was asked; and what an issuer says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from httpx import Response

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
EVERYWHERE = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "unsafe-none",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def every_answer(party: RelyingParty, visitor: Browser) -> dict[str, Response]:
    """One of each kind that an issuer gives, by name."""
    asked = party.ask()
    authorize = visitor.get(asked.url)
    box = visitor.get(authorize.headers["Location"])
    step = visitor.submit(box, user_id="auto-approve")
    return_ = visitor.get(step.headers["Location"])
    token = party.token(asked, party.told(asked, return_.headers["Location"])["code"])
    visitor.forget_sessions()
    return {
        "authorize": authorize,
        "box": box,
        "step": step,
        "return": return_,
        "token": token,
        "userinfo": party.userinfo(token.json()["access_token"]),
        "error page": visitor.get(party.ask(client_id="x").url),
        "error redirect": visitor.get(party.ask(prompt="none").url),
        "no cookie": visitor.get(party.issuer + "/login/" + "x" * 22),
        "unknown step": visitor.submit(visitor.open(party.ask()), user_id="nobody"),
        "not found": visitor.get(party.issuer + "/nothing"),
        "no tenant": visitor.http.get(visitor.base_url + "/t/nobody/authorize"),
        "wrong method": visitor.http.put(party.issuer + "/token"),
        "token error": visitor.http.post(party.issuer + "/token", data={"grant_type": "x"}),
        "userinfo error": visitor.get(party.issuer + "/userinfo"),
        "phone": visitor.get(party.issuer + "/simulator/phone?user_id=freja"),
        "prefetch": visitor.get(party.ask().url, Sec_Purpose="prefetch"),
    }


def test_every_answer_is_protected_and_can_be_traced(party: RelyingParty, visitor: Browser) -> None:
    traces = set()
    for name, answer in every_answer(party, visitor).items():
        assert answer.status_code != 307, name
        assert answer.status_code < 500 or name == "prefetch", name
        assert {header: answer.headers.get(header) for header in EVERYWHERE} == EVERYWHERE, name
        assert answer.headers["Cache-Control"] == "no-store", name
        assert "Access-Control-Allow-Origin" not in answer.headers, name
        traces.add(answer.headers["Trace-Id"])
    assert len(traces) == 17


def test_every_page_has_the_one_policy_and_nothing_inline(party: RelyingParty, visitor: Browser) -> None:
    """Without form-action: Chromium applies it to the redirect chain that ends at the relying party."""
    pages = {
        name: answer
        for name, answer in every_answer(party, visitor).items()
        if answer.headers.get("Content-Type", "").startswith("text/html")
    }
    assert {"box", "error page", "no cookie", "not found", "phone", "unknown step"} <= set(pages)
    for name, page in pages.items():
        if not page.text:
            continue
        directives = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
        assert directives == POLICY, name
        assert page.text.startswith("<!doctype html>"), name
        assert " style=" not in page.text, name
        assert "<script>" not in page.text, name
        assert not re.search(r"<[^>]*\son[a-z]+=", page.text), name
        assert "http://" not in page.text.replace(party.issuer, ""), name


def test_login_cookies_are_for_this_issuer_only_and_out_of_reach_of_scripts(party: RelyingParty, visitor: Browser) -> None:
    answers = every_answer(party, visitor)
    for name in ("authorize", "return"):
        (cookie,) = [each for each in answers[name].headers.get_list("Set-Cookie") if each.startswith("login-")]
        handle = answers["authorize"].headers["Location"].rpartition("/")[2]
        assert cookie.startswith(f"login-{handle}=")
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", f"path={urlsplit(party.issuer).path}".lower()} <= attributes
    assert [name for name, answer in answers.items() if "Set-Cookie" in answer.headers] == ["authorize", "return"]


def test_the_simulator_says_what_it_is_wherever_it_stands_in(party: RelyingParty, visitor: Browser) -> None:
    answers = every_answer(party, visitor)
    for name in ("box", "unknown step", "phone", "error page"):
        assert answers[name].headers["X-Broker-Simulator"] == "1", name
    assert "not MitID" in answers["box"].text


def test_the_issuer_describes_itself_as_agreed(party: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(party.issuer + "/.well-known/openid-configuration")
    told = json.loads(answer.text.replace(party.issuer, "https://issuer.example"))
    assert told == json.loads((GOLDEN / "discovery.json").read_text())
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_what_the_issuer_names_is_there(party: RelyingParty, visitor: Browser) -> None:
    told = visitor.get(party.issuer + "/.well-known/openid-configuration").json()
    assert visitor.http.post(told["token_endpoint"], data={"a": "b"}).status_code == 401
    assert visitor.get(told["userinfo_endpoint"]).status_code == 401
    assert visitor.get(told["authorization_endpoint"]).status_code == 400
    assert visitor.get(told["jwks_uri"]).status_code == 200


def test_published_keys_hold_nothing_private(party: RelyingParty, visitor: Browser) -> None:
    answer = visitor.get(party.issuer + "/jwks")
    keys = answer.json()["keys"]
    assert {(key["kty"], key.get("alg"), key["use"]) for key in keys} == {
        ("EC", "ES256", "sig"),
        ("RSA", None, "sig"),
        ("RSA", "RSA-OAEP-256", "enc"),
    }
    for key in keys:
        assert set(key) <= {"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"}


def test_a_new_key_is_published_by_every_process_at_once(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client("production")
    address = party.issuer + "/jwks"
    for _ in range(6):
        visitor.get(address)
    with fjordbank.blocker.unblock():
        from authflows import configuration, keys
        from authflows.models import KeyState
        from tenants.isolation import tenant_scope

        with tenant_scope(fjordbank.id):
            key = keys.create(fjordbank.id, party.environment_id, "ES256", state=KeyState.NEXT)
            configuration.changed(fjordbank.id, party.environment_id)
    for _ in range(12):
        assert key.kid in {key["kid"] for key in visitor.get(address).json()["keys"]}


def test_what_a_page_needs_is_served_and_may_be_kept(party: RelyingParty, visitor: Browser) -> None:
    page = visitor.open(party.ask())
    wanted = [part.split('"')[0] for part in page.text.split('href="')[1:] if "/static/" in part[:60] or "/theme/" in part[:100]]
    assert len(wanted) >= 5
    for address in wanted:
        answer = visitor.get(urljoin("/", address.partition("#")[0]))
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"], address


def test_a_page_with_a_trace_id_leads_to_what_its_code_means(party: RelyingParty, visitor: Browser) -> None:
    page = visitor.get(party.ask(client_id="nobody").url)
    (link,) = re.findall(r'href="([^"]+/errors#[a-z_]+)"', page.text)
    guide = visitor.get(link)
    assert guide.status_code == 200
    assert f'id="{link.partition("#")[2]}"' in guide.text
    assert guide.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]
    assert guide.headers["Trace-Id"]
