"""Secrets at rest: bound to their place, and a master key that changes under load."""

import json
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography.exceptions import InvalidTag
from django.conf import settings
from pytest_django import Settings

from tenants import vault
from tenants.isolation import tenant_ids, tenant_scope
from tenants.masterkeys import FileMasterKeys, FixedMasterKeys, UnknownMasterKey, VariableMasterKeys, master_keys
from tenants.models import DataKey, MasterKey, Tenant
from tests import people
from tests.people import Story

ROW, OTHER_ROW = uuid.UUID(int=1), uuid.UUID(int=2)
THIRTY_TWO_BYTES = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture
def story(db: None) -> Story:
    return people.story()


def test_a_secret_opens_where_it_was_put(story: Story) -> None:
    tenant = story.fjordbank.tenant.id
    sealed = vault.encrypt(tenant, "authflows_key", "private", ROW, b"hemmelig")
    assert b"hemmelig" not in sealed
    assert vault.decrypt(tenant, "authflows_key", "private", ROW, sealed) == b"hemmelig"
    assert vault.encrypt(tenant, "authflows_key", "private", ROW, b"hemmelig") != sealed


def test_two_rows_whose_secrets_were_swapped_both_stay_shut(story: Story) -> None:
    tenant = story.fjordbank.tenant.id
    first = vault.encrypt(tenant, "authflows_key", "private", ROW, b"one")
    second = vault.encrypt(tenant, "authflows_key", "private", OTHER_ROW, b"two")
    for row, sealed in ((ROW, second), (OTHER_ROW, first)):
        with pytest.raises(vault.CannotOpen):
            vault.decrypt(tenant, "authflows_key", "private", row, sealed)


def test_a_secret_opens_in_no_other_place(story: Story) -> None:
    tenant, stranger = story.fjordbank.tenant.id, story.havneby.tenant.id
    sealed = vault.encrypt(tenant, "authflows_key", "private", ROW, b"one")
    for place in (
        (stranger, "authflows_key", "private", ROW),
        (tenant, "authflows_subjectsecret", "private", ROW),
        (tenant, "authflows_key", "secret", ROW),
    ):
        with pytest.raises(vault.CannotOpen):
            vault.decrypt(*place, sealed)
    for damaged in (b"", b"\x02" + sealed[1:], sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1])):
        with pytest.raises(vault.CannotOpen):
            vault.decrypt(tenant, "authflows_key", "private", ROW, damaged)


def test_what_was_never_committed_is_not_remembered(story: Story) -> None:
    tenant = story.fjordbank.tenant.id
    vault.encrypt(tenant, "authflows_key", "private", ROW, b"one")
    assert tenant not in vault._open


def test_a_tenant_without_a_data_key_is_told(db: None) -> None:
    with pytest.raises(vault.NoDataKey):
        vault.encrypt(uuid.uuid4(), "authflows_key", "private", ROW, b"one")


def test_a_data_key_is_bound_to_its_tenant(story: Story) -> None:
    ours, theirs = story.fjordbank.tenant.id, story.havneby.tenant.id
    with tenant_scope(theirs):
        row = DataKey.objects.of(theirs).get()
    with tenant_scope(ours):
        DataKey.objects.of(ours).update(wrapped=row.wrapped)
    with pytest.raises(InvalidTag):
        vault.encrypt(ours, "authflows_key", "private", ROW, b"one")


def test_the_key_file_is_private_and_holds_the_current_key(story: Story) -> None:
    assert stat.S_IMODE(settings.MASTER_KEY_FILE.stat().st_mode) == 0o600
    assert MasterKey.objects.get(current=True).kid in json.loads(settings.MASTER_KEY_FILE.read_text())


def test_keys_from_a_variable_change_when_a_new_one_stands_first(story: Story, settings: Settings) -> None:
    tenant = story.fjordbank.tenant.id
    sealed = vault.encrypt(tenant, "authflows_key", "private", ROW, b"one")
    held = json.loads(settings.MASTER_KEY_FILE.read_text())
    before = MasterKey.objects.get(current=True).kid
    settings.MASTER_KEYS = f"{before}:{held[before]}"
    with pytest.raises(FixedMasterKeys):
        vault.change_master_key()
    settings.MASTER_KEYS = f"fresh:{THIRTY_TWO_BYTES},{before}:{held[before]}"
    assert vault.change_master_key() == vault.Rotation("fresh", others_forgotten=False)
    settings.MASTER_KEYS = f"fresh:{THIRTY_TWO_BYTES}"
    assert vault.decrypt(tenant, "authflows_key", "private", ROW, sealed) == b"one"


