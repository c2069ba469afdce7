"""id_tokens that only their client can read, and userinfo that is signed, encrypted, or both (OpenID Connect Core 5.3.2 and 10.2)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from authflows.registration import Refused
from tests.doubles.browser import Browser
from tests.doubles.houses import House
from tests.doubles.keyholder import new_key, public_set
from tests.doubles.relying_party import RelyingParty

ALGORITHMS = ("RSA-OAEP-256", "ECDH-ES")
Key = ECKey | RSAKey


def key_for(alg: str) -> Key:
    parameters: KeyParameters = {"kid": f"for-{alg}", "use": "enc", "alg": alg}
    return ECKey.generate_key("P-256", parameters) if alg == "ECDH-ES" else RSAKey.generate_key(2048, parameters)


def header_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))
    return found


def opened(token: str, key: Key, alg: str) -> str:
    header = header_of(token)
    assert (header["alg"], header["enc"], header["kid"]) == (alg, "A256GCM", key.kid)
    assert token.count(".") == 4
    plain = jwe.decrypt_compact(token, key, registry=jwe.JWERegistry(algorithms=[alg, "A256GCM"])).plaintext
    assert plain is not None
    return plain.decode()


def tokens_of(party: RelyingParty, visitor: Browser, **asked: str | None) -> dict[str, Any]:
    request = party.ask(**asked)
    return party.redeem(request, visitor.login(request))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_an_id_token_is_encrypted_for_its_client(alg: str, fjordbank: House, visitor: Browser) -> None:
    key = key_for(alg)
    scopes = ("openid", "profile", "mitid", "offline_access")
    party = fjordbank.client(id_token_encryption=alg, jwks=public_set(new_key(), key), scopes=scopes)
    tokens = tokens_of(party, visitor, scope=" ".join(scopes))
    assert header_of(tokens["id_token"])["cty"] == "JWT"
    claims = party.claims(opened(tokens["id_token"], key, alg))
    assert claims["name"]
    again = party.refresh(tokens["refresh_token"]).json()
    assert party.claims(opened(again["id_token"], key, alg))["sub"] == claims["sub"]
    # Its plain half is what a client shows as a hint (OpenID Connect Core 3.1.2.1).
    hinted = party.ask(prompt="login", id_token_hint=opened(tokens["id_token"], key, alg))
    assert "/login/" in visitor.get(hinted.url).headers["Location"]


@pytest.mark.parametrize("signed", ["ES256", "RS256", "PS256"])
def test_userinfo_is_signed(signed: str, fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(userinfo_alg=signed)
    tokens = tokens_of(party, visitor)
    answer = party.userinfo(tokens["access_token"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jwt")
    assert answer.headers["Cache-Control"] == "no-store"
    assert header_of(answer.text)["alg"] == signed
    claims = party.claims(answer.text)
    assert (claims["iss"], claims["aud"]) == (party.issuer, party.client_id)
    assert claims["sub"] == party.claims(tokens["id_token"])["sub"]
    asked = party.ask(id_token_hint=answer.text)
    assert party.told(asked, visitor.get(asked.url).headers["Location"])["error"] == "invalid_request"


@pytest.mark.parametrize("signed", ["", "ES256"])
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_userinfo_is_encrypted(alg: str, signed: str, fjordbank: House, visitor: Browser) -> None:
    key = key_for(alg)
    party = fjordbank.client(userinfo_alg=signed, userinfo_encryption=alg, jwks=public_set(key))
    tokens = tokens_of(party, visitor)
    answer = party.userinfo(tokens["access_token"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jwt")
    inner = opened(answer.text, key, alg)
    assert header_of(answer.text).get("cty") == ("JWT" if signed else None)
    claims = party.claims(inner) if signed else json.loads(inner)
    assert claims["name"] == party.claims(tokens["id_token"])["name"]
    assert party.userinfo("x" * 43).json()["error"] == "invalid_token"


def test_a_key_set_that_cannot_be_had_spends_no_code(fjordbank: House, visitor: Browser) -> None:
    party = fjordbank.client(id_token_encryption="ECDH-ES", jwks_uri="http://127.0.0.1:9/jwks")
    request = party.ask()
    told = party.told(request, visitor.login(request))
    answer = party.token(request, told["code"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "ECDH-ES" in answer.json()["error_description"]
    again = party.token(request, told["code"]).json()
    assert again == answer.json()


@pytest.mark.parametrize(
    "wanted",
    [
        {"id_token_encryption": "ECDH-ES"},
        {"userinfo_encryption": "RSA-OAEP-256"},
        {"id_token_encryption": "RSA-OAEP-256", "jwks": public_set(new_key())},
        {"id_token_encryption": "ECDH-ES", "jwks": public_set(ECKey.generate_key("P-256", {"kid": "s", "use": "sig"}))},
        {"userinfo_encryption": "ECDH-ES", "jwks": public_set(ECKey.generate_key("P-384", {"kid": "e", "use": "enc"}))},
        {"auth_method": "private_key_jwt", "jwks": public_set(key_for("ECDH-ES"))},
    ],
)
def test_what_could_not_be_encrypted_is_not_registered(wanted: dict[str, Any], fjordbank: House) -> None:
    with pytest.raises(Refused, match=r"jwks|keys"):
        fjordbank.client(**wanted)


def test_a_fapi_client_is_not_answered_by_rs256(fjordbank: House) -> None:
    wanted: dict[str, Any] = {"fapi": True, "auth_method": "private_key_jwt", "jwks": public_set(new_key())}
    for name in ("userinfo_alg", "authorization_response_alg"):
        with pytest.raises(Refused, match="ES256 or PS256"):
            fjordbank.client(**wanted | {name: "RS256"})
