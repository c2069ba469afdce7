"""The first thing an operator does beside a running server: a client for somebody."""

import json
import secrets
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

import pytest

from authflows.models import ClientSecret
from tenants import directory
from tenants.isolation import tenant_scope

Manage = Callable[..., CompletedProcess[str]]
CALLBACK = ("--redirect-uri", "https://netbank.fjordbank.example/callback")


@pytest.fixture
def slug() -> str:
    return f"fjordbank-{secrets.token_hex(4)}"


def provision(manage: Manage, slug: str, *more: str, environment: str = "test", uris: tuple[str, ...] = CALLBACK) -> CompletedProcess[str]:
    return manage("provision_client", "--tenant", slug, "--environment", environment, "--name", "Netbank", *uris, *more, "--json")


def told(done: CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_missing_tenant_is_made_whole_and_each_call_makes_a_new_client(manage: Manage, committed: None, slug: str) -> None:
    first, second = told(provision(manage, slug)), told(provision(manage, slug))
    assert first["issuer"].endswith(f"/t/{slug}-test")
    assert first["issuer"] == second["issuer"]
    assert first["discovery_url"] == f"{first['issuer']}/.well-known/openid-configuration"
    assert first["client_id"] != second["client_id"]
    assert told(provision(manage, slug, environment="production"))["issuer"].endswith(f"/t/{slug}")


def test_the_secret_is_nowhere_but_in_the_answer(manage: Manage, committed: None, slug: str) -> None:
    secret = told(provision(manage, slug))["client_secret"]
    tenant = directory.tenant_by_slug(slug)
    assert tenant is not None
    with tenant_scope(tenant.id):
        kept = ClientSecret.objects.of(tenant.id).get()
    assert secret not in f"{bytes(kept.hash)!r}{kept.hint}"
    assert len(secret) > 40


def test_a_public_client_has_no_secret(manage: Manage, slug: str) -> None:
    assert told(provision(manage, slug, "--auth-method", "none"))["client_secret"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("--setting", "fapi=on"),
        ("--setting", "dialect=neb"),
        ("--setting", "min_loa=enormous"),
        ("--setting", "par"),
        ("--auth-method", "private_key_jwt"),
        ("--jwks", "keys.json"),
        ("--scope", "openid offline_access"),
    ],
)
def test_what_is_not_built_is_refused_never_ignored(manage: Manage, slug: str, arguments: tuple[str, ...]) -> None:
    done = provision(manage, slug, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "not available yet" in done.stderr or "key=value" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://netbank.fjordbank.example/callback", "use https"),
        ("https://*.fjordbank.example/callback", "wildcards"),
        ("https://netbank.fjordbank.example/callback#part", "fragment"),
        ("https://somebody@fjordbank.example/", "user name"),
        ("/callback", "whole address"),
        ("javascript:alert(1)", "whole address"),
        ("https://fjordbank.example:port/", "not an address"),
        ("https://fjordbank.example/a/../b", ".."),
    ],
)
def test_an_address_that_cannot_be_registered_is_explained(manage: Manage, committed: None, slug: str, uri: str, why: str) -> None:
    done = provision(manage, slug, uris=("--redirect-uri", uri))
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert directory.tenant_by_slug(slug) is None


def test_a_slug_that_cannot_be_is_refused_and_nothing_is_made(manage: Manage, committed: None) -> None:
    for slug in ("Fjordbank", "fjordbank-test", "a b", "x-", ""):
        done = provision(manage, slug)
        assert done.returncode == 1, slug
        assert "Traceback" not in done.stderr
        assert directory.tenant_by_slug(slug) is None
