"""One table: who is answered what, at every address of the portal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.doubles.furnished import Furnished

PEOPLE = ("owner", "developer", "finance", "read_only", "stranger", "staff", "support", "anonymous")
ENVIRONMENT = ("slug", "environment")
CLIENT = (*ENVIRONMENT, "client_id")
INVOICE = (*ENVIRONMENT, "number")
MONTH = ("operator", "month")
YEAR = ("operator", "year")
ACCOUNT = ("operator", "slug")


@dataclass(frozen=True)
class Row:
    """`answers`: a status for each of PEOPLE, in their order. 302 of the anonymous is the sign-in page."""

    method: str
    name: str
    arguments: tuple[str, ...]
    answers: str
    body: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


#                                                              owner developer finance read_only stranger staff support anonymous
TABLE = [
    Row("GET", "portal:home", (),                              "302 302 302 302 302 302 200 302"),
    Row("GET", "portal:dashboard", ENVIRONMENT,                "200 200 200 200 404 404 404 302"),
    Row("GET", "portal:clients", ENVIRONMENT,                  "200 200 403 200 404 404 404 302"),
    Row("GET", "portal:client_new", ENVIRONMENT,               "200 200 403 403 404 404 404 302"),
    Row("POST", "portal:client_new", ENVIRONMENT,              "422 422 403 403 404 404 404 302"),
    Row("GET", "portal:client", CLIENT,                        "200 200 403 200 404 404 404 302"),
    Row("POST", "portal:client_redirect_uris", CLIENT,         "422 422 403 403 404 404 404 302"),
    Row("GET", "portal:client_settings", CLIENT,               "200 200 403 403 404 404 404 302"),
    Row("POST", "portal:client_settings", CLIENT,              "422 422 403 403 404 404 404 302"),
    Row("GET", "portal:client_close", CLIENT,                  "200 200 403 403 404 404 404 302"),
    Row("POST", "portal:client_close", CLIENT,                 "422 422 403 403 404 404 404 302"),
    Row("POST", "portal:client_secret_new", CLIENT,            "200 200 403 403 404 404 404 302", {"overlap": "24"}),
    Row("GET", "portal:client_secret_revoke", (*CLIENT, "secret"),  "200 200 403 403 404 404 404 302"),
    Row("POST", "portal:client_secret_revoke", (*CLIENT, "secret"), "422 422 403 403 404 404 404 302"),
    Row("POST", "portal:try_login", CLIENT,                    "303 303 403 403 404 404 404 302"),
    Row("GET", "portal:try_callback", (),                      "404 404 404 404 404 404 404 302"),
    Row("GET", "portal:keys", ENVIRONMENT,                     "200 200 403 200 404 404 404 302"),
    Row("POST", "portal:keys_rotate", ENVIRONMENT,             "422 403 403 403 404 404 404 302"),
    Row("GET", "portal:usage", ENVIRONMENT,                    "200 200 200 200 404 404 404 302"),
    Row("GET", "portal:usage_csv", ENVIRONMENT,                "200 200 200 200 404 404 404 302"),
    Row("GET", "portal:invoices", ENVIRONMENT,                 "200 403 200 403 404 404 404 302"),
    Row("GET", "portal:invoice_details", ENVIRONMENT,          "200 403 200 403 404 404 404 302"),
    Row("POST", "portal:invoice_details", ENVIRONMENT,         "422 403 422 403 404 404 404 302"),
    Row("GET", "portal:invoice", INVOICE,                      "200 403 200 403 404 404 404 302"),
    Row("GET", "portal:invoice_pdf", INVOICE,                  "200 403 200 403 404 404 404 302"),
    Row("GET", "portal:invoice_csv", INVOICE,                  "200 403 200 403 404 404 404 302"),
    Row("GET", "portal:statement", (*ENVIRONMENT, "year"),     "200 403 200 403 404 404 404 302"),
    Row("GET", "portal:statement_pdf", (*ENVIRONMENT, "year"), "200 403 200 403 404 404 404 302"),
    Row("GET", "portal:statement_csv", (*ENVIRONMENT, "year"), "200 403 200 403 404 404 404 302"),
    Row("POST", "portal:preferences", (),                      "303 303 303 303 303 303 303 303", {"language": "en"}),
    Row("GET", "operator:month", (),                           "404 404 404 404 404 302 403 302"),
    Row("GET", "operator:month", MONTH,                        "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:month_close", MONTH,                 "404 404 404 404 404 303 403 302", {"action": "draft"}),
    Row("GET", "operator:progress", MONTH,                     "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:document_pdf", ("operator", "number"), "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:document_csv", ("operator", "number"), "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:credit", ("operator", "number"),      "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:credit", ("operator", "number"),     "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:prices", (),                          "404 404 404 404 404 302 403 302"),
    Row("GET", "operator:prices", ("operator",),               "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:aap", YEAR,                           "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:aap_decide", YEAR,                    "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:aap_decide", YEAR,                   "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:aap_table", YEAR,                     "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:aap_table", YEAR,                    "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:year_new", ("operator",),             "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:year_new", ("operator",),            "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:charge_new", ("operator",),           "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:charge_new", ("operator",),          "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:plan_new", ("operator",),             "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:plan_new", ("operator",),            "404 404 404 404 404 422 403 302"),
    Row("POST", "operator:aap_approve", YEAR,                  "404 404 404 404 404 404 403 302"),
    Row("GET", "operator:accounts", (),                        "404 404 404 404 404 302 403 302"),
    Row("GET", "operator:accounts", ("operator",),             "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:account", ACCOUNT,                    "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:account_buyer", ACCOUNT,              "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:account_buyer", ACCOUNT,             "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:account_plan", ACCOUNT,               "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:account_plan", ACCOUNT,              "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:account_one_off", ACCOUNT,            "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:account_one_off", ACCOUNT,           "404 404 404 404 404 422 403 302"),
    Row("POST", "operator:account_one_off_decide", ACCOUNT,    "404 404 404 404 404 404 403 302"),
    Row("GET", "operator:reconciliation", (),                  "404 404 404 404 404 302 403 302"),
    Row("GET", "operator:reconciliation", YEAR,                "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:reconciliation_commit", YEAR,        "404 404 404 404 404 303 403 302"),
    Row("GET", "operator:supplier", (),                        "404 404 404 404 404 302 403 302"),
    Row("GET", "operator:supplier", YEAR,                      "404 404 404 404 404 200 403 302"),
    Row("POST", "operator:supplier", YEAR,                     "404 404 404 404 404 422 403 302"),
    Row("GET", "operator:margin", (),                          "404 404 404 404 404 302 403 302"),
    Row("GET", "operator:margin", YEAR,                        "404 404 404 404 404 200 403 302"),
    Row("GET", "operator:incidents", (),                       "404 404 404 404 404 302 403 302"),
    Row("GET", "operator:incidents", ("operator",),            "404 404 404 404 404 200 403 302"),
    Row("GET", "account_login", (),                            "302 302 302 302 302 302 302 200"),
    Row("GET", "account_logout", (),                           "200 200 200 200 200 200 200 302"),
    Row("GET", "account_inactive", (),                         "200 200 200 200 200 200 200 200"),
    Row("GET", "account_signup", (),                           "302 302 302 302 302 302 302 200"),
    Row("GET", "account_reauthenticate", (),                   "200 200 200 200 200 200 200 302"),
    Row("GET", "account_change_password", (),                  "200 200 200 200 200 200 200 302"),
    Row("GET", "account_set_password", (),                     "302 302 302 302 302 302 302 302"),
    Row("GET", "account_reset_password", (),                   "200 200 200 200 200 200 200 200"),
    Row("GET", "account_reset_password_done", (),              "200 200 200 200 200 200 200 200"),
    Row("GET", "account_reset_password_from_key", ("uidb36", "key"), "200 200 200 200 200 200 200 200"),
    Row("GET", "account_reset_password_from_key_done", (),     "200 200 200 200 200 200 200 200"),
    Row("GET", "sign_in_link", ("secret",),                    "410 410 410 410 410 410 410 410"),
    Row("GET", "healthz", (),                                  "200 200 200 200 200 200 200 200"),
    Row("GET", "readyz", (),                                   "503 503 503 503 503 503 503 503"),
]  # fmt: skip


def address(row: Row, house: Furnished) -> str:
    known = {
        "slug": house.slug,
        "environment": "production",
        "client_id": house.netbank.client_id,
        "number": str(house.invoice.number),
        "operator": str(house.story.operator.id),
        "month": str(house.last_month),
        "year": "5",
        "secret": str(live_secret(house)),
        "uidb36": "1",
        "key": "set-password",
    }
    return reverse(row.name, args=[known[name] for name in row.arguments])


def live_secret(house: Furnished) -> object:
    from broker_portal.clients import registry

    place = registry.environment_of(house.tenant_id, "production")
    return registry.secrets_of(house.tenant_id, registry.client_of(house.tenant_id, place, house.netbank.client_id))[0].id


def ask(browser: Client, row: Row, url: str) -> int:
    return (browser.post(url, row.body) if row.method == "POST" else browser.get(url)).status_code


@pytest.mark.parametrize("row", TABLE, ids=str)
@pytest.mark.parametrize("person", PEOPLE)
def test_each_is_answered_by_role(house: Furnished, row: Row, person: str) -> None:
    browser = house.browser(person)

    status = ask(browser, row, address(row, house))

    assert status == int(row.answers.split()[PEOPLE.index(person)])


def test_the_anonymous_are_sent_to_sign_in_and_back(house: Furnished) -> None:
    page = house.browser("anonymous").get(reverse("portal:usage", args=[house.slug, "production"]))

    assert page["Location"] == f"/accounts/login/?next=/tenants/{house.slug}/production/usage"


def patterns(resolver: URLResolver, space: str = "") -> dict[str, set[str]]:
    """Every name of the urlconf, with the arguments that it takes."""
    found: dict[str, set[str]] = {}
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            found |= patterns(each, f"{each.namespace}:" if each.namespace else space)
        elif isinstance(each, URLPattern):
            found.setdefault(f"{space}{each.name}", set()).add(str(each.pattern))
    return found


def test_every_address_stands_in_the_table() -> None:
    known = patterns(get_resolver("broker_portal.urls"))
    asked = {(row.name, len(row.arguments)) for row in TABLE}

    here = {(name, len(re.findall(r"<[^>]+>", pattern))) for name, found in known.items() for pattern in found}

    assert here == asked


@pytest.mark.parametrize("row", [row for row in TABLE if row.method == "POST"], ids=str)
def test_a_form_without_its_token_is_refused(house: Furnished, row: Row) -> None:
    browser = house.browser("staff" if row.name.startswith("operator:") else "owner")
    browser.handler.enforce_csrf_checks = True

    assert ask(browser, row, address(row, house)) == 403


@pytest.mark.parametrize("row", [row for row in TABLE if row.name.startswith(("portal:", "operator:"))], ids=str)
def test_other_methods_are_refused(house: Furnished, row: Row) -> None:
    browser = house.browser("staff" if row.name.startswith("operator:") else "owner")

    assert browser.delete(address(row, house)).status_code == 405


@pytest.mark.parametrize("row", [row for row in TABLE if "client_id" in row.arguments], ids=str)
def test_a_client_is_found_nowhere_but_in_its_own_environment(house: Furnished, row: Row) -> None:
    browser = house.browser("owner")
    others = {
        address(row, house).replace(house.netbank.client_id, house.foreign.client_id),
        address(row, house).replace(house.netbank.client_id, house.netbank_test.client_id),
        address(row, house).replace("/production/", "/test/"),
        address(row, house).replace(house.netbank.client_id, "nobody"),
    }

    answers = [ask(browser, row, other) for other in others]

    assert answers == [404] * 4


@pytest.mark.parametrize("row", [row for row in TABLE if "number" in row.arguments], ids=str)
def test_a_document_is_found_nowhere_but_at_its_own_tenant(house: Furnished, row: Row) -> None:
    browser = house.browser("owner")
    others = (
        address(row, house).replace(str(house.invoice.number), str(house.foreign_invoice.number)),
        address(row, house).replace(str(house.invoice.number), str(house.invoice.id)),
        address(row, house).replace("/production/", "/test/"),
    )

    assert [browser.get(other).status_code for other in others] == [404] * 3


def test_an_operator_is_found_by_its_own_staff_only(house: Furnished) -> None:
    browser = house.browser("staff")

    page = browser.get(reverse("operator:month", args=[uuid4(), house.last_month]))

    assert page.status_code == 404


NONSENSE = (
    "/tenants/{slug}/production/usage?month=2026-13",
    "/tenants/{slug}/production/usage?month=%00",
    "/tenants/{slug}/production/usage?month=9998-12",
    "/tenants/{slug}/production/usage.csv?month=november",
    "/tenants/{slug}/staging",
    "/tenants/{slug}/production/clients/a%00b",
    "/tenants/{slug}/production/clients/%2e%2e",
    "/tenants/%00/production",
    "/tenants/{slug}/production/clients/{client}/secrets/not-a-uuid/revoke",
    "/tenants/{slug}/production/clients/{client}/secrets/00000000-0000-0000-0000-000000000000/revoke",
    "/tenants/{slug}/production/invoices/F-2026-000001%00",
    "/try/callback?state=%00&code=%00",
    "/operator/not-a-uuid/months/2026-10",
    "/nothing",
)


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_a_page_that_says_so(house: Furnished, nonsense: str) -> None:
    page = house.browser("owner").get(nonsense.format(slug=house.slug, client=house.netbank.client_id))

    assert page.status_code == 404
    assert page["Trace-Id"] in page.content.decode()


def test_nonsense_months_of_the_operator(house: Furnished) -> None:
    browser = house.browser("staff")
    base = f"/operator/{house.story.operator.id}/months"

    answers = [
        browser.get(f"{base}/2026-13").status_code,
        browser.get(f"{base}/{house.this_month.next()}").status_code,
        browser.post(f"{base}/{house.last_month}/close", {"action": "delete"}).status_code,
        browser.post(f"{base}/{house.last_month}/close", {"action": "draft", "tenant": "\x00"}).status_code,
        browser.post(f"{base}/{house.last_month}/close", {"action": "draft", "tenant": "nobody"}).status_code,
        browser.get(f"{base}/{house.last_month}?show=%00&page=-7").status_code,
    ]

    assert answers == [404, 404, 404, 404, 404, 200]
