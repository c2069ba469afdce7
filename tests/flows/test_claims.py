"""What a relying party is told of a person, kind by kind, against files; and what is kept of one whose age alone was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground, free_port
from tests.harness.server import Server

Visitors = Callable[..., Browser]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
# These differ from login to login; the file has their types.
OWN = {"sub", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", "sid", "transaction_id", "core_transaction_id", "mitid_age"}
EVERYTHING = ("openid", "profile", "mitid", "age_over:18", "age_over:65")
# A kind of login: who, with which scopes, asking for what more.
KINDS: dict[str, tuple[str, tuple[str, ...], dict[str, str | None]]] = {
    "substantial": ("auto-approve", EVERYTHING, {}),
    "high": ("auto-approve", ("openid", "mitid"), {"acr_values": "high"}),
    "low": ("auto-approve-low", EVERYTHING, {"acr_values": "low"}),
    "name-protected": ("auto-approve-protected", EVERYTHING, {}),
    "age-only": ("auto-approve", ("openid", "age_over:18"), {}),
    "at-home": ("auto-approve", ("openid", "address", "nemid_pid", "risk"), {}),
    "employee": ("auto-approve-business", ("openid", "profile", "mitid", "business", "address"), {}),
    "single-claims": ("auto-approve", EVERYTHING, {"scope": "openid", "claims": '{"userinfo": {"given_name": null, "age_over_18": null}}'}),
}


def told(party: RelyingParty, visitor: Browser, user_id: str, **changes: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """id_token and userinfo."""
    asked = party.ask(**changes)
    tokens = party.redeem(asked, visitor.login(asked, user_id))
    return party.claims(tokens["id_token"]), party.userinfo(tokens["access_token"]).json()


def typed(claims: dict[str, Any], party: RelyingParty) -> dict[str, Any]:
    told = {name: f"<{type(value).__name__}>" if name in OWN else value for name, value in claims.items()}
    return json.loads(json.dumps(told).replace(party.issuer, "https://issuer.example"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_login_tells_what_was_agreed(kind: str, fjordbank: House, visitor: Browser) -> None:
    user_id, scopes, changes = KINDS[kind]
    party = fjordbank.client(
        scopes=scopes,
        identities="business" if kind == "employee" else "private",
        risk_basis="Fraud prevention, illustrative" if "risk" in scopes else "",
    )
    id_token, userinfo = told(party, visitor, user_id, **{"scope": " ".join(scopes)} | changes)
    agreed = json.loads((GOLDEN / f"login-{kind}.json").read_text())
    assert {"id_token": typed(id_token, party), "userinfo": typed(userinfo, party)} == agreed


def test_an_age_is_counted_in_birthdays(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=EVERYTHING)
    id_token, _ = told(party, visitor, "auto-approve", scope="openid profile mitid")
    born, today = datetime.fromisoformat(id_token["birthdate"]), datetime.now(UTC)
    assert id_token["mitid_age"] == today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def test_whoever_shows_an_age_only_is_nobody_afterwards(fjordbank: House, havneby: House, visitor: Browser, books: Books) -> None:
    """Decision 2: a `sub` that is never stored, another at each login, and that of nobody."""
    party = havneby.client(scopes=("openid", "profile", "age_over:18"))
    before = books.one("SELECT count(*) FROM authflows_subject WHERE tenant_id = %s", havneby.id)
    subs = {told(party, visitor, "auto-approve", scope="openid age_over:18")[0]["sub"] for _ in range(3)}
    assert len(subs) == 3
    assert books.one("SELECT count(*) FROM authflows_subject WHERE tenant_id = %s", havneby.id) == before
    known, _ = told(party, visitor, "auto-approve", scope="openid profile age_over:18")
    assert known["sub"] not in subs
    assert known["age_over_18"] is True
    assert books.one("SELECT count(*) FROM authflows_subject WHERE id = ANY(%s::uuid[])", list(subs)) == 0
    assert books.outcomes(party) == ["completed"] * 4


def test_an_age_that_the_client_was_not_registered_for_is_refused(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(scopes=("openid", "age_over:18"))
    for scope in ("openid age_over:21", "openid age_over:18 age_over:1"):
        asked = party.ask(scope=scope)
        assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "invalid_scope"


@pytest.fixture(scope="module")
def extended(ground: Ground, server: Server) -> Iterator[Server]:
    """The same installation in a second process, with a deployer's own claims."""
    module = "tests.doubles.extensions"
    second = Server(
        ground,
        free_port(),
        background=False,
        OIDC_EXTRA_SCOPE_CLAIMS=f"{module}.CustomerClaims",
        OIDC_IDTOKEN_PROCESSING_HOOK=f"{module}.branch, {module}.nameless",
        PYTHONPATH=str(Path(__file__).resolve().parents[2]),
    )
    second.start()
    yield second
    second.stop()


def test_a_deployer_s_claims_reach_the_relying_party(fjordbank: House, server: Server, extended: Server) -> None:
    from django.test import override_settings

    with override_settings(OIDC_EXTRA_SCOPE_CLAIMS="tests.doubles.extensions.CustomerClaims"):
        party = fjordbank.client(scopes=("openid", "profile", "customer"))
    with Browser(extended.base_url, host=server.base_url.removeprefix("http://")) as visitor:
        asked = party.ask(scope="openid profile customer")
        tokens = party.token(asked, party.told(asked, visitor.login(asked))["code"], visitor.http).json()
        userinfo = party.userinfo(tokens["access_token"], at=visitor.http).json()
        described = visitor.get(f"{party.issuer}/.well-known/openid-configuration").json()
    id_token = party.claims(tokens["id_token"])
    assert userinfo["customer_number"] == id_token["customer_number"] == f"{party.client_id}/Agnes"
    assert (id_token["branch"], id_token["name"]) == (f"{party.client_id}:openid profile customer", "-")
    assert userinfo["name"] == "Agnes Automatisk"
    assert "customer" in described["scopes_supported"]
