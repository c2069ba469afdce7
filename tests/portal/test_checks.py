"""What is refused before anything is served: a role that policies would not hold back, and a live installation that is not one."""

import uuid
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from authflows.models import Connection, ConnectionGrant
from broker_portal import checks
from tenants import tenancy
from tenants.isolation import tenant_scope
from tenants.models import Domain, Role
from tests import people
from tests.harness.ground import Ground

Manage = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(("role", "reason"), [("owner", "owns the tables"), ("superuser", "is a superuser and has BYPASSRLS")])
def test_a_role_that_policies_do_not_hold_back_is_refused(ground: Ground, manage: Manage, role: str, reason: str) -> None:
    url = ground.owner_url if role == "owner" else ground.superuser_url.replace("/postgres?", "/broker?")
    wrong = {"DATABASE_URL": url, "DATABASE_OWNER_URL": ground.owner_url}
    for command in (("check", "--database", "default"), ("record_base_url",), ("verify_audit",)):
        done = manage(*command, **wrong)
        assert done.returncode != 0, command
        assert reason in done.stderr, command


def test_the_applications_role_passes(manage: Manage) -> None:
    done = manage("check", "--database", "default")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def gone_live(settings: Settings) -> Settings:
    """The tests' installation, with the addresses of a live one."""
    settings.DEMO, settings.HTTPS = False, True
    settings.BASE_URL, settings.BOX_URL = "https://portal.broker.example", "https://box.broker.example"
    settings.ISSUER_DOMAIN = "id.broker.example"
    return settings


@pytest.fixture
def live(gone_live: Settings, tmp_path: Path) -> Settings:
    """A live installation as it should be."""
    gone_live.SECRET_KEY = "of this test's own"
    gone_live.MASTER_KEY_FILE = tmp_path / "master.json"
    gone_live.MASTER_KEY_FILE.touch(mode=0o600)
    return gone_live


def numbers(found: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("broker.") for message in found]


def test_a_sound_live_installation_passes(live: Settings) -> None:
    assert checks.live_settings(None) == []


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("HTTPS", False, "E002"),
        ("ISSUER_DOMAIN", "", "E005"),
        ("BASE_URL", "https://id.broker.example", "E006"),
        ("BASE_URL", "https://portal.id.broker.example", "E006"),
        ("BOX_URL", "https://portal.broker.example/box", "E007"),
    ],
)
def test_each_fault_of_a_live_installation_is_named(live: Settings, name: str, value: Any, number: str) -> None:
    setattr(live, name, value)
    assert numbers(checks.live_settings(None)) == [number]
    live.DEMO = True
    assert checks.live_settings(None) == []


def test_keys_must_be_the_installations_own(live: Settings, tmp_path: Path) -> None:
    live.MASTER_KEY_FILE.chmod(0o640)
    assert numbers(checks.live_settings(None)) == ["E004"]
    live.MASTER_KEY_FILE = tmp_path / "missing.json"
    assert numbers(checks.live_settings(None)) == ["E004"]
    live.MASTER_KEYS = "m1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert checks.live_settings(None) == []
    live.SECRET_KEY_FILE = tmp_path / "django-secret"
    live.SECRET_KEY_FILE.write_text(f"{live.SECRET_KEY}\n")
    assert numbers(checks.live_settings(None)) == ["E003"]


def found_in_rows() -> list[str]:
    return numbers(checks.live_rows(None, databases=["default"]))


def test_a_production_environment_on_the_simulator_is_named(db: None, gone_live: Settings) -> None:
    operator = tenancy.first_operator()
    opened = tenancy.open_tenant(operator, f"fjordbank-{uuid.uuid4().hex[:8]}", "Fjordbank A/S")
    simulator = Connection.objects.create(operator=operator, kind="simulator", name=f"Simulator {uuid.uuid4()}")
    with tenant_scope(opened.tenant.id):
        grant = ConnectionGrant.objects.create(tenant_id=opened.tenant.id, environment_id=opened.test.id, connection=simulator)
    before = [message for message in checks.live_rows(None, databases=["default"]) if opened.tenant.slug in str(message.msg)]
    assert before == []
    with tenant_scope(opened.tenant.id):
        grant.environment_id = opened.production.id
        grant.save()
    found = [message for message in checks.live_rows(None, databases=["default"]) if opened.tenant.slug in str(message.msg)]
    assert numbers(found) == ["E010"]
    gone_live.DEMO = True
    assert found_in_rows() == []


def test_issuers_below_the_portals_host_are_named(db: None, gone_live: Settings) -> None:
    people.story()
    assert "E008" not in found_in_rows()
    Domain.objects.create(host="portal.broker.example", role=Role.BOX)
    assert "E008" in found_in_rows()
    gone_live.ISSUER_DOMAIN = ""
    people.story()
    assert "E009" in found_in_rows()


def test_without_the_database_only_settings_are_looked_at(gone_live: Settings) -> None:
    assert checks.live_rows(None) == []
    assert checks.application_role(None) == []
