"""The second wall: what the database answers when a statement forgets whose rows it wants."""

import uuid

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from authflows.models import Service
from tenants.isolation import operator_scope, tenant_ids, tenant_scope
from tenants.models import Environment, Kind, OperatorAuditEntry
from tests import people
from tests.people import Story
from tests.shape.sql_watch import WITHOUT_TENANT


@pytest.fixture
def story(db: None) -> Story:
    return people.story()


def visible() -> set[str]:
    """The kinds of environments that a statement without any filter finds."""
    return set(Environment.objects.extra(where=[WITHOUT_TENANT]).values_list("kind", flat=True))


def tenants_seen() -> set[uuid.UUID]:
    return set(Environment.objects.extra(where=[WITHOUT_TENANT]).values_list("tenant_id", flat=True))


def test_a_scope_sees_its_own_tenant_only(story: Story) -> None:
    with tenant_scope(story.fjordbank.tenant.id):
        assert tenants_seen() == {story.fjordbank.tenant.id}
        assert visible() == {Kind.TEST, Kind.PRODUCTION}
    with tenant_scope(story.havneby.tenant.id):
        assert tenants_seen() == {story.havneby.tenant.id}
        assert not Environment.objects.of(story.fjordbank.tenant.id).exists()


def test_without_a_scope_there_are_no_rows(story: Story) -> None:
    assert tenants_seen() == set()
    assert not Environment.objects.of(story.fjordbank.tenant.id).exists()


def test_a_row_for_another_tenant_is_refused(story: Story) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_scope(story.havneby.tenant.id):
        Service.objects.create(tenant_id=story.fjordbank.tenant.id, environment_id=story.fjordbank.test.id, alias="Netbank")


def test_a_row_that_refers_to_another_tenants_row_is_refused(story: Story) -> None:
    with pytest.raises(IntegrityError, match="foreign key"), tenant_scope(story.havneby.tenant.id):
        Service.objects.create(tenant_id=story.havneby.tenant.id, environment_id=story.fjordbank.test.id, alias="Borgerservice")


def test_another_tenants_row_can_neither_be_changed_nor_deleted(story: Story) -> None:
    with tenant_scope(story.havneby.tenant.id):
        foreign = Environment.objects.of(story.fjordbank.tenant.id)
        assert foreign.update(kind=Kind.TEST) == 0
        assert story.fjordbank.test.delete() == (0, {"tenants.Environment": 0})
    with tenant_scope(story.fjordbank.tenant.id):
        assert visible() == {Kind.TEST, Kind.PRODUCTION}


def test_a_nested_scope_gives_back_the_outer_one(story: Story) -> None:
    with tenant_scope(story.fjordbank.tenant.id):
        with tenant_scope(story.havneby.tenant.id):
            assert tenants_seen() == {story.havneby.tenant.id}
        assert tenants_seen() == {story.fjordbank.tenant.id}


def test_a_nested_scope_that_fails_gives_back_the_outer_one(story: Story) -> None:
    with tenant_scope(story.fjordbank.tenant.id):
        with pytest.raises(IntegrityError), tenant_scope(story.havneby.tenant.id):
            Environment.objects.create(tenant_id=story.havneby.tenant.id, kind=Kind.TEST)
        assert tenants_seen() == {story.fjordbank.tenant.id}
    assert tenants_seen() == set()


def test_an_operator_scope_opens_no_tenants_rows(story: Story) -> None:
    with operator_scope(story.operator.id, "test"):
        assert tenants_seen() == set()


def test_an_operators_rows_are_its_own(story: Story) -> None:
    other = people.story()
    with pytest.raises(ProgrammingError, match="row-level security"), operator_scope(other.operator.id, "test"):
        OperatorAuditEntry.objects.create(operator=story.operator, seq=1, at="2026-11-01T00:00Z", previous=b"", hash=b"")


@pytest.mark.usefixtures("committed")
def test_after_the_commit_the_scope_is_gone() -> None:
    """What on_commit runs sees nothing until it opens a scope of its own."""
    story = people.story()
    seen: list[set[uuid.UUID]] = []
    with tenant_scope(story.fjordbank.tenant.id):
        transaction.on_commit(lambda: seen.append(tenants_seen()))
    assert seen == [set()]
    assert tenants_seen() == set()


def test_sweeps_find_tenants_by_id_and_nothing_else(story: Story) -> None:
    assert {story.fjordbank.tenant.id, story.havneby.tenant.id} <= set(tenant_ids())
