"""What may be changed about a client, and what is never shown a second time."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse
from joserfc.jwk import ECKey

from authflows import refusals
from authflows.client_settings import CHOICES, LISTS, TEXTS
from authflows.registration import redirect_uri_problem
from broker_portal.clients import registry
from broker_portal.clients.forms import EXPLANATIONS
from broker_portal.clients.registry import ClientFacts
from broker_portal.clients.settings import MADE_ONCE, WORDS, is_switch
from tenants.isolation import tenant_scope
from tenants.models import AuditEntry
from tests.doubles.furnished import REDIRECT_URI, Furnished

SECRET = re.compile(r"bps_[\w-]{43}")


def at(house: Furnished, name: str, *more: object) -> str:
    return reverse(f"portal:{name}", args=[house.slug, "production", *more])


def netbank(house: Furnished) -> ClientFacts:
    return registry.client_of(house.tenant_id, registry.environment_of(house.tenant_id, "production"), house.netbank.client_id)


def hints(house: Furnished) -> list[str]:
    return [row.hint for row in registry.secrets_of(house.tenant_id, netbank(house))]


def test_a_new_client_tells_its_secret_once(house: Furnished) -> None:
    owner = house.browser("owner")

    made = owner.post(at(house, "client_new"), {"name": "Boliglån", "redirect_uri_1": REDIRECT_URI, "auth_method": "client_secret_basic"})

    (secret,) = set(SECRET.findall(made.content.decode()))
    assert made["Cache-Control"] == "no-store"
    listed = owner.get(at(house, "clients")).content.decode()
    (client_id,) = re.findall(r'/clients/([\w-]+)">Boliglån', listed)
    assert secret not in listed + owner.get(at(house, "client", client_id)).content.decode()


def test_an_app_without_a_secret_goes_straight_to_its_page(house: Furnished) -> None:
    body = {"name": "Mobilbank", "redirect_uri_1": "http://127.0.0.1/callback", "auth_method": "none", "native": "on"}

    made = house.browser("developer").post(at(house, "client_new"), body)

    assert made.status_code == 303
    page = house.browser("developer").get(made["Location"]).content.decode()
    assert "http://127.0.0.1/callback" in page
    assert not SECRET.search(page)


def test_a_client_with_a_key_has_no_secret_and_its_private_part_is_refused(house: Furnished) -> None:
    owner, key = house.browser("owner"), ECKey.generate_key("P-256", private=True)
    body = {"name": "Kreditmotor", "redirect_uri_1": REDIRECT_URI, "auth_method": "private_key_jwt"}

    private = owner.post(at(house, "client_new"), body | {"jwks": json.dumps(key.as_dict(private=True))})
    text = owner.post(at(house, "client_new"), body | {"jwks": "-----BEGIN PUBLIC KEY-----"})
    made = owner.post(at(house, "client_new"), body | {"jwks": json.dumps({"keys": [key.as_dict(private=False)]})})

    assert (private.status_code, text.status_code, made.status_code) == (422, 422, 303)
    page = owner.get(made["Location"]).content.decode()
    assert "private_key_jwt" in page
    assert not SECRET.search(page)


@pytest.mark.parametrize(
    ("uri", "explanation"),
    [
        ("http://netbank.fjordbank.example/cb", "use https; http is for loopback hosts only"),
        ("https://*.fjordbank.example/cb", "write the whole address, without wildcards"),
        ("https://netbank.fjordbank.example/cb#top", "no fragment and no user name"),
        ("https://netbank.fjordbank.example/a/../cb", "no . or .. in the path"),
        ("https://netbank.fjordbank.example:port/", "not an address"),
        ("https://netbank.fjordbank.example/a b", "contains a character that an address cannot contain"),
        ("fjordbank://callback", "use https"),
    ],
)
def test_an_address_that_cannot_be_saved_stays_in_its_field_and_is_explained(house: Furnished, uri: str, explanation: str) -> None:
    body = {"redirect_uri_1": REDIRECT_URI, "redirect_uri_2": uri}

    page = house.browser("owner").post(at(house, "client_redirect_uris", house.netbank.client_id), body)

    assert page.status_code == 422
    form = page.context["form"]
    assert form["redirect_uri_2"].value() == uri
    assert [str(error) for error in form["redirect_uri_2"].errors] == [str(EXPLANATIONS[explanation])]
    assert not form["redirect_uri_1"].errors
    assert netbank(house).redirect_uris == (REDIRECT_URI,)


def test_every_reason_of_the_registration_has_an_explanation() -> None:
    samples = ["https://[", "https://a b/", "nothing", "https://x/#y", "https://x/..", "ftp://x/", "http://x/"]

    assert {redirect_uri_problem("production", sample) for sample in samples} <= EXPLANATIONS.keys()


def test_addresses_are_replaced_and_it_is_written_down(house: Furnished) -> None:
    second = "https://netbank.fjordbank.example/app"

    body = {"redirect_uri_1": "", "redirect_uri_2": second, "redirect_uri_3": second}

    answer = house.browser("developer").post(at(house, "client_redirect_uris", house.netbank.client_id), body)

    assert answer.status_code == 303
    assert netbank(house).redirect_uris == (second,)
    with tenant_scope(house.tenant_id):
        entry = AuditEntry.objects.of(house.tenant_id).latest("seq")
    assert (entry.actor, entry.action) == (f"user:{house.people['developer'].id}", "client.redirect_uris")


def test_a_client_keeps_one_address_at_least(house: Furnished) -> None:
    page = house.browser("owner").post(at(house, "client_redirect_uris", house.netbank.client_id), {"redirect_uri_1": " "})

    assert page.status_code == 422
    assert netbank(house).redirect_uris == (REDIRECT_URI,)


def test_a_second_secret_overlaps_with_the_first_and_a_third_is_refused(house: Furnished) -> None:
    owner, address = house.browser("owner"), at(house, "client_secret_new", house.netbank.client_id)

    page = owner.post(address, {"overlap": "24"}).content.decode()
    refused = owner.post(address, {"overlap": "24"})

    (secret,) = set(SECRET.findall(page))
    newest, oldest = registry.secrets_of(house.tenant_id, netbank(house))
    assert newest.hint == f"{secret[:8]}…{secret[-4:]}"
    assert newest.expires_at is None
    assert oldest.expires_at is not None
    assert (oldest.expires_at - newest.created_at).total_seconds() == pytest.approx(24 * 3600, abs=60)
    assert refused.status_code == 303
    assert len(hints(house)) == 2


def test_revoking_asks_for_the_clients_name(house: Furnished) -> None:
    owner = house.browser("owner")
    (live,) = registry.secrets_of(house.tenant_id, netbank(house))
    address = at(house, "client_secret_revoke", house.netbank.client_id, live.id)

    wrong = owner.post(address, {"name": "Mobilbank"})
    right = owner.post(address, {"name": "netbank"})

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert hints(house) == []
    assert owner.get(address).status_code == 404


def test_a_setting_is_changed_and_the_trail_says_so(house: Furnished) -> None:
    owner, address = house.browser("owner"), at(house, "client_settings", house.netbank.client_id)

    # As a browser sends the form: every choice with it, the switches that are off without.
    chosen = {key: values for key, (_, values) in CHOICES.items() if key not in MADE_ONCE and not is_switch(values)}
    others = {key: "" if "" in (WORDS[key].values or {}) else next(iter(values)) for key, values in chosen.items()}
    saved = owner.post(address, others | {"min_loa": "high", "access_token": "opaque", "cpr_basis": ""})

    assert saved.status_code == 303
    assert netbank(house).level == "high"
    assert 'value="high" selected' in owner.get(address).content.decode()
    with tenant_scope(house.tenant_id):
        entry = AuditEntry.objects.of(house.tenant_id).latest("seq")
    assert (entry.action, entry.before, entry.after) == ("client.changed", {"minimum_level": ""}, {"minimum_level": "high"})


def test_a_setting_that_does_not_exist_changes_nothing(house: Furnished) -> None:
    refused = house.browser("owner").post(at(house, "client_settings", house.netbank.client_id), {"min_loa": "highest"})

    assert refused.status_code == 422
    assert netbank(house).level == ""


def test_a_client_is_closed_for_good(house: Furnished) -> None:
    owner, address = house.browser("owner"), at(house, "client_close", house.netbank.client_id)

    wrong = owner.post(address, {"name": "Mobilbank"})
    right = owner.post(address, {"name": "netbank"})

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert netbank(house).closed
    assert hints(house) == []
    assert owner.get(address).status_code == 404
    assert owner.get(at(house, "client", house.netbank.client_id)).status_code == 200


def test_every_setting_has_words(house: Furnished) -> None:
    for key, (_, values) in CHOICES.items():
        assert key in MADE_ONCE or is_switch(values) or set(values) <= set(WORDS[key].values or {})
    assert {*TEXTS, *LISTS} <= set(WORDS)


def test_those_who_may_not_change_see_no_form(house: Furnished) -> None:
    page = house.browser("read_only").get(at(house, "client", house.netbank.client_id)).content.decode()

    assert REDIRECT_URI in page
    forms = re.findall(r'<form[^>]*action="([^"]+)"', page)
    assert set(forms) == {reverse("portal:preferences"), reverse("account_logout")}


def test_a_name_is_text_whatever_it_holds(house: Furnished) -> None:
    name = "<script>alert(1)</script>"
    owner = house.browser("owner")

    made = owner.post(at(house, "client_new"), {"name": name, "redirect_uri_1": REDIRECT_URI, "auth_method": "client_secret_basic"})

    assert name not in made.content.decode() + owner.get(at(house, "clients")).content.decode()


def test_bodies_that_no_browser_sends(house: Furnished) -> None:
    owner = house.browser("owner")
    new, uris = at(house, "client_new"), at(house, "client_redirect_uris", house.netbank.client_id)

    answers = [
        owner.post(new, {"name": "a\x00b", "redirect_uri_1": REDIRECT_URI, "auth_method": "client_secret_basic"}).status_code,
        owner.post(new, {"name": "x" * 101, "redirect_uri_1": REDIRECT_URI, "auth_method": "magic"}).status_code,
        owner.post(uris, {"redirect_uri_99999999999": "x", "redirect_uri_x": "y", "redirect_uri_-1": "z"}).status_code,
        owner.post(uris, {"redirect_uri_1": "https://x.example/" + "a" * 3000}).status_code,
        owner.post(uris, {f"redirect_uri_{n}": "x" for n in range(300)}).status_code,
        owner.post(new, b"x" * 300_000, content_type="application/x-www-form-urlencoded").status_code,
        owner.post(at(house, "client_secret_new", house.netbank.client_id), {"overlap": "9999999"}).status_code,
    ]

    assert answers == [422, 422, 422, 422, 400, 400, 404]


def test_a_refused_address_is_shown_beside_the_registered_one(house: Furnished) -> None:
    received = REDIRECT_URI.replace("/callback", "/<b>callback")
    refusals.record(house.tenant_id, house.netbank.relying_party_id, refusals.difference(received, (REDIRECT_URI,)), "f" * 32)

    page = house.browser("developer").get(at(house, "client", house.netbank.client_id)).content.decode()

    before, after = REDIRECT_URI[: REDIRECT_URI.index("callback")], "allback"
    assert f"<dd>{before}<mark>c</mark>{after}</dd>" in page
    assert f"<dd>{before}<mark>&lt;</mark>b&gt;callback</dd>" in page
    assert "f" * 32 in page


def test_what_is_missing_at_an_end_is_said_so(house: Furnished) -> None:
    refusals.record(house.tenant_id, house.netbank.relying_party_id, refusals.difference(f"{REDIRECT_URI}/", (REDIRECT_URI,)), "e" * 32)
    page = house.browser("developer").get(at(house, "client", house.netbank.client_id)).content.decode()
    assert re.search(rf"<dd>{re.escape(REDIRECT_URI)}<mark>(slutter her|ends here)</mark></dd>", page)
    assert f"<dd>{REDIRECT_URI}<mark>/</mark></dd>" in page
