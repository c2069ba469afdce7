"""People whom a service provider's own programs invent: known in one test environment, and made by its clients only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.doubles.authenticators import chosen, moved, printed
from tests.doubles.browser import Browser, step_of
from tests.doubles.chip import Chip
from tests.doubles.houses import House
from tests.doubles.relying_party import RelyingParty
from tests.flows.test_authenticators import LOW, SUBSTANTIAL
from tests.flows.test_chip import Visitors, register
from tests.harness.server import Server

SIGNE: dict[str, Any] = {
    "user_id": "signe-test",
    "given_name": "Signe",
    "family_name": "Opdigtet",
    "birthdate": "1984-07-09",
    "cpr": "6907849995",
    "app": "substantial",
    "authenticators": ["app", "password"],
}


@pytest.fixture(autouse=True)
def nobody_else(server: Server, fjordbank: House, havneby: House) -> None:
    """Everybody in these environments was invented by a test that is over."""
    for house in (fjordbank, havneby):
        forget_all(house.client())


def call(party: RelyingParty, method: str = "GET", path: str = "", body: object = None, *, basic: bool = True) -> httpx.Response:
    """As curl -u would."""
    pair = (party.client_id, party.client_secret or "") if basic else None
    with httpx.Client(trust_env=False, timeout=20, auth=pair) as http:
        return http.request(method, f"{party.issuer}/simulator/identities{path}", json=body)


def invented(party: RelyingParty, **changes: Any) -> dict[str, Any]:
    made = call(party, "POST", body=SIGNE | changes)
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    assert made.headers["Location"].endswith(f"/simulator/identities/{told['id']}")
    return told


def forget_all(party: RelyingParty) -> None:
    for each in call(party).json()["identities"]:
        assert call(party, "DELETE", f"/{each['id']}").status_code == 204


def test_a_person_is_made_read_changed_and_removed(party: RelyingParty) -> None:
    told = invented(party)
    assert {**SIGNE, "id": told["id"]}.items() <= told.items()
    assert (told["behaviour"], told["blocked"], told["ial"]) == ("steps", False, "high")
    assert call(party, "GET", f"/{told['id']}").json() == told
    changed = call(party, "PATCH", f"/{told['id']}", {"family_name": "Ny", "name_protected": True})
    assert changed.json() == told | {"family_name": "Ny", "name_protected": True}
    assert [each["id"] for each in call(party).json()["identities"]] == [told["id"]]
    assert call(party, "DELETE", f"/{told['id']}").status_code == 204
    assert call(party, "GET", f"/{told['id']}").status_code == 404


def test_whose_only_way_is_a_chip_reads_that_it_is_too_little(party: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    """An audio reader is nothing without the password that goes with it."""
    invented(party, app="", authenticators=["audio_reader"])
    register(new_visitor(), party, Chip("{0.scheme}://{0.netloc}".format(urlsplit(party.issuer))), "signe-test")
    asked = party.ask(acr_values=SUBSTANTIAL, prompt="login")
    page = moved(visitor, visitor.submit(visitor.open(asked), user_id="signe-test"))
    assert step_of(page) == "level"
    assert "error=unmet_authentication_requirements" in visitor.finish(visitor.submit(page, "foot", cancel="1"))


def test_who_was_invented_logs_in(party: RelyingParty, visitor: Browser) -> None:
    invented(party)
    asked = party.ask(acr_values=LOW, prompt="login")
    page = chosen(visitor, visitor.open(asked), "signe-test", "password")
    tokens = party.redeem(asked, visitor.finish(visitor.submit(page, password=printed(page))))
    told = party.userinfo(tokens["access_token"]).json()
    assert (told["name"], told["birthdate"]) == ("Signe Opdigtet", "1984-07-09")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"behaviour": "reject"}, "mitid_rejected_in_app"),
        ({"behaviour": "cancel"}, "mitid_user_aborted"),
        ({"behaviour": "time_out"}, "mitid_timeout"),
        ({"blocked": True}, "mitid_authenticator_blocked"),
        ({"behaviour": "approve", "blocked": True}, "mitid_authenticator_blocked"),
    ],
)
def test_a_person_may_act_at_once_or_be_blocked(changes: dict[str, Any], told: str, party: RelyingParty, visitor: Browser) -> None:
    invented(party, **changes)
    asked = party.ask(prompt="login")
    assert party.told(asked, visitor.login(asked, "signe-test"))["error_description"] == told


def test_an_employee_who_was_invented_logs_in_for_the_company(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=("openid", "business"), identities="business")
    role = {"cvr": "13748136", "organisation_name": "Lindholm Brød ApS", "can_represent": True}
    told = invented(party, behaviour="approve", employments=[role])
    assert told["employments"] == [role | {"rid": "", "production_unit": "", "company_signatory": False}]
    asked = party.ask(prompt="login", scope="openid business")
    claims = party.claims(party.redeem(asked, visitor.login(asked, "signe-test"))["id_token"])
    assert (claims["cvr"], claims["organisation_name"], claims["can_represent"]) == ("13748136", "Lindholm Brød ApS", True)


def test_a_person_is_of_one_environment(havneby: House, party: RelyingParty, visitor: Browser) -> None:
    """The same user id is another person elsewhere; whoever was not invented there is unknown."""
    told, other = invented(party, behaviour="approve"), havneby.client()
    unknown = visitor.submit(visitor.open(other.ask(prompt="login")), user_id="signe-test")
    assert "We cannot find that user ID" in unknown.text
    for method, body in (("GET", None), ("PATCH", {"blocked": True}), ("DELETE", None)):
        assert call(other, method, f"/{told['id']}", body).status_code == 404
    assert call(other).json()["identities"] == []
    invented(other, behaviour="approve")
    ids = []
    for each in (party, other):
        asked = each.ask(prompt="login")
        tokens = each.redeem(asked, visitor.login(asked, "signe-test"))
        ids.append(each.userinfo(tokens["access_token"]).json()["mitid_uuid"])
    assert ids[0] != ids[1]
    with httpx.Client(trust_env=False, auth=(other.client_id, other.client_secret or "")) as http:
        assert http.get(f"{party.issuer}/simulator/identities").status_code == 401


def test_those_who_are_everywhere_are_copied_not_changed(party: RelyingParty, visitor: Browser) -> None:
    assert "freja" in call(party).json()["everywhere"]
    assert call(party, "POST", body=SIGNE | {"user_id": "auto-approve"}).status_code == 422
    made = call(party, "POST", body={"copy_of": "freja", "user_id": "freja-two", "family_name": "Kopi"})
    assert (made.status_code, made.json()["given_name"], made.json()["app"]) == (201, "Freja", "high")
    page = visitor.submit(visitor.open(party.ask(prompt="login")), user_id="freja-two")
    assert step_of(visitor.get(page.headers["Location"])) == "authenticator"
    assert call(party, "POST", body={"copy_of": "nobody", "user_id": "nobody-two"}).status_code == 422


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cpr": "6907849"}, "cpr: is not ten digits"),
        ({"cpr": "9002849995"}, "cpr: has no date in it"),
        ({"cpr": "6908849995"}, "cpr: is of another date of birth"),
        ({"birthdate": "1984-02-30"}, "birthdate: is not a date"),
        ({"birthdate": "2999-01-01"}, "birthdate: is not between"),
        ({"user_id": "kim"}, "user_id: is not a user id"),
        ({"user_id": "6907849995"}, "user_id: is not a user id"),
        ({"given_name": ""}, "given_name: is needed"),
        ({"given_name": "a\nb"}, "given_name: is not a text"),
        ({"authenticators": ["chip"]}, "authenticators: is not a list"),
        ({"authenticators": [], "app": ""}, "authenticators: somebody who takes the steps needs one"),
        ({"app": ""}, "app: is the level of an app"),
        ({"ial": "highest"}, "ial: is not low"),
        ({"blocked": "yes"}, "blocked: is not true or false"),
        ({"employments": [{"cvr": "12345678", "organisation_name": "X"}]}, "employments: cvr is not a CVR number"),
        ({"employments": [{"cvr": "13748136", "organisation_name": "X", "boss": True}]}, "employments: an employment has no"),
        ({"hobby": "rowing"}, "a member: there is no such member"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(changes: dict[str, Any], reason: str, party: RelyingParty) -> None:
    refused = call(party, "POST", body=SIGNE | changes)
    assert (refused.status_code, refused.json()["error"]) == (422, "invalid_request")
    assert reason in refused.json()["error_description"]
    assert call(party).json()["identities"] == []


def test_a_cpr_number_that_could_be_somebodys_is_refused_and_not_repeated(party: RelyingParty) -> None:
    """Sixty days back it would be one of those who live."""
    number = f"{int(SIGNE['cpr'][:2]) - 60:02}{SIGNE['cpr'][2:]}"
    refused = call(party, "POST", body=SIGNE | {"cpr": number})
    assert refused.status_code == 422
    assert "cpr: is not of the replacement series" in refused.json()["error_description"]
    assert number not in refused.text


def test_a_user_id_is_one_persons_and_stays_so(party: RelyingParty) -> None:
    told = invented(party)
    assert call(party, "POST", body=SIGNE).status_code == 409
    assert call(party, "PATCH", f"/{told['id']}", {"user_id": "signe-other"}).status_code == 422


@pytest.mark.parametrize("body", ["[]", '{"a": 1', "[" * 60_000, "null", '{"client_secret": 7}', " " * 70_000])
def test_only_a_json_object_is_read(body: str, party: RelyingParty) -> None:
    with httpx.Client(trust_env=False, auth=(party.client_id, party.client_secret or "")) as http:
        answer = http.post(f"{party.issuer}/simulator/identities", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_client_proves_who_it_is_as_at_the_token_endpoint(fjordbank: House, party: RelyingParty) -> None:
    post = fjordbank.client(auth_method="client_secret_post")
    credentials = {"client_id": post.client_id, "client_secret": post.client_secret}
    assert call(post, body=credentials, basic=False).status_code == 200
    assert call(post).status_code == 401
    assert call(party, body={"client_id": party.client_id, "client_secret": "wrong"}, basic=False).status_code == 401
    assert call(party, basic=False).json()["error"] == "invalid_client"
    public = fjordbank.client(auth_method="none")
    assert call(public, body={"client_id": public.client_id}, basic=False).status_code == 401


def test_there_is_nothing_outside_test_environments(fjordbank: House) -> None:
    production = fjordbank.client("production")
    for method, body in (("GET", None), ("POST", SIGNE)):
        assert call(production, method, body=body).status_code == 404
