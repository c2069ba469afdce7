"""CPR numbers: by law, by consent, by the relying party's own question; few tries, a short while, and no trace in clear."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles.browser import Browser, forms
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import Asked, RelyingParty
from tests.flows.test_hostile_input import EXAMPLES, NASTY
from tests.flows.test_nothing_personal import dump
from tests.harness.ground import Ground
from tests.harness.server import Server

Visitors = Callable[..., Browser]
SCOPE = "openid mitid ssn"
AGNES, LASSE, OTHER = "7204859998", "6309919997", "6806949996"


@pytest.fixture
def party(fjordbank: House) -> RelyingParty:
    return fjordbank.client(scopes=tuple(SCOPE.split()), cpr_basis="consent")


def form(visitor: Browser, asked: Asked, user_id: str = "auto-approve") -> httpx.Response:
    """The page behind the box."""
    answer = visitor.submit(visitor.open(asked), user_id=user_id)
    while answer.status_code == 303 and answer.headers["Location"].startswith("/"):
        answer = visitor.get(answer.headers["Location"])
    return answer


def given_number(visitor: Browser, page: httpx.Response, number: str, *, remember: bool = False) -> httpx.Response:
    (typed,) = [each for each in forms(page) if each.css == "form number"]
    fields = {"form_token": typed.fields["form_token"], "cpr": number} | ({"remember": "1"} if remember else {})
    return visitor.post(typed.action, fields)


def without(visitor: Browser, page: httpx.Response) -> httpx.Response:
    (typed,) = [each for each in forms(page) if each.css == "form number"]
    return visitor.post(typed.action, {"form_token": typed.fields["form_token"], "without": "1"})


def told(party: RelyingParty, asked: Asked, location: str) -> dict[str, Any]:
    return party.claims(party.redeem(asked, location)["id_token"])


def about(claims: dict[str, Any]) -> tuple[str | None, str | None]:
    return claims.get("cpr"), claims.get("cpr_status")


def test_a_number_that_matches_is_told(party: RelyingParty, visitor: Browser, books: Books) -> None:
    for typed in (AGNES, f"{AGNES[:6]}-{AGNES[6:]}", f" {AGNES[:6]} {AGNES[6:]} "):
        asked = party.ask(scope=SCOPE)
        page = form(visitor, asked)
        assert "I allow Fjordbank to compare my CPR number" in page.text
        assert about(told(party, asked, visitor.finish(given_number(visitor, page, typed)))) == (AGNES, "matched")
    consents = books.rows(
        "SELECT language, title, text, remembers FROM authflows_cprconsent WHERE relying_party_id = %s", party.relying_party_id
    )
    text = "I allow Fjordbank to compare my CPR number with the one that belongs to my MitID."
    assert consents == [("en", "Consent", text, False)] * 3
    assert (
        books.one(
            "SELECT count(*) FROM authflows_rememberedcpr r JOIN authflows_cprconsent c ON c.id = r.consent_id"
            " WHERE c.relying_party_id = %s",
            party.relying_party_id,
        )
        == 0
    )


def test_three_wrong_numbers_end_the_login_in_whatever_tab(party: RelyingParty, visitor: Browser, books: Books) -> None:
    asked = party.ask(scope=SCOPE)
    page = form(visitor, asked)
    for left in (2, 1):
        wrong = visitor.get(given_number(visitor, page, OTHER).headers["Location"])
        assert f"You have {left} attempt" in wrong.text
        assert f"You have {left} attempt" in visitor.get(str(page.url)).text  # another tab
    answer = party.told(asked, visitor.finish(given_number(visitor, page, OTHER)))
    assert (answer["error"], answer["error_description"]) == ("access_denied", "cpr_not_matched")
    assert party.told(asked, visitor.finish(given_number(visitor, page, AGNES))) == answer
    assert books.outcomes(party) == ["failed"]


def test_what_is_no_number_costs_no_try(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(scope=SCOPE)
    page = form(visitor, asked)
    for typed in ("", "123", "9999999999", "72048599981", AGNES + "x", "abcdefghij", "7213859998"):
        again = given_number(visitor, page, typed)
        assert (again.status_code, "not a CPR number" in again.text) == (200, True)
    assert about(told(party, asked, visitor.finish(given_number(visitor, page, AGNES)))) == (AGNES, "matched")


def test_after_a_quarter_of_an_hour_nothing_is_compared(party: RelyingParty, visitor: Browser, books: Books) -> None:
    """By the core's clock: what it vouched for is made older on its side and ours."""
    tokens_of: dict[str, Any] = {}
    asked = party.ask(scope="openid mitid")
    tokens_of = party.redeem(asked, visitor.login(asked))
    books.execute(
        "UPDATE authflows_grant SET auth_time = auth_time - interval '16 minutes' WHERE relying_party_id = %s", party.relying_party_id
    )
    answer = compare(party, tokens_of["access_token"], AGNES)
    assert (answer.status_code, answer.json()["error"]) == (403, "cpr_too_late")


