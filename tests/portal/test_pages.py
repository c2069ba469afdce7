"""What every page has: a beginning, a language and a theme of the person's own, and an answer when there is no page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.urls import reverse

from broker_portal import errors
from tenants import tenancy
from tenants.models import MembershipRole, User
from tests.doubles.furnished import Furnished


@pytest.mark.parametrize(
    ("person", "first_page"),
    [
        ("owner", "/tenants/{slug}/production"),
        ("finance", "/tenants/{slug}/production"),
        ("staff", "/operator"),
    ],
)
def test_where_a_person_begins(house: Furnished, person: str, first_page: str) -> None:
    assert house.browser(person).get("/")["Location"] == first_page.format(slug=house.slug)


def test_staff_begin_at_the_month_that_is_to_be_closed(house: Furnished) -> None:
    page = house.browser("staff").get("/operator")

    assert page["Location"] == f"/operator/{house.story.operator.id}/months/{house.last_month}"


def test_somebody_without_a_page_is_told_so(house: Furnished) -> None:
    page = house.browser("support").get("/")

    assert page.status_code == 200
    assert "Ingen organisation endnu" in page.content.decode()


def test_a_person_of_two_tenants_can_switch(house: Furnished) -> None:
    tenancy.add_member(house.story.havneby.tenant, house.people["owner"], MembershipRole.READ_ONLY, actor="command")

    page = house.browser("owner").get(reverse("portal:dashboard", args=[house.slug, "production"]))

    assert reverse("portal:dashboard", args=[house.story.havneby.tenant.slug, "production"]) in page.content.decode()


def test_the_menu_leads_nowhere_one_may_not_go(house: Furnished) -> None:
    for person, hidden in {"finance": "clients", "developer": "invoices"}.items():
        page = house.browser(person).get(reverse("portal:dashboard", args=[house.slug, "production"])).content.decode()
        assert f'href="/tenants/{house.slug}/production/{hidden}' not in page, person


def test_language_and_theme_stay_with_the_person(house: Furnished) -> None:
    browser, address = house.browser("owner"), reverse("portal:dashboard", args=[house.slug, "production"])

    browser.post("/preferences", {"language": "en", "next": address})
    answer = browser.post("/preferences", {"colour_scheme": "dark", "next": address})

    assert (answer.status_code, answer["Location"]) == (303, address)
    assert '<html lang="en" data-theme="dark">' in house.browser("owner").get(address).content.decode()
    assert not {"language", "colour_scheme"} & set(browser.cookies)


def test_before_sign_in_a_cookie_remembers_them(house: Furnished) -> None:
    browser = house.browser("anonymous")

    browser.post("/preferences", {"language": "en", "colour_scheme": "light", "next": "/accounts/login/"})

    assert '<html lang="en" data-theme="light">' in browser.get("/accounts/login/").content.decode()
    assert browser.cookies["language"]["httponly"]


@pytest.mark.parametrize("nonsense", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", "\\\\elsewhere.example"])
def test_preferences_lead_to_our_own_pages_only(house: Furnished, nonsense: str) -> None:
    answer = house.browser("owner").post("/preferences", {"language": "klingon", "colour_scheme": "\x00", "next": nonsense})

    assert answer["Location"] == "/"
    assert User.objects.get(id=house.people["owner"].id).language == "da"


def test_a_page_that_fails_says_so_without_the_database(
    rf: RequestFactory, db: None, django_assert_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    request = rf.get("/")
    request.trace_id = "4f1e"  # type: ignore[attr-defined]

    with django_assert_num_queries(0):
        page = errors.server_error(request)

    assert page.status_code == 500
    assert "4f1e" in page.content.decode()


def test_a_forbidden_page_says_whom_to_ask(house: Furnished) -> None:
    page = house.browser("developer").get(reverse("portal:invoices", args=[house.slug, "production"]))

    assert page.status_code == 403
    assert "Spørg en ejer eller administrator" in page.content.decode()


def test_every_answer_carries_the_portals_headers(house: Furnished) -> None:
    for address in ("/", "/accounts/login/", "/nothing", reverse("portal:clients", args=[house.slug, "production"])):
        answer = house.browser("owner").get(address)
        assert "default-src 'none'" in answer["Content-Security-Policy"], address
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin", address
        assert answer["X-Frame-Options"] == "DENY", address
        assert "no-store" in answer["Cache-Control"], address


def test_another_loopback_name_is_sent_to_the_recorded_one(committed: None) -> None:
    """A session begun there would not be found when a login comes back."""
    answer = Client().get("/accounts/login/?next=/", HTTP_HOST=f"127.0.0.1:{settings.PORT}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{settings.BASE_URL}/accounts/login/?next=/")
