"""JWTs from outside: what is believed and what is not (RFC 8725; `alg`, `typ`, foreign keys)."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from authflows.oidc import client_assertion, instants, jose
from authflows.oidc.jose import NotBelieved, UnknownKey, UnusableKeys

EC, OTHER_EC = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("ec", "ec"))
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS = jose.key_set({"keys": [EC.as_dict(private=False), RSA.as_dict(private=False)]})
CLAIMS = {"iss": "netbank", "n": 1}


def b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(key: ECKey | RSAKey = EC, claims: Any = CLAIMS, **header: Any) -> str:
    full = {"alg": "ES256" if isinstance(key, ECKey) else "PS256", "kid": key.kid, "typ": "JWT"} | header
    full = {name: value for name, value in full.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[full["alg"]], strict_check_header=False)
    registry.max_header_length = 10**6
    return jws.serialize_compact(full, claims if isinstance(claims, str) else json.dumps(claims), key, registry=registry)


def believed(text: str, **more: Any) -> dict[str, Any]:
    named: dict[str, Any] = {"algorithms": jose.ALGORITHMS, "types": ("jwt", "")}
    return jose.verify(jose.take_apart(text), KEYS, **(named | more))


@pytest.mark.parametrize(
    "text",
    [
        signed(),
        signed(RSA),
        signed(RSA, alg="RS256"),
        signed(typ=None),
        signed(typ="application/JWT"),
        signed(kid=None),
        signed(RSA, kid=None),
        signed(colour="green"),
    ],
)
def test_a_jwt_of_one_of_the_signers_keys_is_believed(text: str) -> None:
    assert believed(text) == CLAIMS


def test_a_header_that_brings_its_own_key_is_not_listened_to() -> None:
    brought = OTHER_EC.as_dict(private=False)
    for extra in (
        {"jwk": brought},
        {"jku": "https://keys.stranger.example/"},
        {"x5u": "https://keys.stranger.example/"},
        {"x5c": ["AAAA"]},
    ):
        with pytest.raises(NotBelieved):
            believed(signed(OTHER_EC, **extra))
        assert believed(signed(EC, **extra)) == CLAIMS


def test_no_algorithm_outside_the_list_is_believed() -> None:
    unsigned = f"{b64({'alg': 'none', 'typ': 'JWT'})}.{b64(CLAIMS)}."
    head = f"{b64({'alg': 'HS256', 'typ': 'JWT', 'kid': 'rsa'})}.{b64(CLAIMS)}"
    public = RSA.as_pem(private=False)
    confused = f"{head}.{b64(hmac.new(public, head.encode(), hashlib.sha256).digest())}"
    for text in (unsigned, unsigned + "AAAA", confused):
        with pytest.raises(NotBelieved):
            believed(text)
    with pytest.raises(NotBelieved, match="alg must be one of ES256, PS256"):
        believed(signed(RSA, alg="RS256"), algorithms=jose.FAPI_ALGORITHMS)
    for alg in ("none", "HS256", "ES384", "es256", "", None, 1, ["ES256"], {"a": 1}):
        with pytest.raises(NotBelieved):
            believed(f"{b64({'alg': alg, 'typ': 'JWT', 'kid': 'ec'})}.{b64(CLAIMS)}.AAAA")


def test_a_jwt_of_another_type_is_not_believed() -> None:
    for typ in ("at+jwt", "logout+jwt", "dpop+jwt", 1, ["JWT"]):
        with pytest.raises(NotBelieved, match="typ"):
            believed(
                signed(typ=None if not isinstance(typ, str) else typ)
                if isinstance(typ, str)
                else f"{b64({'alg': 'ES256', 'typ': typ})}.{b64(CLAIMS)}.AA"
            )
    with pytest.raises(NotBelieved, match="typ must be dpop"):
        believed(signed(typ=None), types=("dpop+jwt",))


def test_a_key_that_we_do_not_know_is_told_apart_from_a_wrong_signature() -> None:
    with pytest.raises(UnknownKey):
        believed(signed(kid="new"))
    with pytest.raises(UnknownKey):
        believed(f"{b64({'alg': 'ES256', 'kid': 'rsa'})}.{b64(CLAIMS)}.AAAA")
    with pytest.raises(NotBelieved) as wrong:
        believed(signed(OTHER_EC))
    assert not isinstance(wrong.value, UnknownKey)


def test_what_must_be_understood_and_is_not_ends_it() -> None:
    for crit in (["b64"], ["exp"], [], "b64", None):
        with pytest.raises(NotBelieved):
            believed(f"{b64({'alg': 'ES256', 'crit': crit, 'b64': False})}.{b64(CLAIMS)}.AAAA")


def test_json_that_two_readers_could_read_differently_is_refused() -> None:
    for payload in ('{"iss":"a","iss":"b"}', '{"n":NaN}', '{"n":Infinity}', "[1]", '"x"', "", "{", '{"a":"\\ud800"}', "[" * 20_000):
        with pytest.raises(NotBelieved):
            jose.take_apart(f"{b64({'alg': 'ES256'})}.{b64(payload.encode())}.AAAA")


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b", "a.b.c.d", "a.b.c.d.e", " a.b.c", "a.b.c\n", "a=.b.c", "æ.b.c", "a+/.b.c", "A" * 40_000]
)
def test_what_is_no_jwt_is_refused(text: str) -> None:
    with pytest.raises(NotBelieved):
        jose.take_apart(text)


@given(st.text(alphabet="AaBbeyJ0._-9=+/ \n", max_size=80) | st.text(max_size=20))
def test_nothing_that_is_sent_breaks_the_reader(text: str) -> None:
    with pytest.raises(NotBelieved):
        believed(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)
HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x5c", "b64", "zip"]), JSON | st.sampled_from(["ES256", "RS256", "JWT"])
)


@given(HEADERS, JSON)
def test_no_header_breaks_the_reader(header: Any, payload: Any) -> None:
    with pytest.raises(NotBelieved):
        believed(f"{b64(header)}.{b64(payload)}.AAAA")


@given(JSON)
def test_no_key_set_breaks_the_reader(document: Any) -> None:
    for entry in (document, {"keys": document}, {"keys": [document]}, {"keys": [{"kty": "RSA", "n": document, "e": document}]}):
        with pytest.raises(UnusableKeys):
            jose.key_set(entry)


def test_keys_that_are_too_weak_or_not_for_this_are_passed_over() -> None:
    good, rsa = EC.as_dict(private=False), RSA.as_dict(private=False)
    unfit = [
        EC.as_dict(private=True),
        {"kty": "oct", "k": "c2VjcmV0"},
        good | {"use": "sign"},
        good | {"key_ops": ["sign"]},
        good | {"alg": "ES384"},
        good | {"alg": "RS256"},
        good | {"kid": 1},
        good | {"crv": "P-384"},
        good | {"x": good["y"]},
        good | {"x": "AQAB"},
        rsa | {"n": b64(b"\xc1" * 128)},
        rsa | {"n": b64(b"\xc1" * 2000)},
        rsa | {"n": b64(b"\x01" + b"\xc1" * 255)},
        rsa | {"e": b64(b"\xc1" * 30)},
        rsa | {"n": 5},
    ]
    assert jose.key_set({"keys": [*unfit, good]}) == (jose.public_key(good),)
    with pytest.raises(UnusableKeys):
        jose.key_set({"keys": unfit})
    with pytest.raises(UnusableKeys, match="more than"):
        jose.key_set({"keys": [good] * 31})


def test_a_key_is_for_one_use_where_it_says_so_and_for_both_where_not() -> None:
    plain = EC.as_dict(private=False)
    bare = {name: value for name, value in plain.items() if name not in ("use", "alg", "key_ops")}
    to_us, from_us = bare | {"kid": "sig", "use": "sig"}, bare | {"kid": "enc", "use": "enc", "alg": "ECDH-ES"}
    document = {"keys": [to_us, from_us, bare | {"kid": "both"}, bare | {"kid": "ops", "key_ops": ["deriveBits"]}]}
    assert [key.kid for key in jose.key_set(document)] == ["sig", "both"]
    assert [key.kid for key in jose.recipients(document)] == ["enc", "both", "ops"]
    assert jose.key_set({"keys": [from_us]}) == ()
    (recipient,) = jose.recipients({"keys": [from_us]})
    assert (recipient.serves("ECDH-ES"), recipient.serves("RSA-OAEP-256"), recipient.serves("ES256")) == (True, False, False)


NOW = 1_800_000_000.0


def test_clocks_may_differ_by_eight_seconds_and_not_by_a_minute() -> None:
    """FAPI 2.0 5.3.2.1."""
    for name in ("nbf", "iat"):
        assert instants.current({"exp": NOW + 60, name: NOW + 8}, NOW) == NOW + 60
        for wrong in (NOW + 61, NOW - 3700, True, "1", [1]):
            with pytest.raises(instants.NotNow):
                instants.current({"exp": NOW + 60, name: wrong}, NOW)


@pytest.mark.parametrize("exp", [None, NOW - 11, NOW + 3700, "soon", True, float("inf"), float("-inf")])
def test_what_has_ended_or_ends_too_late_is_not_current(exp: Any) -> None:
    with pytest.raises(instants.NotNow):
        instants.current({"exp": exp}, NOW)


ISSUER = "https://fjordbank.broker.example"
AUDIENCES = (ISSUER, ISSUER + "/token", ISSUER + "/par")
ASSERTION = {"iss": "netbank", "sub": "netbank", "aud": ISSUER, "exp": NOW + 60, "jti": "1"}


def checked(exact: bool = False, **changes: Any) -> tuple[str, float]:
    return client_assertion.check(ASSERTION | changes, client_assertion.Expected("netbank", AUDIENCES, exact, NOW))


@pytest.mark.parametrize("aud", [ISSUER, ISSUER + "/token", ISSUER + "/par", [ISSUER], ["https://other.example", ISSUER + "/token"]])
def test_an_ordinary_client_may_name_us_by_issuer_or_endpoint(aud: Any) -> None:
    assert checked(aud=aud) == ("1", NOW + 60)


@pytest.mark.parametrize("aud", [ISSUER + "/token", ISSUER + "/par", [ISSUER], ISSUER + "/", None, "", [], [[ISSUER]], {"a": 1}])
def test_a_fapi_client_names_us_by_issuer_alone(aud: Any) -> None:
    assert checked(exact=True) == ("1", NOW + 60)
    with pytest.raises(client_assertion.NotAccepted, match="aud"):
        checked(exact=True, aud=aud)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "https://havneby.broker.example"},
        {"aud": [{}]},
        {"iss": "another"},
        {"sub": "another"},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "x" * 300},
        {"exp": None},
        {"exp": NOW - 60},
    ],
)
def test_an_assertion_says_all_that_it_must(changes: dict[str, Any]) -> None:
    with pytest.raises(client_assertion.NotAccepted):
        checked(**changes)
