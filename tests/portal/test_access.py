"""Role by action by tenant: strangers do not learn that a tenant exists, members without the right are told so."""

import itertools
from collections.abc import Callable
from http import HTTPStatus

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from broker_portal.access import Action, StaffAction, staff_access, tenant_access
from tenants.models import MembershipRole, Staff, User
from tests import people
from tests.people import Story

SEE, CLIENTS, CHANGE, TRY, USAGE, INVOICES, ROTATE = (
    Action.SEE_OVERVIEW,
    Action.SEE_CLIENTS,
    Action.CHANGE_CLIENTS,
    Action.TRY_LOGIN,
    Action.SEE_USAGE,
    Action.SEE_INVOICES,
    Action.ROTATE_KEYS,
)
ALLOWED = {
    MembershipRole.OWNER: {SEE, CLIENTS, CHANGE, TRY, USAGE, INVOICES, ROTATE},
    MembershipRole.ADMIN: {SEE, CLIENTS, CHANGE, TRY, USAGE, INVOICES},
    MembershipRole.DEVELOPER: {SEE, CLIENTS, CHANGE, TRY, USAGE},
    MembershipRole.FINANCE: {SEE, USAGE, INVOICES},
    MembershipRole.READ_ONLY: {SEE, CLIENTS, USAGE},
}
STAFF_ALLOWED = {
    Staff.ADMIN: set(StaffAction),
    Staff.FINANCE: set(StaffAction),
    Staff.SUPPORT: {StaffAction.SEE_TENANTS},
}


@pytest.fixture
def story(db: None) -> Story:
    return people.story()


def asked_by(user: User | AnonymousUser) -> HttpRequest:
    request = HttpRequest()
    request.user = user
    return request


def answer(ask: Callable[..., object], user: User | AnonymousUser, *args: object) -> HTTPStatus:
    try:
        ask(asked_by(user), *args)
    except Http404:
        return HTTPStatus.NOT_FOUND
    except PermissionDenied:
        return HTTPStatus.FORBIDDEN
    return HTTPStatus.OK


@pytest.mark.parametrize("role", list(MembershipRole))
def test_what_a_role_may(story: Story, role: MembershipRole) -> None:
    user = people.member(story.fjordbank.tenant, f"{role}@{story.fjordbank.tenant.slug}.example", role)
    ours, theirs = story.fjordbank.tenant.slug, story.havneby.tenant.slug
    for action in Action:
        expected = HTTPStatus.OK if action in ALLOWED[role] else HTTPStatus.FORBIDDEN
        assert answer(tenant_access, user, ours, action) == expected, action
        assert answer(tenant_access, user, theirs, action) == HTTPStatus.NOT_FOUND, action


@pytest.mark.parametrize("role", list(Staff))
def test_what_staff_may(story: Story, role: Staff) -> None:
    user = people.staff(story.operator, f"{role}@{story.fjordbank.tenant.slug}.example", role)
    other = people.story().operator
    for action in StaffAction:
        expected = HTTPStatus.OK if action in STAFF_ALLOWED[role] else HTTPStatus.FORBIDDEN
        assert answer(staff_access, user, action) == expected, action
        assert answer(staff_access, user, action, other.id) == HTTPStatus.NOT_FOUND, action


def test_strangers_staff_and_passers_by_see_no_tenant(story: Story) -> None:
    gone = people.member(story.fjordbank.tenant, f"gone@{story.fjordbank.tenant.slug}.example", MembershipRole.OWNER)
    gone.is_active = False
    outsiders: list[User | AnonymousUser] = [story.stranger, story.staff, AnonymousUser(), gone]
    for user, slug in itertools.product(outsiders, (story.fjordbank.tenant.slug, "no-such-tenant", "", "FJORDBANK")):
        assert answer(tenant_access, user, slug, SEE) == HTTPStatus.NOT_FOUND


def test_members_and_passers_by_are_no_staff(story: Story) -> None:
    for user in (story.owner, story.stranger, AnonymousUser()):
        assert answer(staff_access, user, StaffAction.SEE_TENANTS) == HTTPStatus.NOT_FOUND


def test_an_access_says_who_acts_and_for_whom(story: Story) -> None:
    access = tenant_access(asked_by(story.colleague), story.fjordbank.tenant.slug, CHANGE)
    assert (access.tenant, access.role, access.actor) == (story.fjordbank.tenant, "developer", f"user:{story.colleague.id}")
    assert access.may(TRY)
    assert not access.may(INVOICES)
    held = staff_access(asked_by(story.staff), StaffAction.CLOSE_MONTHS)
    assert (held.operator, held.actor) == (story.operator, f"staff:{story.staff.id}")


def test_staff_of_two_operators_says_for_which(story: Story) -> None:
    second = people.story().operator
    story.staff.staff_roles.create(operator=second, role=Staff.SUPPORT)
    assert staff_access(asked_by(story.staff), StaffAction.CLOSE_MONTHS).operator == story.operator
    assert staff_access(asked_by(story.staff), StaffAction.SEE_TENANTS, second.id).operator == second
    assert answer(staff_access, story.staff, StaffAction.CLOSE_MONTHS, second.id) == HTTPStatus.FORBIDDEN
