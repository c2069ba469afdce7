"""The first thing an operator does beside a running server: a client for somebody."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from oidc_provider.models import Client as RegisteredClient

from authflows.models import ClientExt, ClientSecret, RelyingParty
from tenants import directory
from tenants.isolation import tenant_scope
from tests.doubles.keyholder import new_key

Manage = Callable[..., CompletedProcess[str]]
CALLBACK = ("--redirect-uri", "https://netbank.fjordbank.example/callback")


@pytest.fixture
def slug() -> str:
    return f"fjordbank-{secrets.token_hex(4)}"


def provision(manage: Manage, slug: str, *more: str, environment: str = "test", uris: tuple[str, ...] = CALLBACK) -> CompletedProcess[str]:
    return manage("provision_client", "--tenant", slug, "--environment", environment, "--name", "Netbank", *uris, *more, "--json")


def refused(slug: str, *arguments: str) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        call_command("provision_client", "--tenant", slug, "--environment", "test", "--name", "Netbank", *arguments, "--json")
    return refusal.value


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


def test_a_scope_of_refresh_tokens_comes_with_the_grant(committed: None, manage: Manage, slug: str) -> None:
    told(provision(manage, slug))
    told(provision(manage, slug, "--scope", "openid offline_access"))
    tenant = directory.tenant_by_slug(slug)
    assert tenant is not None
    with tenant_scope(tenant.id):
        grants = [ext.grant_types for ext in ClientExt.objects.of(tenant.id).order_by("id")]
    assert grants == [["authorization_code"], ["authorization_code", "refresh_token"]]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--setting", "fapi=perhaps"),
        ("--setting", "dialect=esperanto"),
        ("--setting", "subject_source=elsewhere"),
        ("--setting", "min_loa=enormous"),
        ("--setting", "par"),
        ("--scope", "openid everything"),
    ],
)
def test_what_is_not_built_is_refused_never_ignored(committed: None, slug: str, arguments: tuple[str, ...]) -> None:
    refusal = refused(slug, *CALLBACK, *arguments)
    assert refusal.returncode == 2
    assert "not available yet" in str(refusal) or "key=value" in str(refusal)
    assert directory.tenant_by_slug(slug) is None


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
def test_an_address_that_cannot_be_registered_is_explained(committed: None, slug: str, uri: str, why: str) -> None:
    refusal = refused(slug, "--redirect-uri", uri)
    assert refusal.returncode == 1
    assert why in str(refusal)
    assert directory.tenant_by_slug(slug) is None


@pytest.mark.parametrize("slug", ["Fjordbank", "fjordbank-test", "a b", "x-", ""])
def test_a_slug_that_cannot_be_is_refused_and_nothing_is_made(committed: None, slug: str) -> None:
    assert refused(slug, *CALLBACK).returncode == 1
    assert directory.tenant_by_slug(slug) is None


def test_a_refusal_is_one_line_on_standard_error(manage: Manage, slug: str) -> None:
    done = provision(manage, slug, "--setting", "fapi=perhaps")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_a_client_with_keys_of_its_own_has_no_secret(manage: Manage, slug: str, tmp_path: Path) -> None:
    public = new_key().as_dict(private=False)
    for number, document in enumerate((public, {"keys": [public]})):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(document))
        done = told(provision(manage, slug, "--auth-method", "private_key_jwt", "--jwks", str(file), "--setting", "par=required"))
        assert done["client_secret"] is None
    by_address = provision(manage, slug, "--auth-method", "private_key_jwt", "--setting", "jwks_uri=https://keys.fjordbank.example/")
    assert told(by_address)["client_secret"] is None


def test_a_file_that_holds_no_public_keys_is_refused(committed: None, slug: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    for text, why in (("{", "not JSON"), ("{}", "JWK Set"), (json.dumps(new_key().as_dict(private=True)), "key")):
        file.write_text(text)
        assert why in str(refused(slug, *CALLBACK, "--auth-method", "private_key_jwt", "--jwks", str(file)))
    assert "No such file" in str(refused(slug, *CALLBACK, "--jwks", str(tmp_path / "nowhere.json")))
    assert directory.tenant_by_slug(slug) is None


def test_where_a_logout_goes_is_part_of_the_client(manage: Manage, committed: None, slug: str) -> None:
    goodbye, back_channel = "https://netbank.fjordbank.example/goodbye", "https://netbank.fjordbank.example/logged-out"
    settings = ("--setting", "sso_group=family", "--setting", f"back_channel_logout_uri={back_channel}")
    client_id = told(provision(manage, slug, "--post-logout-redirect-uri", goodbye, *settings))["client_id"]
    tenant = directory.tenant_by_slug(slug)
    assert tenant is not None
    with tenant_scope(tenant.id):
        assert RegisteredClient.objects.get(client_id=client_id)._post_logout_redirect_uris == goodbye
        assert ClientExt.objects.of(tenant.id).get().back_channel_logout_uri == back_channel
        assert RelyingParty.objects.of(tenant.id).get().sso_group == "family"


def test_whom_a_client_meets_and_by_which_right_is_part_of_it_too(manage: Manage, committed: None, slug: str) -> None:
    right = ("--setting", "cpr_basis=consent", "--setting", "cpr_optional=on", "--setting", "cpr_business=on")
    told(
        provision(
            manage, slug, "--scope", "openid ssn business risk", "--setting", "identities=both", *right, "--setting", "risk_basis=AML"
        )
    )
    tenant = directory.tenant_by_slug(slug)
    assert tenant is not None
    with tenant_scope(tenant.id):
        party = RelyingParty.objects.of(tenant.id).get()
    assert (party.identities, party.cpr_basis, party.cpr_optional, party.cpr_business) == ("both", "consent", True, True)
    assert party.risk_basis == "AML"
    for scope, missing in (("openid ssn", "cpr_basis"), ("openid risk", "risk_basis")):
        assert missing in str(refused(slug, *CALLBACK, "--scope", scope))
