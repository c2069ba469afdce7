"""*Try login*: the portal plays the client, without its secret, and shows an invented person's claims once."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from authflows import configuration
from authflows.models import AccessToken, Grant
from authflows.registration import Registered
from billing import usage
from tenants.isolation import tenant_scope
from tests.doubles.furnished import Furnished


@pytest.fixture(autouse=True)
def fresh() -> None:
    """What a process remembers of issuers may be of a story that was rolled back."""
    configuration.forget()


def start(house: Furnished, browser: Client, client: Registered | None = None, environment: str = "production") -> Any:
    wanted = client or house.netbank
    return browser.post(reverse("portal:try_login", args=[house.slug, environment, wanted.client_id]))


def log_in(browser: Client, location: str, user_id: str) -> str:
    """From the authorization request to the address that the tenant's page ends at."""
    for _ in range(2):
        location = browser.get(location)["Location"] if "/authorize?" in location else location
    page = browser.get(location).content.decode()
    action = unescape(re.findall(r'<form class="step" method="post" action="([^"]+)"', page)[0])
    (token, *_) = re.findall(r'name="form_token" value="([^"]+)"', page)
    answer = browser.post(action, {"user_id": user_id, "form_token": token})
    while not answer.get("Location", "").startswith("http"):
        if answer.status_code == 200:  # the level was too low: back to the service
            answer = browser.post(
                re.findall(r'<form class="foot" method="post" action="([^"]+)"', answer.content.decode())[0], {"form_token": token}
            )
        else:
            answer = browser.get(answer["Location"])
    return str(answer["Location"])


def at_the_end(house: Furnished, browser: Client, user_id: str, **where: Any) -> Any:
    return browser.get(log_in(browser, start(house, browser, **where)["Location"], user_id))


def test_the_request_is_the_clients_own_marked_and_bound_to_the_portal(house: Furnished) -> None:
    answer = start(house, house.browser("owner"))

    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
    assert answer.status_code == 303
    assert answer["Location"].startswith(f"{house.netbank.issuer}/authorize?")
    assert asked["redirect_uri"] == f"{configuration.base_url()}/try/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["trial"]


@pytest.mark.parametrize("environment", ["production", "test"])
def test_an_approved_login_shows_its_claims(house: Furnished, environment: str) -> None:
    client = house.netbank if environment == "production" else house.netbank_test
    browser = house.browser("developer")

    page = at_the_end(house, browser, "auto-approve", client=client, environment=environment)

    claims = dict(page.context["claims"])
    assert (page.context["outcome"], page.context["level"]) == ("completed", "substantial")
    assert (claims["name"], claims["identity_type"]) == ("Agnes Automatisk", "test")
    assert page.context["seconds"] is not None
    assert page.context["trace_id"] in page.content.decode()
    assert page["Cache-Control"] == "no-store"


def test_it_counts_as_any_other_request(house: Furnished) -> None:
    browser = house.browser("owner")

    at_the_end(house, browser, "auto-approve")
    usage.roll_tenant(house.tenant_id)

    shown = browser.get(reverse("portal:usage", args=[house.slug, "production"])).context
    assert (shown["requests"], shown["completed"], shown["preview"].requests) == (1, 1, 1)
    listed = browser.get(reverse("portal:dashboard", args=[house.slug, "production"]))
    assert [row["login"].outcome for row in listed.context["logins"]] == ["completed"]
    assert "Agnes" not in listed.content.decode()


@pytest.mark.parametrize(
    ("user_id", "outcome", "error"),
    [
        ("auto-reject", "failed", "access_denied"),
        ("auto-cancel", "cancelled", "access_denied"),
        ("auto-timeout", "expired", "access_denied"),
        ("auto-approve-low", "failed", "unmet_authentication_requirements"),
    ],
)
def test_what_the_client_would_be_told_instead(house: Furnished, user_id: str, outcome: str, error: str) -> None:
    page = at_the_end(house, house.browser("owner"), user_id)

    assert (page.context["outcome"], page.context["error"]) == (outcome, error)
    assert page.context["claims"] == []


def test_a_reload_neither_shows_nor_ends_anything(house: Furnished) -> None:
    browser = house.browser("owner")
    address = log_in(browser, start(house, browser)["Location"], "auto-approve")
    first = browser.get(address)

    again = browser.get(address)

    assert first.context["outcome"] == "completed"
    assert (again.status_code, again["Location"]) == (
        303,
        reverse("portal:client", args=[house.slug, "production", house.netbank.client_id]),
    )
    with tenant_scope(house.tenant_id):
        assert Grant.objects.of(house.tenant_id).latest("created_at").revoked_at is None


def test_another_browser_cannot_take_the_answer(house: Furnished) -> None:
    owner, developer = house.browser("owner"), house.browser("developer")
    address = log_in(owner, start(house, owner)["Location"], "auto-approve")

    assert developer.get(address).status_code == 404
    with tenant_scope(house.tenant_id):
        assert not AccessToken.objects.of(house.tenant_id).exists()


def test_an_answer_of_another_issuer_is_not_believed(house: Furnished) -> None:
    browser = house.browser("owner")
    address = log_in(browser, start(house, browser)["Location"], "auto-approve")

    page = browser.get(re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Felsewhere.example", address))

    assert (page.context["outcome"], page.context["error"]) == ("failed", "invalid_response")


def test_a_forged_code_is_refused(house: Furnished) -> None:
    browser = house.browser("owner")
    address = log_in(browser, start(house, browser)["Location"], "auto-approve")

    page = browser.get(re.sub(r"code=[^&]+", "code=forged", address))

    assert (page.context["outcome"], page.context["error"]) == ("failed", "invalid_grant")


def test_nobody_else_can_mark_a_request_as_the_portals(house: Furnished) -> None:
    location = start(house, house.browser("owner"))["Location"]
    forged = re.sub(r"state=[^&]+", "state=mine", location)

    page = Client(HTTP_HOST=urlsplit(location).netloc).get(forged)

    assert page.status_code == 400
    assert "Location" not in page


def test_in_live_mode_it_exists_in_test_environments_only(house: Furnished, settings: Settings) -> None:
    settings.DEMO = False
    browser = house.browser("owner")

    assert start(house, browser).status_code == 404
    assert start(house, browser, house.netbank_test, "test").status_code == 303
    page = browser.get(reverse("portal:client", args=[house.slug, "production", house.netbank.client_id]))
    assert page.context["may_try"] is False


def test_only_pages_whose_form_ends_elsewhere_leave_out_form_action(house: Furnished) -> None:
    browser = house.browser("owner")

    client = browser.get(reverse("portal:client", args=[house.slug, "production", house.netbank.client_id]))
    clients = browser.get(reverse("portal:clients", args=[house.slug, "production"]))

    assert "form-action" not in client["Content-Security-Policy"]
    assert "form-action 'self'" in clients["Content-Security-Policy"]
    assert clients["Content-Security-Policy"].replace("form-action 'self'; ", "") == client["Content-Security-Policy"]
