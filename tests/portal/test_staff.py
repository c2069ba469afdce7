"""How the first person gets in: `create_staff`, and what it leaves behind."""

import json
import uuid
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.management import CommandError, call_command
from django.test import Client

from tenants import audit, directory, tenancy
from tenants.isolation import operator_scope
from tenants.models import OperatorAuditEntry, StaffRole, User

Manage = Callable[..., CompletedProcess[str]]


@pytest.fixture
def email() -> str:
    return f"first@{uuid.uuid4().hex[:12]}.tidevand.example"


def told(done: CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.usefixtures("committed")
def test_the_first_person_gets_in_by_a_link(manage: Manage, email: str) -> None:
    first = told(manage("create_staff", "--email", email, "--role", "support", "--json"))
    assert first["link"].startswith(directory.base_url())
    second = told(manage("create_staff", "--email", email.upper(), "--role", "admin", "--json"))
    assert second["link"] != first["link"]
    user = User.objects.get(email=email)
    assert StaffRole.objects.get(user=user).role == "admin"
    browser = Client()
    assert browser.post(urlsplit(first["link"]).path).status_code == 410
    assert browser.post(urlsplit(second["link"]).path).status_code == 302
    assert browser.session[SESSION_KEY] == str(user.id)
    StaffRole.objects.filter(user=user).delete()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--email", "no address", "--role", "admin"],
        ["--email", "a@tidevand.example", "--role", "king"],
        ["--email", "a@tidevand.example"],
        ["--role", "admin"],
    ],
)
def test_what_cannot_be_is_refused(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_staff", *arguments)
    assert not User.objects.filter(email="a@tidevand.example").exists()


def test_the_operators_chain_tells_each_link_and_role(db: None, email: str, capsys: pytest.CaptureFixture[str]) -> None:
    for role in ("support", "support", "finance"):
        call_command("create_staff", email=email, role=role)
    user, operator = User.objects.get(email=email), tenancy.first_operator()
    with operator_scope(operator.id, "test"):
        entries = list(OperatorAuditEntry.objects.filter(operator=operator, subject=f"user:{user.id}").order_by("seq"))
        assert audit.verify_operator(operator.id).first_bad is None
    assert [(entry.action, entry.before, entry.after) for entry in entries] == [
        ("staff.role", None, {"role": "support"}),
        ("staff.link", None, None),
        ("staff.role", {"role": "support"}, {"role": "finance"}),
    ]
    printed = capsys.readouterr().out
    assert "sign-in/" in printed
    assert not any("sign-in" in str((entry.before, entry.after, entry.reason)) for entry in entries)


def test_somebody_who_was_switched_off_stays_out(db: None, email: str) -> None:
    User.objects.create_user(email, is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        call_command("create_staff", email=email, role="admin")
