"""Employees and CPR numbers in the words of other brokers: asked for and told as their clients expect it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import House
from tests.doubles.relying_party import Asked, RelyingParty

PERSON, CPR = "auto-approve-business", "6908769995"
URN = "urn:grn:authn:dk:mitid:"
AT_WORK: dict[str, dict[str, str]] = {
    "idura": {"scope": "openid", "acr_values": f"{URN}business"},
    "neb": {"scope": "openid nemlogin", "idp_values": "mitid_erhverv"},
    "signicat": {"scope": "openid profile mitid-business", "acr_values": "idp:mitid"},
}
COMPANY = {
    "idura": ("cvrNumberIdentifier", "employee"),
    "neb": ("nemlogin.cvr", "nemlogin.persistent_professional_id"),
    "signicat": ("mitid_organisation_cvr", "mitid_employee_uuid"),
}
WITH_CPR: dict[str, dict[str, str]] = {
    "idura": {"scope": "openid ssn", "login_hint": f"sub:{CPR}"},
    "neb": {"scope": "openid mitid ssn", "idp_params": json.dumps({"mitid": {"cpr_hint": CPR}})},
    "signicat": {"scope": "openid nin mitid-extra", "acr_values": "idp:mitid", "login_hint": CPR},
}
NUMBER = {"idura": "cprNumberIdentifier", "neb": "dk.cpr", "signicat": "nin"}
EITHER: list[tuple[str, dict[str, str]]] = [
    ("idura", {"login_hint": "business_optional"}),
    ("idura", {"acr_values": f"{URN}business {URN}substantial"}),
    ("neb", {"idp_values": "mitid mitid_erhverv"}),
    ("neb", {"idp_values": "mitid_erhverv", "idp_params": '{"mitid_erhverv": {"allow_private": true}}'}),
]


def userinfo(party: RelyingParty, asked: Asked, location: str) -> dict[str, Any]:
    told: dict[str, Any] = party.userinfo(party.redeem(asked, location)["access_token"]).json()
    return told


def card(visitor: Browser, asked: Asked) -> httpx.Response:
    answer = visitor.submit(visitor.open(asked), user_id=PERSON)
    while answer.status_code == 303:
        answer = visitor.get(answer.headers["Location"])
    return answer


@pytest.mark.parametrize("dialect", AT_WORK)
def test_an_employee_logs_in(dialect: str, fjordbank: House, visitor: Browser) -> None:
    identities = "business" if dialect == "signicat" else "both"
    party = fjordbank.client(dialect=dialect, scopes=("openid", "profile", "mitid", "business"), identities=identities)
    asked = party.ask(**AT_WORK[dialect])
    told = userinfo(party, asked, visitor.login(asked, PERSON))
    cvr, who = COMPANY[dialect]
    assert told[cvr] == "13748136"
    assert told[who]


@pytest.mark.parametrize("dialect", ["idura", "neb"])
def test_a_client_for_private_persons_meets_no_employee(dialect: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(dialect=dialect, scopes=("openid", "profile", "mitid", "business"))
    asked = party.ask(**AT_WORK[dialect])
    refused = party.told(asked, visitor.get(asked.url).headers["Location"])
    assert (refused["error"], "business" in refused["error_description"]) == ("invalid_request", True)


@pytest.mark.parametrize(("dialect", "sent"), EITHER)
def test_where_either_will_do_the_person_says(dialect: str, sent: dict[str, str], fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(dialect=dialect, scopes=("openid", "profile", "mitid", "business"), identities="both")
    assert 'value="private"' in card(visitor, party.ask(scope="openid", **sent)).text


@pytest.mark.parametrize("dialect", WITH_CPR)
def test_a_number_that_the_client_knows_stands_in_the_form(dialect: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(dialect=dialect, scopes=("openid", "profile", "mitid", "ssn"), cpr_basis="consent")
    asked = party.push(party.ask(**WITH_CPR[dialect]))
    page = card(visitor, asked)
    assert f'value="{CPR}"' in page.text
    (typed,) = [each for each in forms(page) if each.css == "form number"]
    answer = visitor.post(typed.action, {name: value for name, value in typed.fields.items() if name != "remember"})
    told = userinfo(party, asked, visitor.finish(answer))
    assert told[NUMBER[dialect]] == CPR
    assert told.get("mitid_cpr_source") == ("user" if dialect == "signicat" else None)
