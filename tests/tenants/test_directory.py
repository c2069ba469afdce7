"""Before a tenant is known, and how one begins."""

import threading
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from pytest_django import Settings

from tenants import directory, tenancy, vault
from tenants.isolation import tenant_scope
from tenants.models import AuditEntry, Environment, Installation, Kind, Membership, Operator, Role, Tenant
from tests import people
from tests.people import Story


@pytest.fixture
def story(db: None) -> Story:
    return people.story()


def test_a_tenant_begins_with_two_environments_and_their_issuers(story: Story) -> None:
    opened = story.fjordbank
    slug = opened.tenant.slug
    assert (opened.production_issuer.path, opened.test_issuer.path) == (f"/t/{slug}", f"/t/{slug}-test")
    with tenant_scope(opened.tenant.id):
        assert {e.kind: e.id for e in Environment.objects.of(opened.tenant.id)} == {
            Kind.TEST: opened.test.id,
            Kind.PRODUCTION: opened.production.id,
        }
        assert AuditEntry.objects.of(opened.tenant.id).get(seq=1).action == "tenant.opened"
    row = uuid.uuid4()
    assert vault.decrypt(opened.tenant.id, "t", "c", row, vault.encrypt(opened.tenant.id, "t", "c", row, b"x")) == b"x"


@pytest.mark.parametrize(
    "slug", ["", "Fjordbank", "fjord_bank", "-fjord", "fjord-", "fjord--bank", "fjordbank-test", "a" * 51, "ø", "a.b", "a/b"]
)
def test_a_slug_that_cannot_be_a_host_is_refused(db: None, slug: str) -> None:
    with pytest.raises(ValidationError):
        tenancy.open_tenant(tenancy.first_operator(), slug, "Fjordbank A/S")
    assert not Tenant.objects.filter(slug=slug).exists()


def test_a_taken_slug_is_refused(story: Story) -> None:
    with pytest.raises(ValidationError):
        tenancy.open_tenant(story.operator, story.fjordbank.tenant.slug, "Another")
    with pytest.raises(ValidationError):
        tenancy.open_tenant(story.operator, f"ny-{uuid.uuid4().hex[:8]}", "  ")


@pytest.mark.usefixtures("committed")
def test_of_two_who_open_the_same_tenant_one_does() -> None:
    operator, slug = tenancy.first_operator(), f"kommune-{uuid.uuid4().hex[:10]}"
    outcome: list[str] = []

    def opening() -> None:
        try:
            tenancy.open_tenant(operator, slug, "Kommune")
            outcome.append("opened")
        except ValidationError:
            outcome.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=opening) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["opened", "taken", "taken"]


def test_with_a_domain_for_issuers_each_has_a_host(db: None, settings: Settings) -> None:
    settings.ISSUER_DOMAIN = "login.broker.example"
    opened = tenancy.open_tenant(tenancy.first_operator(), f"havneby-{uuid.uuid4().hex[:8]}", "Havneby")
    for issuer, slug in ((opened.production_issuer, opened.tenant.slug), (opened.test_issuer, f"{opened.tenant.slug}-test")):
        assert issuer.path is None
        assert issuer.domain is not None
        assert (issuer.domain.host, issuer.domain.role) == (f"{slug}.login.broker.example", Role.ISSUER)


def test_a_person_finds_the_tenants_they_belong_to(story: Story) -> None:
    assert [m.tenant.slug for m in directory.tenants_of(story.owner.id)] == [story.fjordbank.tenant.slug]
    Membership.objects.create(tenant=story.havneby.tenant, user=story.owner, role="finance")
    assert [m.tenant.name for m in directory.tenants_of(story.owner.id)] == ["Fjordbank A/S", "Havneby Kommune"]
    assert directory.tenants_of(story.staff.id) == []
    assert [role.operator for role in directory.staff_roles_of(story.staff.id)] == [story.operator]
    assert [m.user for m in directory.members_of(story.fjordbank.tenant.id, ("owner",))] == [story.owner]


def test_the_base_url_is_the_one_that_the_server_recorded(db: None, settings: Settings) -> None:
    assert directory.base_url() == settings.BASE_URL
    Installation.objects.update(base_url="http://localhost:9")
    assert directory.base_url() == "http://localhost:9"
    Installation.objects.all().delete()
    assert directory.base_url() == settings.BASE_URL


def test_one_operator_is_there_from_the_beginning(db: None) -> None:
    people.story()
    assert tenancy.first_operator() == Operator.objects.order_by("created_at").first()
