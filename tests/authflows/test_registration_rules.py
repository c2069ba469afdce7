"""What may be registered as a client, before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from authflows import registration
from authflows.registration import Refused, Registration, redirect_uri_problem

GOOD = Registration("Netbank", ("https://netbank.fjordbank.example/callback",))
ACCEPTED = [
    "https://netbank.fjordbank.example",
    "https://netbank.fjordbank.example/callback?a=b&c=%2F",
    "https://netbank.fjordbank.example:8443/callback",
    "https://192.0.2.1/callback",
    "http://localhost/callback",
    "http://localhost:3000/callback",
    "http://127.0.0.1:1/callback",
    "http://127.9.9.9/callback",
    "http://[::1]:1/callback",
]
REFUSED = [
    "",
    "callback",
    "/callback",
    "//netbank.fjordbank.example/callback",
    "https://",
    "https:///callback",
    "https:netbank.fjordbank.example",
    "https://netbank.fjordbank.example/callback#fragment",
    "https://netbank.fjordbank.example/callback#",
    "https://user@netbank.fjordbank.example/callback",
    "https://user:secret@netbank.fjordbank.example/callback",
    "https://@netbank.fjordbank.example/callback",
    "https://*.fjordbank.example/callback",
    "https://netbank.fjordbank.example/*",
    "https://netbank.fjordbank.example/a/../callback",
    "https://netbank.fjordbank.example/./callback",
    "https://netbank.fjordbank.example:port/callback",
    "https://netbank.fjordbank.example:99999/callback",
    "https://netbank.fjordbank.example\\callback",
    "https://netbank.fjordbank.example/call back",
    "https://netbank.fjordbank.example/call\nback",
    " https://netbank.fjordbank.example/callback",
    "https://netbank.fjordbank.example/callback\x00",
    "https://netbank.fjordbank.example/<script>",
    "https://[::1/callback",
    "http://netbank.fjordbank.example/callback",
    "http://localhost.fjordbank.example/callback",
    "http://0.0.0.0/callback",
    "http://2130706433/callback",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "netbank://callback",
    "ftp://netbank.fjordbank.example/callback",
]


@pytest.mark.parametrize("uri", ACCEPTED)
def test_addresses_that_may_be_registered(uri: str) -> None:
    assert redirect_uri_problem("test", uri) == ""


@pytest.mark.parametrize("uri", REFUSED)
def test_addresses_that_may_not(uri: str) -> None:
    assert redirect_uri_problem("test", uri)


@given(st.text())
def test_any_text_is_judged(uri: str) -> None:
    problem = redirect_uri_problem("production", uri)
    assert problem or uri.lower().startswith(("https://", "http://"))


@pytest.mark.parametrize(
    ("kind", "demo", "public_native", "accepted"),
    [
        ("test", True, False, True),
        ("test", False, False, True),
        ("production", True, False, True),
        ("production", False, True, True),
        ("production", False, False, False),
    ],
)
def test_http_is_for_loopback_where_nothing_real_happens(kind: str, demo: bool, public_native: bool, accepted: bool) -> None:
    with override_settings(DEMO=demo):
        assert (redirect_uri_problem(kind, "http://localhost:3000/cb", public_native=public_native) == "") == accepted


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"auth_method": "private_key_jwt"}, "public keys"),
        ({"auth_method": "client_secret_jwt"}, "not available yet"),
        ({"id_token_alg": "none"}, "algorithm"),
        ({"id_token_alg": "HS256"}, "algorithm"),
        ({"pkce": "nonce_instead", "auth_method": "none"}, "never for public clients"),
        ({"pkce": "nonce_instead", "fapi": True}, "nor for FAPI clients"),
        ({"scopes": ("profile",)}, "openid"),
        ({"scopes": ("openid", "unheard_of")}, "not available yet"),
        ({"scopes": ("openid", "ssn")}, "cpr_basis"),
        ({"scopes": ("openid", "risk")}, "risk_basis"),
        ({"scopes": ("openid", "risk"), "risk_basis": " "}, "risk_basis"),
        ({"risk_basis": "x" * 301}, "300 characters"),
        ({"redirect_uris": ()}, "at least one"),
        ({"redirect_uris": ("https://a.example/cb", "http://a.example/cb")}, "http://a.example/cb"),
        ({"post_logout_redirect_uris": ("http://a.example/",)}, "http://a.example/"),
        ({"sso_group": "two words"}, "sso_group"),
        ({"sso_group": "x" * 51}, "sso_group"),
        ({"back_channel_logout_uri": "http://a.example/"}, "use https"),
        ({"back_channel_logout_uri": "https://a.example/#x"}, "no fragment"),
        ({"back_channel_logout_uri": "https://10.0.0.1/out"}, "public Internet"),
        ({"back_channel_logout_uri": "https://[fe80::1]/out"}, "public Internet"),
    ],
)
def test_what_cannot_be_registered_is_named(change: dict[str, Any], says: str) -> None:
    registration.check("test", GOOD)
    with pytest.raises(Refused, match=says):
        registration.check("test", replace(GOOD, **change))


@pytest.mark.parametrize(
    "origin", ["https://app.fjordbank.example", "https://app.fjordbank.example:8443", "http://localhost:3000", "http://[::1]:1"]
)
def test_origins_of_a_public_clients_pages(origin: str) -> None:
    registration.check("test", replace(GOOD, auth_method="none", origins=(origin,)))
    with pytest.raises(Refused, match="auth method none only"):
        registration.check("test", replace(GOOD, origins=(origin,)))


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "null",
        "app.fjordbank.example",
        "https://app.fjordbank.example/",
        "https://app.fjordbank.example/page",
        "https://app.fjordbank.example?a=b",
        "https://app.fjordbank.example:443",
        "https://App.fjordbank.example",
        "HTTPS://app.fjordbank.example",
        "https://*.fjordbank.example",
        "https://user@app.fjordbank.example",
        "https://app.fjordbank.example#",
        "https://æble.example",
        "http://app.fjordbank.example",
        "http://localhost:80",
        "https://app.fjordbank.example, https://other.example",
        "moz-extension://abc",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(Refused, match=r"^origin "):
        registration.check("test", replace(GOOD, auth_method="none", origins=(origin,)))
