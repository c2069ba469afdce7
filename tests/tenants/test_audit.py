"""The chain of what was changed: what is altered, deleted or cut off is found, and nothing secret gets in."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from subprocess import CompletedProcess

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from tenants import audit
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import AuditEntry, AuditHead, MembershipRole, OperatorAuditEntry, Sector, Tenant
from tests import people
from tests.harness.ground import Ground
from tests.people import Story


def note(tenant_id: uuid.UUID, text: str) -> None:
    with tenant_scope(tenant_id):
        audit.record(tenant_id, actor="system", action="note", subject="tenant:x", after={"text": text}, reason="Æblegrød og ø")


def verdict(tenant_id: uuid.UUID) -> audit.Verdict:
    with tenant_scope(tenant_id):
        return audit.verify(tenant_id)


@pytest.fixture
def chain(committed: None) -> Tenant:
    """Fjordbank's chain: it was opened, two people came, two notes were made."""
    tenant = people.story().fjordbank.tenant
    for text in ("first", "second"):
        note(tenant.id, text)
    return tenant


@pytest.fixture
def intruder(ground: Ground, chain: Tenant) -> Iterator[psycopg.Connection]:
    """Somebody who has got hold of the owner's connection. The chain is taken away afterwards: other stories verify all there are."""
    with psycopg.connect(ground.owner_url, autocommit=True) as found:
        yield found
        take_away(found, chain.id)


def take_away(owner: psycopg.Connection, tenant_id: uuid.UUID) -> None:
    owner.execute("DELETE FROM tenants_auditentry WHERE tenant_id = %s", [tenant_id])
    owner.execute("DELETE FROM tenants_audithead WHERE tenant_id = %s", [tenant_id])


def test_an_untouched_chain_is_whole(chain: Tenant) -> None:
    found = verdict(chain.id)
    assert found.first_bad is None
    assert found.entries == 5
    with tenant_scope(chain.id):
        assert bytes(AuditHead.objects.of(chain.id).get().hash).hex() == found.head
        assert [entry.seq for entry in AuditEntry.objects.of(chain.id).order_by("seq")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("deed", "first_bad"),
    [
        ("UPDATE tenants_auditentry SET actor = 'somebody else' WHERE tenant_id = %s AND seq = 3", 3),
        ("""UPDATE tenants_auditentry SET after = '{"text": "other"}' WHERE tenant_id = %s AND seq = 4""", 4),
        ("UPDATE tenants_auditentry SET at = at + interval '1 microsecond' WHERE tenant_id = %s AND seq = 2", 2),
        ("UPDATE tenants_auditentry SET reason = 'other', hash = sha256('x') WHERE tenant_id = %s AND seq = 5", 5),
        ("DELETE FROM tenants_auditentry WHERE tenant_id = %s AND seq = 1", 1),
        ("DELETE FROM tenants_auditentry WHERE tenant_id = %s AND seq = 3", 3),
        ("DELETE FROM tenants_auditentry WHERE tenant_id = %s AND seq = 5", 5),
        ("DELETE FROM tenants_auditentry WHERE tenant_id = %s", 1),
        ("DELETE FROM tenants_audithead WHERE tenant_id = %s", 1),
        ("UPDATE tenants_audithead SET seq = 4 WHERE tenant_id = %s", 5),
        ("UPDATE tenants_audithead SET hash = sha256('x') WHERE tenant_id = %s", 5),
    ],
)
def test_a_deed_is_found(chain: Tenant, intruder: psycopg.Connection, deed: str, first_bad: int) -> None:
    assert intruder.execute(deed.encode(), [chain.id]).rowcount
    assert verdict(chain.id).first_bad == first_bad


def test_an_entry_moved_from_another_tenant_is_found(chain: Tenant, intruder: psycopg.Connection) -> None:
    other = people.story().fjordbank.tenant
    take_away(intruder, other.id)
    for table in ("tenants_auditentry", "tenants_audithead"):
        intruder.execute(f"UPDATE {table} SET tenant_id = %s WHERE tenant_id = %s".encode(), [other.id, chain.id])
    assert verdict(other.id).first_bad == 1
    take_away(intruder, other.id)


def test_the_command_names_the_first_bad_entry(
    chain: Tenant, intruder: psycopg.Connection, manage: Callable[..., CompletedProcess[str]]
) -> None:
    whole = manage("verify_audit", "--tenant", chain.slug, "--json")
    assert whole.returncode == 0, whole.stderr
    assert json.loads(whole.stdout.splitlines()[-1])["chains"] == [
        {"owner": chain.slug, "entries": 5, "head": verdict(chain.id).head, "first_bad": None}
    ]
    intruder.execute("UPDATE tenants_auditentry SET action = 'nothing' WHERE tenant_id = %s AND seq = 2", [chain.id])
    broken = manage("verify_audit", "--json")
    assert broken.returncode == 1
    assert f"{chain.slug}: entry 2" in broken.stderr
    assert manage("verify_audit", "--tenant", "nobody").returncode == 1


