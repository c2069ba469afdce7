"""Relying parties of other people's making, over HTTP: Authlib's client and the certified npm client openid-client."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken, UserInfo
from joserfc import jwt
from joserfc.jwk import KeySet

from authflows.levels import NSIS
from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.relying_party import RelyingParty
from tests.harness import node

HIGH = NSIS + "High"
# (id_token algorithm, how the client authenticates)
KINDS = [("ES256", "client_secret_basic"), ("RS256", "client_secret_post"), ("PS256", "none")]


@pytest.fixture(params=KINDS, ids=lambda kind: " ".join(kind))
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


@pytest.fixture
def party(kind: tuple[str, str], fjordbank: House) -> RelyingParty:
    alg, method = kind
    return fjordbank.client(id_token_alg=alg, auth_method=method)


def learnt(claims: dict[str, Any], userinfo: dict[str, Any], party: RelyingParty) -> None:
    assert (claims["iss"], claims["aud"], claims["acr"]) == (party.issuer, party.client_id, HIGH)
    assert claims["amr"] == ["hwk", "pin", "mfa"]
    assert claims["auth_time"] <= claims["iat"]
    assert (userinfo["sub"], userinfo["name"]) == (claims["sub"], "Agnes Automatisk")


def test_authlib(kind: tuple[str, str], party: RelyingParty, visitor: Browser, books: Books) -> None:
    alg, method = kind
    told = visitor.get(party.issuer + "/.well-known/openid-configuration").json()
    with OAuth2Client(
        client_id=party.client_id,
        client_secret=party.client_secret,
        token_endpoint_auth_method=method,
        redirect_uri=party.redirect_uri,
        scope="openid profile mitid",
        code_challenge_method="S256",
        trust_env=False,
    ) as client:
        verifier, nonce = "v" * 50, "n-0S6_WzA2Mj"
        url, state = client.create_authorization_url(
            told["authorization_endpoint"], code_verifier=verifier, nonce=nonce, acr_values=HIGH, prompt="login"
        )
        location = follow(visitor, url)
        tokens = client.fetch_token(told["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier)
        userinfo = client.get(told["userinfo_endpoint"]).json()
    keys = KeySet.import_key_set(visitor.get(told["jwks_uri"]).json())
    options = {"iss": {"essential": True, "value": told["issuer"]}, "acr": {"essential": True, "values": [HIGH]}}
    decoded = jwt.decode(tokens["id_token"], keys, algorithms=[alg])
    params = {"nonce": nonce, "client_id": party.client_id, "access_token": tokens["access_token"]}
    claims = CodeIDToken(decoded.claims, decoded.header, options=options, params=params)
    claims.validate()
    learnt(dict(claims), dict(UserInfo(**userinfo)), party)
    assert books.of(party).agreed == 1


def follow(visitor: Browser, url: str, user_id: str = "auto-approve") -> str:
    page = visitor.get(visitor.get(url).headers["Location"])
    return visitor.finish(visitor.submit(page, user_id=user_id))


class OpenidClient:
    """The npm client in a process of its own: it says where to send the browser, and is told where that came back."""

    def __init__(self, party: RelyingParty, alg: str) -> None:
        self._process = subprocess.Popen(
            [node.program(), "login.mjs"], cwd=node.CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        names = ("issuer", "client_id", "client_secret", "redirect_uri", "auth_method")
        self.tell({name: getattr(party, name) for name in names} | {"alg": alg, "acr_values": HIGH})

    def tell(self, what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write((what if isinstance(what, str) else json.dumps(what)) + "\n")

    def says(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def openid_client(kind: tuple[str, str], party: RelyingParty) -> Any:
    client = OpenidClient(party, kind[0])
    yield client
    client.end()


def test_openid_client(openid_client: OpenidClient, party: RelyingParty, visitor: Browser, books: Books) -> None:
    openid_client.tell(follow(visitor, openid_client.says()["url"]))
    said = openid_client.says()
    assert "claims" in said, said
    learnt(said["claims"], said["userinfo"], party)
    assert books.of(party).agreed == 1


def test_openid_client_is_told_that_the_person_rejected(openid_client: OpenidClient, visitor: Browser) -> None:
    openid_client.tell(follow(visitor, openid_client.says()["url"], "auto-reject"))
    assert openid_client.says() == {"error": "access_denied", "description": "mitid_rejected_in_app"}


def test_openid_client_refuses_an_answer_of_another_issuer(openid_client: OpenidClient, havneby: House, visitor: Browser) -> None:
    """RFC 9207: what `iss` is for."""
    location = httpx.URL(follow(visitor, openid_client.says()["url"]))
    openid_client.tell(str(location.copy_set_param("iss", havneby.client().issuer)))
    assert "claims" not in openid_client.says()