@pytest.mark.parametrize("text", ["", "m1", "m1:", "m1:c2hvcnQ=", ":" + THIRTY_TWO_BYTES, "m1:not base64"])
def test_a_malformed_key_is_refused(text: str) -> None:
    with pytest.raises(UnknownMasterKey):
        VariableMasterKeys(text)


def test_a_damaged_or_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "master.json"
    for content in ("", "{", "{}"):
        path.write_text(content)
        with pytest.raises(UnknownMasterKey, match=r"master\.json"):
            FileMasterKeys(path).first()


def test_a_key_that_is_not_at_hand_is_named() -> None:
    with pytest.raises(UnknownMasterKey, match="m2"):
        VariableMasterKeys(f"m1:{THIRTY_TWO_BYTES}").unwrap("m2", b"\x01", b"")


def start(kind: str, story: Story) -> subprocess.Popen[str]:
    ids = (story.operator.id, story.fjordbank.tenant.id, story.havneby.tenant.id)
    command = [sys.executable, "-m", "tests.tenants.vault_load", kind, *map(str, ids)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("committed")
def test_the_master_key_changes_under_load(manage: Callable[..., CompletedProcess[str]]) -> None:
    story = people.story()
    old_keys = json.loads(settings.MASTER_KEY_FILE.read_text())
    processes = [start(kind, story) for kind in ("web", "web", "worker")]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for _ in range(3):
        vault.change_master_key()
    rotation = manage("rotate_master_key", "--json")
    told = [json.loads(process.communicate("\n", timeout=60)[0]) for process in processes]

    assert [failure for each in told for failure in each["failed"]] == []
    assert all(len(each["done"]) > 20 for each in told)
    assert told[2]["opened"]
    assert rotation.returncode == 0, rotation.stderr
    current = json.loads(rotation.stdout.splitlines()[-1])
    assert current == {"current": MasterKey.objects.get(current=True).kid, "others_forgotten": True}
    assert list(json.loads(settings.MASTER_KEY_FILE.read_text())) == [current["current"]]
    opens_nothing(VariableMasterKeys(",".join(f"{kid}:{key}" for kid, key in old_keys.items())))


def opens_nothing(old: VariableMasterKeys) -> None:
    """Neither by its name nor when it is tried on what is there now."""
    tried = 0
    for tenant_id in tenant_ids():
        with tenant_scope(tenant_id):
            row = DataKey.objects.of(tenant_id).first()
        if row is None:
            continue
        with pytest.raises(UnknownMasterKey):
            old.unwrap(row.master_kid, bytes(row.wrapped), vault._wrapping(tenant_id))
        for kid in old._keys:
            tried += 1
            with pytest.raises(InvalidTag):
                old.unwrap(kid, bytes(row.wrapped), vault._wrapping(tenant_id))
    assert tried


def wrapped_by(tenant_id: uuid.UUID) -> str:
    with tenant_scope(tenant_id):
        return DataKey.objects.of(tenant_id).get().master_kid


def test_while_a_change_is_under_way_old_and_new_open(story: Story) -> None:
    """A new key is current and nothing is wrapped with it yet; also where an interrupted change has stopped."""
    keys = master_keys()
    assert isinstance(keys, FileMasterKeys)
    sealed = vault.encrypt(story.fjordbank.tenant.id, "authflows_key", "private", ROW, b"one")
    kid = keys.add()
    MasterKey.objects.filter(current=True).update(current=False)
    MasterKey.objects.create(kid=kid)
    assert vault.decrypt(story.fjordbank.tenant.id, "authflows_key", "private", ROW, sealed) == b"one"
    newcomer = Tenant.objects.create(operator=story.operator, slug=f"ny-{uuid.uuid4().hex[:8]}", name="Ny")
    vault.make_data_key(newcomer.id)
    assert wrapped_by(newcomer.id) == kid
    assert wrapped_by(story.fjordbank.tenant.id) != kid
