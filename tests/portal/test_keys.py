"""The page of an environment's keys: everybody who builds sees them, its owner alone changes them before their time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.urls import reverse

from authflows import key_rotation
from authflows.key_rotation import KeyFacts
from authflows.models import Key
from authflows.oidc import discovery
from broker_portal.clients import registry
from tenants.isolation import tenant_scope
from tenants.models import AuditEntry, Issuer
from tests.doubles.furnished import Furnished

KEYS, ROTATE = "portal:keys", "portal:keys_rotate"


def at(house: Furnished, name: str, environment: str = "test") -> str:
    return reverse(name, args=[house.slug, environment])


def keys_of(house: Furnished, environment: str = "test") -> list[KeyFacts]:
    return key_rotation.shown(house.tenant_id, registry.environment_of(house.tenant_id, environment).id)


def in_state(house: Furnished, state: str, environment: str = "test") -> set[str]:
    return {key.kid for key in keys_of(house, environment) if key.state == state}


def days_pass(house: Furnished, days: int) -> None:
    with tenant_scope(house.tenant_id):
        for column in ("created_at", "activated_at", "retired_at"):
            Key.objects.of(house.tenant_id).update(**{column: F(column) - timedelta(days=days)})


def test_the_page_shows_what_the_key_set_holds(house: Furnished) -> None:
    key_rotation.rotate_all()
    page = house.browser("developer").get(at(house, KEYS)).content.decode()
    for state in ("active", "next"):
        assert in_state(house, state)
        assert all(kid in page for kid in in_state(house, state))
    with tenant_scope(house.tenant_id):
        place = registry.environment_of(house.tenant_id, "test")
        issuer = Issuer.objects.select_related("tenant__operator", "domain").get(environment_id=place.id)
    from authflows import configuration

    loaded = configuration.load(issuer)
    assert f"{loaded.url}/jwks" in page
    assert {key["kid"] for key in discovery.jwks(loaded)["keys"]} <= {key.kid for key in keys_of(house)}
    assert "danger" not in page.partition("<main")[2]
    assert not in_state(house, "active", "production") & in_state(house, "active")


def test_the_next_keys_take_over_once_they_are_known(house: Furnished) -> None:
    key_rotation.rotate_all()
    before, due = in_state(house, "active"), in_state(house, "next")
    owner, wish = house.browser("owner"), {"how": "now", "reason": "as every spring"}
    early = owner.post(at(house, ROTATE), wish)
    assert (early.status_code, in_state(house, "active")) == (422, before)
    assert "under et døgn" in early.content.decode()

    days_pass(house, 2)
    assert owner.post(at(house, ROTATE), wish).status_code == 303
    assert (in_state(house, "active"), in_state(house, "retiring")) == (due, before)
    assert in_state(house, "next")
    assert not in_state(house, "retiring", "production")


def test_keys_that_somebody_else_may_have_are_gone_at_once_and_the_trail_says_why(house: Furnished) -> None:
    before = in_state(house, "active")
    answer = house.browser("owner").post(at(house, ROTATE), {"how": "compromised", "reason": "a backup was lost"})
    assert answer.status_code == 303
    assert in_state(house, "gone") == before
    assert in_state(house, "active").isdisjoint(before)
    with tenant_scope(house.tenant_id):
        entry = AuditEntry.objects.of(house.tenant_id).latest("seq")
    assert (entry.action, entry.actor, entry.reason) == ("keys.rotated", f"user:{house.people['owner'].id}", "a backup was lost")
    assert all(kid in house.browser("owner").get(at(house, KEYS)).content.decode() for kid in before)


@pytest.mark.parametrize("wish", [{}, {"how": "now"}, {"reason": "x"}, {"how": "due", "reason": "x"}, {"how": "now", "reason": "x" * 201}])
def test_without_how_and_why_nothing_changes(wish: dict[str, str], house: Furnished) -> None:
    before = in_state(house, "active")
    assert house.browser("owner").post(at(house, ROTATE), wish).status_code == 422
    assert in_state(house, "active") == before
