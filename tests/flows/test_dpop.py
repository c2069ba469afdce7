"""Tokens that are good only with the key that they were given to (RFC 9449; security.md B.1, 20, 21, 23 and 30)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.keyholder import KeyHolder, new_key
from tests.doubles.prover import Prover
from tests.doubles.relying_party import Asked


@dataclass(frozen=True)
class Bound:
    """A client, a key to prove, and the browser of somebody who logs in."""

    holder: KeyHolder
    prover: Prover
    visitor: Browser

    def code(self, **changes: str | None) -> tuple[Asked, str]:
        asked, _ = self.holder.pushed(**{"prompt": "login", **changes})
        return asked, self.holder.party.told(asked, self.visitor.login(asked))["code"]

    def token(self, asked: Asked, code: str, proof: str) -> httpx.Response:
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
        return self.holder.post("/token", body, DPoP=proof)

    def for_token(self, **changes: Any) -> str:
        return self.prover.proof("POST", self.holder.issuer + "/token", **changes)

    def redeemed(self, **changes: Any) -> dict[str, Any]:
        answer = self.token(*self.code(), self.for_token(**changes))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def userinfo(self, token: str, proof: str, scheme: str = "DPoP") -> httpx.Response:
        headers = {"Authorization": f"{scheme} {token}"} | ({"DPoP": proof} if proof else {})
        return self.visitor.http.get(self.holder.issuer + "/userinfo", headers=headers)

    def for_userinfo(self, token: str, **changes: Any) -> str:
        return self.prover.proof("GET", self.holder.issuer + "/userinfo", token, **changes)


@pytest.fixture
def bound(fjordbank: House, visitor: Browser) -> Bound:
    return Bound(KeyHolder.at(fjordbank, dpop_required=True), Prover(), visitor)


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text


def test_a_token_is_bound_to_the_key_that_it_was_asked_with(bound: Bound) -> None:
    tokens = bound.redeemed()
    assert tokens["token_type"] == "DPoP"
    token = tokens["access_token"]
    answer = bound.userinfo(token, bound.for_userinfo(token))
    assert answer.json()["sub"] == bound.holder.party.claims(tokens["id_token"])["sub"]
    assert answer.headers["DPoP-Nonce"]


def test_a_cpr_number_is_compared_with_the_key_of_the_token_only(fjordbank: House, visitor: Browser) -> None:
    bound = Bound(KeyHolder.at(fjordbank, dpop_required=True, cpr_basis="consent"), Prover(), visitor)
    token, address = bound.redeemed()["access_token"], f"{bound.holder.issuer}/cpr/match"
    sent: dict[str, Any] = {"url": address, "json": {"cpr": "7204859998"}}
    proven = {"Authorization": f"DPoP {token}", "DPoP": bound.prover.proof("POST", address, token)}
    answer = visitor.http.post(**sent, headers=proven)
    assert (answer.json(), bool(answer.headers["DPoP-Nonce"])) == ({"cpr_match": True, "tries_left": 2}, True)
    refused(visitor.http.post(**sent, headers=proven), "invalid_dpop_proof", 401)
    refused(visitor.http.post(**sent, headers={"Authorization": f"Bearer {token}"}), "invalid_token", 401)


@pytest.mark.parametrize("alg", ["PS256"])
def test_an_rsa_key_proves_too(alg: str, bound: Bound) -> None:
    rsa = Bound(bound.holder, Prover(RSAKey.generate_key(2048, {"kid": "rsa"})), bound.visitor)
    token = rsa.redeemed()["access_token"]
    assert rsa.userinfo(token, rsa.for_userinfo(token)).status_code == 200


def test_a_bound_token_is_nobodys_without_its_key(bound: Bound) -> None:
    token = bound.redeemed()["access_token"]
    thief = Bound(bound.holder, Prover(), bound.visitor)
    refused(bound.userinfo(token, "", "Bearer"), "invalid_token", 401)
    refused(bound.userinfo(token, bound.for_userinfo(token), "Bearer"), "invalid_token", 401)
    refused(thief.userinfo(token, thief.for_userinfo(token)), "invalid_token", 401)
    refused(bound.userinfo(token, ""), "invalid_dpop_proof", 401)
    posted = bound.visitor.http.post(bound.holder.issuer + "/userinfo", data={"access_token": token})
    refused(posted, "invalid_token", 401)
    answer = bound.userinfo(token, "")
    assert answer.headers["WWW-Authenticate"].startswith('DPoP realm="userinfo", error="invalid_dpop_proof"')
    assert 'algs="ES256 PS256"' in answer.headers["WWW-Authenticate"]


def test_a_token_that_is_not_bound_takes_no_proof(fjordbank: House, visitor: Browser) -> None:
    bound = Bound(KeyHolder.at(fjordbank), Prover(), visitor)
    asked, code = bound.code()
    tokens = bound.holder.token(asked, code).json()
    assert tokens["token_type"] == "Bearer"
    refused(bound.userinfo(tokens["access_token"], bound.for_userinfo(tokens["access_token"])), "invalid_token", 401)
    assert bound.userinfo(tokens["access_token"], "", "Bearer").status_code == 200


def test_any_client_may_bind_its_tokens(fjordbank: House, visitor: Browser) -> None:
    assert Bound(KeyHolder.at(fjordbank), Prover(), visitor).redeemed()["token_type"] == "DPoP"


def test_a_client_that_must_prove_gets_nothing_without(bound: Bound) -> None:
    asked, code = bound.code()
    refused(bound.holder.token(asked, code), "invalid_dpop_proof")
    assert bound.token(asked, code, bound.for_token()).status_code == 200


def test_30_what_is_wrong_with_a_proof(bound: Bound) -> None:
    asked, code = bound.code()
    now, stranger = int(time.time()), new_key().as_dict(private=False)
    for proof in (
        bound.prover.proof("GET", bound.holder.issuer + "/token"),
        bound.prover.proof("post", bound.holder.issuer + "/token"),
        bound.prover.proof("POST", bound.holder.issuer + "/userinfo"),
        bound.prover.proof("POST", bound.holder.issuer + "/token/"),
        bound.prover.proof("POST", "https://other.example/token"),
        bound.for_token(htm=None),
        bound.for_token(htu=None),
        bound.for_token(htu=5),
        bound.for_token(iat=None),
        bound.for_token(iat="now"),
        bound.for_token(iat=now + 75),
        bound.for_token(iat=now - 200),
        bound.for_token(jti=None),
        bound.for_token(jti=""),
        bound.for_token(jti=1),
        bound.for_token(exp=now - 60),
        bound.for_token(header={"typ": "JWT"}),
        bound.for_token(header={"typ": None}),
        bound.for_token(header={"jwk": None}),
        bound.for_token(header={"jwk": stranger}),
        bound.for_token(header={"jwk": bound.prover.key.as_dict(private=True)}),
        bound.for_token(header={"jwk": {"kty": "oct", "k": "AAAA"}}),
        bound.holder.assertion({"typ": "dpop+jwt"}),
        bound.for_token()[:-8] + "AAAAAAAA",
        f"{bound.for_token()}, {bound.for_token()}",
        "x",
        "eyJhbGciOiJub25lIiwidHlwIjoiZHBvcCtqd3QifQ.e30.AAAA",
    ):
        refused(bound.token(asked, code, proof), "invalid_dpop_proof")
    ahead = bound.prover.proof("POST", bound.holder.issuer + "/token?query#fragment", iat=now + 8)
    assert bound.token(asked, code, ahead).status_code == 200


def test_a_proof_is_good_once(bound: Bound) -> None:
    proof = bound.for_token(jti="the-same")
    assert bound.token(*bound.code(), proof).status_code == 200
    again = bound.code()
    refused(bound.token(*again, proof), "invalid_dpop_proof")
    refused(bound.token(*again, bound.for_token(jti="the-same")), "invalid_dpop_proof")
    token = bound.token(*again, bound.for_token()).json()["access_token"]
    shown = bound.for_userinfo(token)
    assert bound.userinfo(token, shown).status_code == 200
    refused(bound.userinfo(token, shown), "invalid_dpop_proof", 401)


def test_a_proof_names_the_token_that_it_is_used_with(bound: Bound) -> None:
    first, second = bound.redeemed()["access_token"], bound.redeemed()["access_token"]
    for proof in (bound.for_userinfo(""), bound.for_userinfo(second), bound.for_userinfo(first, ath="x")):
        refused(bound.userinfo(first, proof), "invalid_dpop_proof", 401)
    assert bound.userinfo(first, bound.for_userinfo(first)).status_code == 200


def test_a_code_is_bound_as_the_request_says(bound: Bound) -> None:
    """RFC 9449 section 10."""
    asked, code = bound.code(dpop_jkt=bound.prover.thumbprint)
    thief = Bound(bound.holder, Prover(), bound.visitor)
    refused(thief.token(asked, code, thief.for_token()), "invalid_grant")
    assert bound.token(asked, code, bound.for_token()).status_code == 200
    refused(bound.holder.push(bound.holder.party.ask(dpop_jkt="x")), "invalid_request")


def test_a_proof_at_the_par_endpoint_binds_the_code_too(bound: Bound) -> None:
    """RFC 9449 section 10.1."""
    asked = bound.holder.party.ask()

    def push(**changes: str) -> httpx.Response:
        proof = bound.prover.proof("POST", bound.holder.issuer + "/par")
        return bound.holder.post("/par", {**dict(httpx.URL(asked.url).params), **changes}, DPoP=proof)

    refused(push(dpop_jkt=Prover().thumbprint), "invalid_dpop_proof")
    asked = bound.holder.by_reference(asked, push().json()["request_uri"])
    code = bound.holder.party.told(asked, bound.visitor.login(asked))["code"]
    thief = Bound(bound.holder, Prover(), bound.visitor)
    refused(thief.token(asked, code, thief.for_token()), "invalid_grant")
    assert bound.token(asked, code, bound.for_token()).json()["token_type"] == "DPoP"


def test_a_public_clients_refresh_token_is_bound_with_it(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(auth_method="none", scopes=("openid", "offline_access"))
    prover, thief = Prover(), Prover()
    asked = party.ask(scope="openid offline_access")
    code = party.told(asked, visitor.login(asked))["code"]

    def post(proof: str = "", **body: str) -> httpx.Response:
        headers = {"DPoP": proof} if proof else {}
        return visitor.http.post(party.issuer + "/token", data=body | {"client_id": party.client_id}, headers=headers)

    def proof(of: Prover) -> str:
        return of.proof("POST", party.issuer + "/token")

    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
    first = post(proof(prover), **body).json()
    refused(post(grant_type="refresh_token", refresh_token=first["refresh_token"]), "invalid_grant")
    refused(post(proof(thief), grant_type="refresh_token", refresh_token=first["refresh_token"]), "invalid_grant")
    second = post(proof(prover), grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (second.status_code, second.json()["token_type"]) == (200, "DPoP")


def test_a_signed_token_and_introspection_name_the_key(fjordbank: House, visitor: Browser) -> None:
    bound = Bound(KeyHolder.at(fjordbank, access_token_format="jwt"), Prover(), visitor)
    token = bound.redeemed()["access_token"]
    assert bound.holder.party.claims(token)["cnf"] == {"jkt": bound.prover.thumbprint}
    told = bound.holder.post("/introspect", {"token": token}).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": bound.prover.thumbprint})


@pytest.fixture
def strict(fjordbank: House, visitor: Browser) -> Bound:
    return Bound(KeyHolder.at(fjordbank, fapi=True), Prover(), visitor)


def test_a_fapi_client_proves_with_a_nonce_of_ours(strict: Bound) -> None:
    asked, code = strict.code()
    first = strict.token(asked, code, strict.for_token())
    refused(first, "use_dpop_nonce")
    for wrong in ("x", "", "AAAA", 5, first.headers["DPoP-Nonce"][:-2] + "AA"):
        refused(strict.token(asked, code, strict.for_token(nonce=wrong)), "use_dpop_nonce")
    answer = strict.token(asked, code, strict.for_token(nonce=first.headers["DPoP-Nonce"]))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    refused(strict.userinfo(token, strict.for_userinfo(token)), "use_dpop_nonce", 401)
    shown = strict.userinfo(token, strict.for_userinfo(token, nonce=answer.headers["DPoP-Nonce"]))
    assert shown.status_code == 200


def test_a_nonce_belongs_to_its_issuer_and_ends(strict: Bound, havneby: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from authflows import configuration
    from authflows.oidc import dpop
    from tests.authflows.test_store import at

    with havneby.blocker.unblock():
        issuer, _ = at(strict.holder.party)
        other, _ = at(havneby.client())
        configuration.forget()
    given = dpop.nonce(issuer)
    assert dpop._given_by_us(issuer, given)
    assert not dpop._given_by_us(other, given)
    later = time.time() + dpop.NONCE_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert not dpop._given_by_us(issuer, given)


def test_fapi_asks_all_of_the_profile(fjordbank: House, strict: Bound) -> None:
    from authflows.registration import Refused

    wanted: dict[str, Any]
    for wanted in ({"auth_method": "client_secret_basic"}, {"auth_method": "none"}, {"id_token_alg": "RS256"}):
        with pytest.raises(Refused, match="fapi"):
            KeyHolder.at(fjordbank, None, fapi=True, **wanted)
    refused(strict.holder.push(strict.holder.party.ask(), strict.holder.assertion(aud=[strict.holder.issuer])), "invalid_client", 401)
    refused(strict.holder.token(*strict.code()), "invalid_dpop_proof")
    asked = strict.holder.party.ask()
    told = strict.holder.party.told(asked, strict.visitor.get(asked.url).headers["Location"])
    assert told["error"] == "invalid_request"
