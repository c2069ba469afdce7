"""What a client of each dialect is told, member by member against what its provider was recorded or documented to tell.

tests/golden/dialects/recorded.json has their members with invented values of the same kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authflows.levels import Level
from authflows.oidc.dialects.registry import DIALECTS

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "dialects"
RECORDED: dict[str, dict[str, dict[str, Any]]] = json.loads((GOLDEN / "recorded.json").read_text())
CASES = [(dialect, answer) for dialect, answers in RECORDED.items() for answer in answers]
SUBJECT = "9f0c2d34-5b6a-4c7d-8e9f-a0b1c2d3e4f5"
CLAIMS: dict[str, Any] = {
    "loa": Level.SUBSTANTIAL.uri,
    "ial": Level.HIGH.uri,
    "aal": Level.SUBSTANTIAL.uri,
    "identity_type": "private",
    "idp": "mitid",
    "transaction_id": "0195d1f0-0000-7000-8000-00000000000a",
    "core_transaction_id": "0195d1f0-0000-7000-8000-00000000000b",
    "mitid_uuid": "b3f4c0de-0000-4000-8000-000000000001",
    "mitid_age": 41,
    "mitid_has_cpr": True,
    "mitid_authenticators": ["code_app"],
    "name": "Agnes Automatisk",
    "given_name": "Agnes",
    "family_name": "Automatisk",
    "birthdate": "1985-04-12",
    "name_protected": False,
    "cpr": "7204851234",
    "cpr_status": "matched",
    "address": {
        "formatted": "Havnegade 1",
        "street_address": "Havnegade 1",
        "postal_code": "6000",
        "locality": "Kolding",
        "country": "DK",
    },
    "asked": {"level": "low", "reference_text": "Pay 100 kr."},
}
TOKEN = CLAIMS | {
    "iss": "https://fjordbank.example",
    "sub": SUBJECT,
    "aud": "fjordbank-1",
    "iat": 1795521600,
    "exp": 1795521900,
    "auth_time": 1795521599,
    "acr": Level.SUBSTANTIAL.uri,
    "amr": ["hwk", "pin", "mfa"],
    "sid": "EWv7_vH_d9W0jLa-I2XD3RCT4loNOD-t",
    "at_hash": "tTA5eBz3ebGTPhQjlX4mrA",
    "nonce": "uKwPmKcdb2kQVbsmgcwnag",
}
SCOPE = {
    "idura": "openid",
    "neb": "openid mitid ssn",
    "signicat": "openid profile idp-id nin mitid-extra",
}
# What we cannot say, or do not know: docs/dialects.md has the reasons.
NOT_GIVEN = {
    "idura": {"address_details", "mitid:ct:sid", "mitid:ct:sid:exp", "fal", "authenticationmethod", "refTextHeader", "cprNumberStatus"},
    "neb": {
        "session_expiry",
        "session_is_active",
        "nemid.pid_status",
        "ssn.details.status",
        "mitid.geo_ip_distance_km",
        "mitid.cpr_consent_text",
        "mitid.cpr_consent_header",
    },
    "signicat": {"nbf", "mitid_fal", "mitid_auth_token_id"},
}
# What every client's library may check, and their samples do not show.
BESIDES = {"at_hash", "auth_time", "amr", "sid", "acr"}
# Ids that are theirs or ours to make: opaque to a client, and of another length.
OPAQUE = {"sid", "neb_sid", "sessionindex", "nonce", "at_hash", "iss", "aud"}
SHAPES = [
    (r"https://data\.gov\.dk/concept/core/nsis/(Low|Substantial|High)", "NSIS URI"),
    (r"urn:grn:authn:dk:mitid:(low|substantial|high)", "URN"),
    (r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}", "UUID in braces"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    (r"[0-9a-f]{32}", "UUID without dashes"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "date"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z", "instant"),
    (r"[0-9]{10}", "CPR number"),
    (r"[0-9]+", "number"),
    (r"LOW|SUBSTANTIAL|HIGH", "level in capitals"),
    (r"low|substantial|high", "level"),
    (r"true|false", "boolean"),
]


def shape(value: Any) -> str:
    if isinstance(value, str):
        return next((f"string: {name}" for pattern, name in SHAPES if re.fullmatch(pattern, value)), "string")
    return type(value).__name__


def told(dialect: str, answer: str, native: dict[str, Any] | None = None) -> dict[str, Any]:
    before, after = DIALECTS[dialect].SUBJECT_FORM
    if native is None:
        native = TOKEN if answer == "id_token" else CLAIMS | {"sub": SUBJECT}
    known = native | ({"sub": before + native["sub"] + after} if "sub" in native else {})
    return getattr(DIALECTS[dialect], answer)(known, SCOPE[dialect])  # type: ignore[no-any-return]


@pytest.mark.parametrize("answer", ["id_token", "userinfo"])
@pytest.mark.parametrize("dialect", SCOPE)
def test_golden(dialect: str, answer: str) -> None:
    assert told(dialect, answer) == json.loads((GOLDEN / f"{dialect}.{answer}.json").read_text())


@pytest.mark.parametrize(("dialect", "answer"), CASES)
def test_every_member_of_theirs_is_told_or_documented_as_missing(dialect: str, answer: str) -> None:
    missing = RECORDED[dialect][answer].keys() - told(dialect, answer).keys()
    assert missing <= NOT_GIVEN[dialect]


@pytest.mark.parametrize(("dialect", "answer"), CASES)
def test_nothing_is_told_that_they_do_not_tell(dialect: str, answer: str) -> None:
    assert told(dialect, answer).keys() - RECORDED[dialect][answer].keys() <= BESIDES


@pytest.mark.parametrize(("dialect", "answer"), CASES)
def test_members_have_their_type_and_shape(dialect: str, answer: str) -> None:
    opaque = OPAQUE | ({"sub"} if dialect == "signicat" else set())
    recorded = {name: shape(value) for name, value in RECORDED[dialect][answer].items()}
    ours = {name: shape(value) for name, value in told(dialect, answer).items()}
    assert {name: (recorded[name], ours[name]) for name in recorded.keys() & ours.keys() - opaque if recorded[name] != ours[name]} == {}


def documented(dialect: str) -> Iterator[str]:
    """The names in the table of claims that are not given."""
    section = (ROOT / "docs" / "dialects.md").read_text().partition(f"\n## {dialect}\n")[2].partition("\n## ")[0]
    for row in section.partition("### Claims that are not given")[2].splitlines():
        if row.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", row.split("|")[1])


@pytest.mark.parametrize("dialect", NOT_GIVEN)
def test_what_is_not_given_stands_in_the_documentation(dialect: str) -> None:
    assert NOT_GIVEN[dialect] <= set(documented(dialect))


EMPLOYEE = {name: value for name, value in TOKEN.items() if name not in ("mitid_uuid", "address", "cpr", "cpr_status", "asked")} | {
    "identity_type": "business",
    "mitid_has_cpr": False,
    "cvr": "13748136",
    "organisation_name": "Lindholm Brød ApS",
    "employee_uuid": "5d0a7f0c-0000-4000-8000-000000000002",
    "rid": "98023728",
    "production_unit": "1099456789",
    "can_represent": True,
    "company_signatory": False,
}
AT_WORK = {"idura": "openid", "neb": "openid mitid nemlogin", "signicat": "openid profile mitid-extra mitid-business"}


@pytest.mark.parametrize("dialect", AT_WORK)
def test_an_employee_is_told_in_their_names(dialect: str) -> None:
    before, after = DIALECTS[dialect].SUBJECT_FORM
    known = EMPLOYEE | {"sub": before + SUBJECT + after}
    given = {answer: getattr(DIALECTS[dialect], answer)(known, AT_WORK[dialect]) for answer in ("id_token", "userinfo")}
    assert given == json.loads((GOLDEN / f"{dialect}.employee.json").read_text())


def test_a_company_s_signatory_is_told_apart() -> None:
    signatory = DIALECTS["idura"].id_token(EMPLOYEE | {"company_signatory": True}, "openid")
    assert (signatory["companySignatory"], "employee" in signatory) == ("true", False)


def test_neb_says_what_became_of_the_pid_and_how_far_away_somebody_was() -> None:
    known = CLAIMS | {"sub": SUBJECT, "risk": {"distance_km": {"value": 3, "source": "mitid"}}}
    told = DIALECTS["neb"].userinfo(known, "openid mitid nemid.pid")
    assert (told["nemid.pid_status"], told["mitid.geo_ip_distance_km"]) == ("unable_to_lookup", "3")
    told = DIALECTS["neb"].userinfo(known | {"nemid_pid": "9208-2002-2-100000000001"}, "openid mitid nemid.pid")
    assert (told["nemid.pid_status"], told["nemid.pid"]) == ("success", "9208-2002-2-100000000001")


@pytest.mark.parametrize(("status", "source"), [("matched", "user"), ("remembered", "database"), ("declined", None)])
def test_signicat_says_where_a_number_came_from(status: str, source: str | None) -> None:
    told = DIALECTS["signicat"].userinfo(CLAIMS | {"sub": SUBJECT, "cpr_status": status}, SCOPE["signicat"])
    assert told.get("mitid_cpr_source") == source


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("answer", ["id_token", "userinfo"])
def test_a_refresh_or_a_bare_token_is_told_too(dialect: str, answer: str) -> None:
    """Any native member may be missing."""
    for name in TOKEN:
        getattr(DIALECTS[dialect], answer)({key: value for key, value in TOKEN.items() if key != name}, "openid")
    getattr(DIALECTS[dialect], answer)({}, "")


def test_native_tells_what_it_is_given_and_nothing_of_what_was_asked() -> None:
    assert DIALECTS["native"].id_token(TOKEN, "openid") == {name: value for name, value in TOKEN.items() if name != "asked"}


def test_idura_names_the_level_that_was_asked_for_and_the_one_that_was_reached() -> None:
    given = told("idura", "id_token")
    assert given["authenticationtype"].endswith(":low")
    assert given["acr"].endswith(":substantial")


def test_a_protected_name_stays_protected() -> None:
    protected = {name: value for name, value in CLAIMS.items() if name not in ("name", "given_name", "family_name")}
    protected |= {"name_protected": True, "sub": SUBJECT}
    for dialect in SCOPE:
        assert "Agnes" not in str(told(dialect, "userinfo", protected))
    assert told("neb", "userinfo", protected)["mitid.identity_name"] == "NAVNE & ADRESSEBESKYTTET"


BUSINESS = {
    "sub": SUBJECT,
    "cvr": "88000018",
    "employee_uuid": SUBJECT,
    "rid": "98023728",
    "organisation_name": "Havneby",
    "can_represent": True,
}


@pytest.mark.parametrize(
    ("dialect", "names"),
    [
        ("idura", {"cvrNumberIdentifier": "88000018", "ridNumberIdentifier": "98023728", "2.5.4.10": "Havneby", "employee": "true"}),
        (
            "neb",
            {"nemlogin.cvr": "88000018", "nemlogin.nemid.rid": "98023728", "nemlogin.org_name": "Havneby", "nemlogin.auth_to_repr": "true"},
        ),
        ("signicat", {"mitid_organisation_cvr": "88000018", "mitid_employee_rid": "98023728", "mitid_employee_uuid": SUBJECT}),
    ],
)
def test_companies(dialect: str, names: dict[str, str]) -> None:
    assert names.items() <= told(dialect, "userinfo", BUSINESS).items()
    assert all(isinstance(value, str) for value in told(dialect, "userinfo", BUSINESS).values())


def test_signicat_tells_mitid_s_own_only_where_it_was_asked_for() -> None:
    told = DIALECTS["signicat"].userinfo(CLAIMS, "openid idp-id")
    assert "idp_id" in told
    assert not [name for name in told if name.startswith("mitid_")]
