"""Debian's mod_auth_openidc logs a browser in and out: nothing at that end was written with us in mind."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import BrowserContext, Page, expect

from authflows.levels import Level
from tests.doubles.apache import Apache
from tests.doubles.houses import House
from tests.doubles.keyholder import public_set
from tests.doubles.relying_party import RelyingParty
from tests.flows.conftest import fjordbank  # noqa: F401  (a fixture)
from tests.harness.browser import Watch
from tests.harness.server import Server

SECONDS_TO_BE_TOLD = 30


@pytest.fixture
def apache(server: Server) -> Iterator[Apache]:
    made = Apache()
    yield made
    made.stop()


@pytest.fixture
def page(context: BrowserContext, watch: Callable[[BrowserContext], Watch]) -> Page:
    watch(context)
    return context.new_page()


def identify(page: Page, user_id: str = "auto-approve") -> None:
    page.wait_for_selector('.sim[data-step="user_id"]')
    page.fill("#user_id", user_id)
    page.click("form.step button.go")


def until_inside(page: Page, apache: Apache) -> None:
    page.wait_for_url(f"{apache.address}/private/")
    expect(page.locator("h1")).to_have_text("Inside")


def directives(party: RelyingParty, apache: Apache, key: RSAKey | None, mode: str) -> list[str]:
    """How this client proves itself and is answered."""
    # A cookie that says Lax would not come along with a form that another site sends.
    answer = [f"OIDCResponseMode {mode}", f"OIDCCookieSameSite {'Off' if mode == 'form_post' else 'On'}"]
    if key is None:
        return [f"OIDCClientSecret {party.client_secret}", f"OIDCProviderTokenEndpointAuth {party.auth_method}", *answer]
    files = {"Private": key.as_pem(private=True), "Public": key.as_pem(private=False)}
    for name, pem in files.items():
        (apache.place / name).write_bytes(pem)
    # The keys have to be known before the method is named, and without the public one the module crashes (2.4.12).
    return [
        *(f"OIDC{name}KeyFiles {key.kid}#{apache.place / name}" for name in files),
        "OIDCProviderTokenEndpointAuth private_key_jwt",
        *answer,
    ]


@pytest.mark.parametrize(
    ("auth_method", "mode"),
    [("client_secret_basic", "query"), ("client_secret_post", "form_post"), ("private_key_jwt", "query")],
)
def test_a_person_logs_in_and_out(auth_method: str, mode: str, apache: Apache, fjordbank: House, page: Page) -> None:  # noqa: F811  (the fixture)
    goodbye = f"{apache.address}/goodbye.html"
    key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}) if auth_method == "private_key_jwt" else None
    wanted: dict[str, Any] = {"jwks": public_set(key)} if key else {}
    party = fjordbank.client(redirect_uris=(apache.callback,), post_logout_redirect_uris=(goodbye,), auth_method=auth_method, **wanted)
    apache.start(party.issuer, party.client_id, *directives(party, apache, key, mode))

    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)
    expect(page.locator("#name")).to_have_text("Agnes Automatisk")
    expect(page.locator("#acr")).to_have_text(Level.SUBSTANTIAL.uri)
    expect(page.locator("#iss")).to_have_text(party.issuer)
    expect(page.locator("#birthdate")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d$"))

    page.goto(f"{apache.address}/private/")
    until_inside(page, apache)

    with page.expect_request(lambda request: request.url.startswith(f"{party.issuer}/logout?")):
        page.goto(f"{apache.callback}?logout={goodbye}")
    expect(page.locator("h1")).to_have_text("Goodbye")
    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)


def test_a_person_who_logs_out_elsewhere_is_out_of_it_too(apache: Apache, fjordbank: House, page: Page) -> None:  # noqa: F811  (the fixture)
    goodbye = f"{apache.address}/goodbye.html"
    party = fjordbank.client(
        redirect_uris=(apache.callback,), sso_group="bank", back_channel_logout_uri=f"{apache.callback}?logout=backchannel"
    )
    other = fjordbank.client(redirect_uris=(goodbye,), post_logout_redirect_uris=(goodbye,), sso_group="bank")
    apache.start(party.issuer, party.client_id, f"OIDCClientSecret {party.client_secret}")
    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)

    asked = other.ask()
    page.goto(asked.url)
    hint = other.redeem(asked, page.url)["id_token"]
    assert page.request.get(f"{apache.address}/private/", max_redirects=0).status == 200
    page.goto(f"{party.issuer}/logout?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': goodbye})}")
    expect(page.locator("h1")).to_have_text("Goodbye")
    deadline = time.monotonic() + SECONDS_TO_BE_TOLD
    while page.request.get(f"{apache.address}/private/", max_redirects=0).status == 200:
        assert time.monotonic() < deadline, apache.log()
        time.sleep(0.2)
    page.goto(f"{apache.address}/private/")
    identify(page)
    until_inside(page, apache)