def compare(party: RelyingParty, access_token: str, number: str) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {access_token}"}
    return httpx.post(f"{party.issuer}/cpr/match", json={"cpr": number}, headers=bearer, timeout=20, trust_env=False)


def test_a_relying_party_compares_with_its_access_token(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(scope="openid mitid")
    token = party.redeem(asked, visitor.login(asked))["access_token"]
    wrong, right, malformed = (compare(party, token, number) for number in (OTHER, AGNES, "12"))
    assert wrong.json() == {"cpr_match": False, "tries_left": 2}
    assert right.json() == {"cpr_match": True, "tries_left": 1}
    assert (malformed.status_code, malformed.json()["error"]) == (400, "invalid_cpr")
    assert compare(party, token, OTHER).json() == {"cpr_match": False, "tries_left": 0}
    over = compare(party, token, AGNES)
    assert (over.status_code, over.json()["error"]) == (403, "cpr_not_matched")
    assert over.headers["Cache-Control"] == "no-store"


def test_ten_at_once_have_three_tries_between_them(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(scope="openid mitid")
    token = party.redeem(asked, visitor.login(asked))["access_token"]
    with ThreadPoolExecutor(10) as pool:
        answers = [each.result() for each in [pool.submit(compare, party, token, OTHER) for _ in range(10)]]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [403] * 7
    assert sorted(answer.json()["tries_left"] for answer in answers if answer.status_code == 200) == [0, 1, 2]


def test_tries_are_counted_together_on_the_page_and_by_the_api(party: RelyingParty, visitor: Browser, new_visitor: Visitors) -> None:
    """A session that answers a new Login has the same core session, and so the same three tries."""
    visitor.remembers = True
    asked = party.ask(scope=SCOPE)
    page = form(visitor, asked)
    given_number(visitor, page, OTHER)
    first = party.redeem(asked, visitor.finish(given_number(visitor, page, AGNES)))["access_token"]
    again = party.ask(scope="openid mitid", prompt="none")
    second = party.redeem(again, visitor.get(again.url).headers["Location"])["access_token"]
    assert compare(party, second, OTHER).json() == {"cpr_match": False, "tries_left": 0}
    assert compare(party, first, AGNES).status_code == 403


def test_the_api_is_for_a_client_with_a_basis_and_for_a_token(fjordbank: House, party: RelyingParty, visitor: Browser) -> None:
    bare = fjordbank.client()
    asked = bare.ask()
    token = bare.redeem(asked, visitor.login(asked))["access_token"]
    assert compare(bare, token, AGNES).json()["error"] == "cpr_not_allowed"
    assert compare(party, "x" * 43, AGNES).json()["error"] == "invalid_token"
    assert httpx.post(f"{party.issuer}/cpr/match", json={"cpr": AGNES}, trust_env=False).status_code == 401
    assert httpx.get(f"{party.issuer}/cpr/match?cpr={AGNES}", trust_env=False).status_code == 405
    asked = party.ask(scope="openid mitid")
    token = party.redeem(asked, visitor.login(asked))["access_token"]
    for body in (b"", b"[]", b"{}", b"\xff", b'{"cpr": ' * 9):
        answer = httpx.post(f"{party.issuer}/cpr/match", content=body, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        assert answer.status_code == 400, body


def test_a_number_that_may_be_remembered_is_not_asked_for_again(
    fjordbank: House, visitor: Browser, new_visitor: Visitors, books: Books
) -> None:
    """By any client of the organisation that has a basis; until it is withdrawn by a login that says so."""
    one, other = (fjordbank.client(scopes=tuple(SCOPE.split()), cpr_basis="consent") for _ in range(2))
    asked = one.ask(scope=SCOPE)
    page = form(visitor, asked, "auto-approve-two-jobs")
    told(one, asked, visitor.finish(given_number(visitor, page, "7102829994", remember=True)))
    for each in (one, other):
        asked = each.ask(scope=SCOPE)
        assert about(told(each, asked, new_visitor().login(asked, "auto-approve-two-jobs"))) == ("7102829994", "remembered")
    asked = one.ask(scope=SCOPE, prompt="consent_revoke")
    assert about(told(one, asked, visitor.login(asked, "auto-approve-two-jobs"))) == (None, "revoked")
    kept = books.rows(
        "SELECT revoked_at IS NOT NULL, remembers, text FROM authflows_cprconsent WHERE relying_party_id = %s", one.relying_party_id
    )
    assert [row[:2] for row in kept] == [(True, True)]
    assert "Remember it for a year" in kept[0][2]
    assert 'name="cpr"' in form(visitor, one.ask(scope=SCOPE), "auto-approve-two-jobs").text


def test_people_withdraw_on_a_page_of_the_issuer(fjordbank: House, new_visitor: Visitors, visitor: Browser) -> None:
    party = fjordbank.client(scopes=tuple(SCOPE.split()), cpr_basis="consent")
    visitor.remembers = True
    asked = party.ask(scope=SCOPE)
    told(party, asked, visitor.finish(given_number(visitor, form(visitor, asked, "auto-approve-business"), "6908769995", remember=True)))
    address = f"{party.issuer}/cpr"
    assert "Withdraw the consent" not in new_visitor().get(address).text
    page = visitor.get(address)
    assert "I allow Fjordbank" in page.text
    assert "6908769995" not in page.text
    assert new_visitor().submit(page, "withdraw").status_code == 403
    assert "Your consent is withdrawn" in visitor.submit(page, "withdraw").text
    assert "We remember no CPR number" in visitor.get(address).text
    visitor.forget_sessions()
    assert 'name="cpr"' in form(visitor, party.ask(scope=SCOPE), "auto-approve-business").text


def test_somebody_without_a_number(fjordbank: House, party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(scope=SCOPE)
    answer = party.told(asked, visitor.login(asked, "auto-approve-no-cpr"))
    assert (answer["error"], answer["error_description"]) == ("access_denied", "cpr_status_none")
    optional = fjordbank.client(scopes=tuple(SCOPE.split()), cpr_basis="consent", cpr_optional=True)
    asked = optional.ask(scope=SCOPE)
    assert about(told(optional, asked, visitor.login(asked, "auto-approve-no-cpr"))) == (None, "none")


def test_somebody_who_keeps_it_comes_in_only_where_it_is_optional(fjordbank: House, party: RelyingParty, visitor: Browser) -> None:
    optional = fjordbank.client(scopes=tuple(SCOPE.split()), cpr_basis="consent", cpr_optional=True)
    asked = optional.ask(scope=SCOPE)
    page = form(visitor, asked)
    assert "Continue without" in page.text
    assert about(told(optional, asked, visitor.finish(without(visitor, page)))) == (None, "declined")
    asked = party.ask(scope=SCOPE)
    page = form(visitor, asked)
    assert "Continue without" not in page.text
    assert party.told(asked, visitor.finish(without(visitor, page)))["error_description"] == "user_aborted"
    asked = optional.ask(scope=SCOPE)
    page = form(visitor, asked)
    for _ in range(2):
        given_number(visitor, page, OTHER)
    assert about(told(optional, asked, visitor.finish(given_number(visitor, page, OTHER)))) == (None, "not_matched")


def test_nobody_is_asked_who_does_not_reach_the_level(party: RelyingParty, visitor: Browser) -> None:
    asked = party.ask(scope=SCOPE, acr_values="substantial")
    answer = party.told(asked, visitor.login(asked, "auto-approve-low"))
    assert answer["error"] == "unmet_authentication_requirements"


@settings(EXAMPLES, max_examples=30)
@given(st.text(max_size=20) | NASTY | st.from_regex(r"[0-9٠-٩]{6}[- ]?[0-9]{4}", fullmatch=True), st.binary(max_size=40))
def test_whatever_is_typed_nothing_breaks(party: RelyingParty, visitor: Browser, typed: str, body: bytes) -> None:
    page = form(visitor, party.ask(scope=SCOPE))
    assert given_number(visitor, page, typed).status_code < 500
    address = f"{party.issuer}/cpr/match"
    for sent in ({"json": {"cpr": typed}}, {"data": {"cpr": typed}}, {"content": body}):
        assert httpx.post(address, headers={"Authorization": "Bearer x"}, trust_env=False, **sent).status_code == 401


@pytest.fixture
def authority(fjordbank: House, books: Books) -> Any:
    """A public house, whose connection delivers."""
    books.execute("UPDATE tenants_tenant SET sector = 'public' WHERE id = %s", fjordbank.id)
    yield fjordbank
    books.execute("UPDATE tenants_tenant SET sector = 'private' WHERE id = %s", fjordbank.id)
    fjordbank.client()  # every process reads it again


def test_by_law_the_number_is_delivered_without_a_form(authority: House, visitor: Browser) -> None:
    party = authority.client(scopes=tuple(SCOPE.split()), cpr_basis="law")
    asked = party.ask(scope=SCOPE)
    assert about(told(party, asked, visitor.login(asked))) == (AGNES, "delivered")
    asked = party.ask(scope="openid mitid")
    assert about(told(party, asked, visitor.login(asked))) == (None, None)
    asked = party.ask(scope=SCOPE)
    assert party.told(asked, visitor.login(asked, "auto-approve-no-cpr"))["error_description"] == "cpr_status_none"


def test_an_employee_s_number_is_delivered_where_the_law_covers_employees(authority: House, visitor: Browser) -> None:
    for named, answer in ((True, ("6908769995", "delivered")), (False, (None, "not_for_business"))):
        scopes = ("openid", "business", "ssn")
        party = authority.client(scopes=scopes, identities="business", cpr_basis="law", cpr_business=named)
        asked = party.ask(scope=" ".join(scopes))
        assert about(told(party, asked, visitor.login(asked, "auto-approve-business"))) == answer


def test_what_is_delivered_is_withheld_until_the_person_consents(authority: House, visitor: Browser) -> None:
    party = authority.client(scopes=tuple(SCOPE.split()), cpr_basis="consent", cpr_optional=True)
    asked = party.ask(scope=SCOPE)
    assert about(told(party, asked, visitor.finish(without(visitor, form(visitor, asked))))) == (None, "declined")


def test_employees_are_asked_only_where_the_basis_names_them(fjordbank: House, visitor: Browser) -> None:
    scopes = ("openid", "business", "ssn")
    private = fjordbank.client(scopes=scopes, identities="business", cpr_basis="consent")
    asked = private.ask(scope=" ".join(scopes))
    assert about(told(private, asked, visitor.login(asked, "auto-approve-business"))) == (None, "not_for_business")
    token = private.redeem(again := private.ask(scope="openid business"), visitor.login(again, "auto-approve-business"))["access_token"]
    assert compare(private, token, "6908769995").json()["error"] == "cpr_not_allowed"
    named = fjordbank.client(scopes=scopes, identities="business", cpr_basis="consent", cpr_business=True)
    asked = named.ask(scope=" ".join(scopes))
    page = form(visitor, asked, "auto-approve-business")
    assert about(told(named, asked, visitor.finish(given_number(visitor, page, "6908769995")))) == ("6908769995", "matched")


def test_a_single_claim_asks_too_and_no_session_answers(party: RelyingParty, visitor: Browser) -> None:
    visitor.remembers = True
    asked = party.ask(scope="openid", claims='{"id_token": {"cpr": null}}')
    claims = told(party, asked, visitor.finish(given_number(visitor, form(visitor, asked), AGNES)))
    assert about(claims) == (AGNES, None)
    again = party.ask(scope=SCOPE, prompt="none")
    assert party.told(again, visitor.get(again.url).headers["Location"])["error"] == "login_required"


def test_a_number_that_was_pushed_stands_in_the_form(party: RelyingParty, visitor: Browser) -> None:
    asked = party.push(party.ask(scope=SCOPE, login_hint=AGNES))
    assert f'value="{AGNES}"' in form(visitor, asked).text


def test_no_number_is_anywhere_in_clear(party: RelyingParty, visitor: Browser, ground: Ground, server: Server) -> None:
    """A dump of the database, every log, and every address."""
    asked = party.ask(scope=SCOPE, acr_values="low")
    page = form(visitor, asked, "auto-approve-low")
    answers = [given_number(visitor, page, OTHER), given_number(visitor, page, LASSE, remember=True)]
    token = party.redeem(asked, visitor.finish(answers[-1]))["access_token"]
    assert compare(party, token, LASSE).json()["cpr_match"] is True
    addresses = [str(page.url), *(answer.headers.get("Location", "") for answer in answers)]
    text = dump(ground) + "".join(log.read_text() for log in server.logs.values()) + " ".join(addresses)
    for number in (LASSE, OTHER):
        for spelling in (number, f"{number[:6]}-{number[6:]}", number.encode().hex()):
            assert spelling not in text
