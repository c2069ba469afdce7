"""Proofs as they come: whatever they hold, they are believed or refused, and nothing else happens."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from authflows import jose
from authflows.oidc import dpop
from authflows.oidc.dpop import NotProven, Shown
from tests.doubles.keyholder import new_key
from tests.doubles.prover import Prover

URL = "https://fjordbank.broker.example/token"
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
PROVER = Prover()


def b64(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refused(claims: dict[str, Any], shown: Shown) -> bool:
    try:
        for check in dpop.CHECKS:
            check(claims, shown)
    except NotProven:
        return True
    return False


@pytest.mark.parametrize(
    "htu",
    [
        URL,
        URL + "?a=b",
        URL + "#c",
        "https://fjordbank.broker.example:443/token",
        "HTTPS://FJORDBANK.broker.example/token",
    ],
)
def test_an_address_may_be_written_in_several_ways(htu: str) -> None:
    """RFC 3986 section 6.2.2 and 6.2.3."""
    assert not refused({"htm": "POST", "htu": htu, "iat": time.time(), "jti": "1"}, Shown("", "POST", URL))


@pytest.mark.parametrize(
    "htu",
    [
        "http://fjordbank.broker.example/token",
        "https://fjordbank.broker.example:8443/token",
        "https://fjordbank.broker.example/Token",
        "https://fjordbank.broker.example/token/",
        "https://fjordbank.broker.example//token",
        "https://havneby.broker.example/token",
        "/token",
        "https://[::1/token",
        "https://fjordbank.broker.example:x/token",
    ],
)
def test_another_address_is_another_address(htu: str) -> None:
    assert refused({"htm": "POST", "htu": htu, "iat": time.time(), "jti": "1"}, Shown("", "POST", URL))


@given(JSON, JSON, JSON, JSON, JSON)
def test_no_claims_break_the_checks(htm: Any, htu: Any, iat: Any, jti: Any, ath: Any) -> None:
    for claims in ({"htm": htm, "htu": htu}, {"htm": "POST", "htu": htu}, {"htm": "POST", "htu": URL, "iat": iat, "jti": jti, "ath": ath}):
        refused(claims, Shown("", "POST", URL))
        assert refused(claims, Shown("", "POST", URL, "a token"))


@given(JSON, JSON | st.sampled_from(["dpop+jwt"]), JSON | st.sampled_from(["ES256", "HS256", "none"]))
def test_no_header_breaks_the_reader(jwk: Any, typ: Any, alg: Any) -> None:
    for key in (jwk, {"kty": jwk}, {"kty": "EC", "crv": "P-256", "x": jwk, "y": jwk}, {"kty": "RSA", "n": jwk, "e": jwk}):
        with pytest.raises(NotProven):
            dpop._signed(f"{b64({'alg': alg, 'typ': typ, 'jwk': key})}.{b64({})}.AAAA")


@pytest.mark.parametrize("prover", [PROVER, Prover(RSAKey.generate_key(2048))])
def test_the_key_in_the_header_is_known_by_its_thumbprint(prover: Prover) -> None:
    """RFC 7638: of the key alone, whatever else the header says of it."""
    plain = dpop._signed(prover.proof("POST", URL))
    decorated = prover.key.as_dict(private=False) | {"use": "sig", "kid": "mine", "x5t": "AAAA"}
    assert plain[1] == dpop._signed(prover.proof("POST", URL, header={"jwk": decorated, "kid": "another"}))[1] == prover.thumbprint


def test_a_proof_of_another_key_than_the_one_that_it_shows_is_refused() -> None:
    with pytest.raises(NotProven, match="signature"):
        dpop._signed(PROVER.proof("POST", URL, header={"jwk": new_key().as_dict(private=False)}))
    assert jose.public_key(PROVER.key.as_dict(private=True)) is None