@pytest.mark.parametrize(
    "verb", ["UPDATE tenants_auditentry SET actor = ''", "DELETE FROM tenants_auditentry", "DELETE FROM tenants_audithead"]
)
def test_the_application_can_only_add(db: None, verb: str) -> None:
    tenant = people.story().fjordbank.tenant
    with pytest.raises(ProgrammingError, match="permission denied"), tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute(f"{verb} WHERE tenant_id = %s", [tenant.id])


def test_two_who_write_at_once_make_one_chain(chain: Tenant) -> None:
    def write() -> None:
        for number in range(10):
            note(chain.id, str(number))
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert verdict(chain.id) == audit.Verdict(entries=35, head=verdict(chain.id).head, first_bad=None)


def test_what_is_rolled_back_was_never_recorded(chain: Tenant) -> None:
    before = verdict(chain.id)
    with transaction.atomic():
        note(chain.id, "third")
        transaction.set_rollback(True)
    assert verdict(chain.id) == before


def test_the_operators_chain_is_its_own(db: None) -> None:
    story = people.story()
    with operator_scope(story.operator.id, "test"):
        for role in ("finance", "admin"):
            audit.record_for_operator(story.operator.id, actor="command", action="staff.role", subject="user:x", after={"role": role})
        found = audit.verify_operator(story.operator.id)
        assert (found.entries, found.first_bad) == (2, None)
        entry = OperatorAuditEntry.objects.get(operator=story.operator, seq=2)
        assert entry.after == {"role": "admin"}


def test_only_what_differs_is_recorded_and_as_json_keeps_it() -> None:
    day, number = datetime(2026, 11, 1, tzinfo=UTC), uuid.UUID(int=7)
    before = {"name": "a", "sector": Sector.PRIVATE, "price": Decimal("1.10"), "roles": ["x"], "gone": 1}
    after = {"name": "a", "sector": Sector.PUBLIC, "price": Decimal("1.100001"), "roles": {"z", "y"}, "at": day, "id": number}
    assert audit.changed(before, after) == (
        {"sector": "private", "price": "1.10", "roles": ["x"], "gone": 1},
        {"sector": "public", "price": "1.100001", "roles": ["y", "z"], "at": "2026-11-01T00:00:00+00:00", "id": str(number)},
    )
    assert audit.changed({"name": "a"}, {"name": "a"}) == (None, None)


def test_secrets_and_persons_stay_out() -> None:
    old, new = audit.changed({"client_secret": "s3cret", "email": "a@fjordbank.example"}, {"client_secret": "other", "email": None})
    assert old == {"client_secret": audit.NOT_RECORDED, "email": audit.NOT_RECORDED}
    assert new == {"client_secret": audit.NOT_RECORDED, "email": None}
    assert audit.changed({}, {"theme": {"private_key": "x"}}) == (None, {"theme": {"private_key": audit.NOT_RECORDED}})
    with pytest.raises(ValueError, match="bytes"):
        audit.changed({}, {"hash": b"\x01"})
    with pytest.raises(ValueError, match="float"):
        audit.changed({}, {"share": 0.1})


@pytest.mark.parametrize("after", [{"client_secret": "s3cret"}, {"at": datetime(2026, 11, 1, tzinfo=UTC)}, {"a": {"cpr": "1"}}])
def test_record_takes_only_what_changed_has_seen(db: None, after: dict[str, object]) -> None:
    story: Story = people.story()
    tenant = story.fjordbank.tenant
    with pytest.raises(ValueError, match=r"cannot be|may not be"), tenant_scope(tenant.id):
        audit.record(tenant.id, actor="system", action="note", subject="x:1", after=after)


def test_a_new_role_is_recorded_with_the_one_before(db: None) -> None:
    from tenants import tenancy

    story = people.story()
    tenant = story.fjordbank.tenant
    tenancy.add_member(tenant, story.colleague, MembershipRole.FINANCE, actor=f"user:{story.owner.id}")
    tenancy.add_member(tenant, story.colleague, MembershipRole.FINANCE, actor=f"user:{story.owner.id}")
    with tenant_scope(tenant.id):
        entries = list(AuditEntry.objects.of(tenant.id).filter(subject=f"user:{story.colleague.id}").order_by("seq"))
    assert [(entry.before, entry.after) for entry in entries] == [
        (None, {"role": "developer"}),
        ({"role": "developer"}, {"role": "finance"}),
    ]
