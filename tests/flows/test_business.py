"""One person, several identities: private, and one for each employment. Which of them logs in is said on a page of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from authflows import client_changes
from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import Asked, RelyingParty

Visitors = Callable[..., Browser]
SCOPES = ("openid", "profile", "mitid", "business", "address")
BAKERY, HARBOUR = "Lindholm Brød ApS", "Havnens Skibsværft A/S"


@pytest.fixture
def both(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=SCOPES, identities="both")


def chooser(visitor: Browser, asked: Asked, user_id: str = "auto-approve-business") -> httpx.Response:
    answer = visitor.submit(visitor.open(asked), user_id=user_id)
    while answer.status_code == 303:
        answer = visitor.get(answer.headers["Location"])
    assert answer.status_code == 200
    return answer


def choices(page: httpx.Response) -> list[str]:
    return re.findall(r'name="identity" value="([^"]+)"', page.text)


def told(party: RelyingParty, asked: Asked, location: str) -> dict[str, Any]:
    return party.claims(party.redeem(asked, location)["id_token"])


def as_(visitor: Browser, page: httpx.Response, value: str) -> str:
    return visitor.finish(visitor.submit(page, "choose stack", identity=value))


def test_a_person_chooses_who_they_are(both: RelyingParty, visitor: Browser, books: Books) -> None:
    subjects = {}
    for kind in (0, 1):
        asked = both.ask(scope=" ".join(SCOPES))
        page = chooser(visitor, asked)
        assert "Erik Erhverv" in page.text
        assert "13748136" in page.text
        claims = told(both, asked, as_(visitor, page, choices(page)[kind]))
        subjects[kind] = claims["sub"]
        assert ("cvr" in claims, "mitid_uuid" in claims) == (bool(kind), not kind)
    assert claims["organisation_name"] == BAKERY
    assert (claims["employee_uuid"], claims["rid"], claims["production_unit"]) == (choices(page)[1], "98023728", "1099456789")
    assert (claims["can_represent"], claims["company_signatory"]) == (True, False)
    assert subjects[0] != subjects[1]
    assert books.of(both).agreed == 2
    kept = "SELECT kind FROM authflows_subject WHERE id = ANY(%s::uuid[]) ORDER BY 1"
    assert books.rows(kept, list(subjects.values())) == [("business",), ("private",)]


def test_a_client_for_one_kind_asks_nobody(fjordbank: House, visitor: Browser) -> None:
    for identities, has_cvr in (("private", False), ("business", True)):
        party = fjordbank.client(scopes=SCOPES, identities=identities)
        asked = party.ask(scope=" ".join(SCOPES))
        assert ("cvr" in told(party, asked, visitor.login(asked, "auto-approve-business"))) is has_cvr


def test_somebody_with_two_jobs_says_which(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=SCOPES, identities="business")
    subjects = set()
    for organisation, place in ((BAKERY, 0), (HARBOUR, 1)):
        asked = party.ask(scope=" ".join(SCOPES))
        page = chooser(visitor, asked, "auto-approve-two-jobs")
        assert len(choices(page)) == 2
        claims = told(party, asked, as_(visitor, page, choices(page)[place]))
        assert claims["organisation_name"] == organisation
        subjects.add(claims["sub"])
    assert len(subjects) == 2


def test_somebody_without_an_employment_cannot_come_as_an_employee(fjordbank: House, visitor: Browser, books: Books) -> None:
    party = fjordbank.client(scopes=SCOPES, identities="business")
    asked = party.ask()
    answer = party.told(asked, visitor.login(asked))
    assert (answer["error"], answer["error_description"]) == ("access_denied", "no_such_identity")
    assert books.outcomes(party) == ["failed"]


def test_somebody_with_one_identity_is_not_asked(both: RelyingParty, visitor: Browser) -> None:
    asked = both.ask()
    assert "cvr" not in told(both, asked, visitor.login(asked))


def test_nobody_chooses_what_the_core_did_not_vouch_for(both: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = both.ask()
    page = chooser(visitor, asked)
    for forged in ("", "business", "5d0a7f0c-0000-4000-8000-000000000002", "13748136", "PRIVATE", "private\x00"):
        again = visitor.submit(page, "choose stack", identity=forged)
        assert again.status_code == 200
        assert choices(again) == choices(page)
    assert books.outcomes(both) == ["open"]
    assert "code" in both.told(asked, as_(visitor, page, "private"))


def test_the_choice_is_this_browser_s_alone(both: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    asked = both.ask()
    page = chooser(visitor, asked)
    (form,) = [form for form in forms(page) if form.css == "choose stack"]
    assert new_visitor().post(form.action, form.fields | {"identity": "private"}).status_code == 403
    assert visitor.post(form.action, {"identity": "private"}).status_code == 403
    assert visitor.post(form.action, form.fields | {"identity": "private", "form_token": "x"}).status_code == 403


def test_a_reload_asks_again_and_a_second_answer_repeats_the_first(both: RelyingParty, visitor: Browser) -> None:
    asked = both.ask()
    page = chooser(visitor, asked)
    assert choices(visitor.get(str(page.url))) == choices(page)
    first = as_(visitor, page, choices(page)[1])
    assert as_(visitor, page, choices(page)[0]) == first


def test_whoever_is_expected_by_their_sub_is_not_asked(both: RelyingParty, visitor: Browser) -> None:
    """An id_token_hint of the employee brings the employee, without a choice that could only be wrong."""
    scope = "openid business"
    asked = both.ask(scope=scope)
    page = chooser(visitor, asked)
    hint = both.redeem(asked, as_(visitor, page, choices(page)[1]))["id_token"]
    again = both.ask(scope=scope, id_token_hint=hint)
    assert told(both, again, visitor.login(again, "auto-approve-business"))["cvr"] == "13748136"
    somebody_else = both.ask(scope=scope, id_token_hint=hint)
    answer = both.told(somebody_else, visitor.login(somebody_else, "auto-approve-two-jobs"))
    assert (answer["error"], answer["error_description"]) == ("login_required", "another_person")


def test_leaving_the_choice_ends_the_login(both: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = both.ask()
    answer = both.told(asked, visitor.finish(visitor.submit(chooser(visitor, asked), "cancel")))
    assert (answer["error"], answer["error_description"]) == ("access_denied", "user_aborted")
    assert books.outcomes(both) == ["cancelled"]


def test_who_waits_for_a_choice_lies_sealed(both: RelyingParty, visitor: Browser, books: Books) -> None:
    page = chooser(visitor, both.ask())
    row = "SELECT sealed, request::text, coalesce(answer::text, '') FROM authflows_login WHERE relying_party_id = %s"
    ((sealed, request, answer),) = books.rows(row, both.relying_party_id)
    for name in ("Erik", "13748136", choices(page)[1]):
        assert name.encode() not in bytes(sealed)
        assert name not in request + answer + str(page.url)
    as_(visitor, page, "private")
    assert [row[0] for row in books.rows(row, both.relying_party_id)] == [None]


def test_a_business_identity_reaches_no_more_than_the_operator_is_notified_for(fjordbank: House, visitor: Browser) -> None:
    """NSIS_CAP_BUSINESS is substantial: refused at once where only employees come in, at the choice where anybody may."""
    only, both = (fjordbank.client(scopes=SCOPES, identities=identities) for identities in ("business", "both"))
    asked = only.ask(acr_values="high")
    assert only.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "unmet_authentication_requirements"
    for kind, answer in ((1, "unmet_authentication_requirements"), (0, None)):
        asked = both.ask(acr_values="high")
        page = chooser(visitor, asked)
        assert both.told(asked, as_(visitor, page, choices(page)[kind])).get("error") == answer


def test_a_client_that_stops_meeting_employees_while_one_chooses(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=SCOPES, identities="both", dialect="neb")
    page = chooser(visitor, party.ask(scope="openid mitid", idp_values="mitid_erhverv"), "auto-approve-two-jobs")
    assert len(choices(page)) == 2
    with fjordbank.blocker.unblock():
        client_changes.change(party.tenant_id, fjordbank.opened.test, party.relying_party_id, {"identities": "private"}, actor="a test")
    again = visitor.get(str(page.url))
    assert (again.status_code, "connection_withdrawn" in again.text) == (503, True)
    fresh = party.ask(scope="openid mitid")
    assert "code" in party.told(fresh, visitor.login(fresh, "auto-approve-two-jobs"))


def test_a_session_remembers_which_identity_it_was(fjordbank: House, visitor: Browser) -> None:
    group: dict[str, Any] = {"scopes": SCOPES, "sso_group": "work"}
    both, private = fjordbank.client(identities="both", **group), fjordbank.client(identities="private", **group)
    asked = both.ask(scope="openid business")
    page = chooser(visitor, asked)
    visitor.remembers = True
    told(both, asked, as_(visitor, page, choices(page)[1]))
    again = both.ask(scope="openid business", prompt="none")
    assert told(both, again, visitor.get(again.url).headers["Location"])["cvr"] == "13748136"
    elsewhere = private.ask(prompt="none")
    assert private.told(elsewhere, visitor.get(elsewhere.url).headers["Location"])["error"] == "login_required"
