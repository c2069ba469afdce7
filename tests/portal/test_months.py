"""The operator's month: drafted by work rows, approved and issued because a person said so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from billing import accounts, months
from billing.accounts import Buyer
from billing.models import BillingAccount
from tenants import work
from tenants.isolation import tenant_scope
from tests.doubles.furnished import Furnished, tell


@pytest.fixture
def used(house: Furnished) -> Furnished:
    """Both tenants had requests last month."""
    for opened, client in ((house.story.fjordbank, house.netbank), (house.story.havneby, house.foreign)):
        instants = [house.last_month.starts_at + timedelta(days=2, minutes=n) for n in range(3)]
        tell(opened, client, opened.production, instants, "completed")
    return house


def at(house: Furnished, name: str = "month") -> str:
    return reverse(f"operator:{name}", args=[house.story.operator.id, house.last_month])


def shown(house: Furnished) -> Any:
    """The context of the month's page."""
    return house.browser("staff").get(at(house)).context


def does(house: Furnished, action: str, tenant: str = "") -> None:
    answer = house.browser("staff").post(at(house, "month_close"), {"action": action, "tenant": tenant})
    assert (answer.status_code, answer["Location"]) == (303, at(house))


def work_off(house: Furnished) -> None:
    """As workers do."""
    for kind, do in months.DO.items():
        do(work.claim(kind, 100, 60), by="system")


def states(house: Furnished) -> list[str]:
    return [row["state"] for row in shown(house)["rows"]]


def test_from_nothing_to_numbers(used: Furnished) -> None:
    page = shown(used)
    assert (page["state"], states(used)) == ("ready", ["open", "open"])
    assert page["requests"] is None

    does(used, "draft")
    assert shown(used)["state"] == "closing"
    work_off(used)
    page = shown(used)
    assert (states(used), page["requests"]) == (["draft", "draft"], 6)
    assert (page["may_draft"], page["may_approve"], page["may_issue"]) == (False, True, False)

    does(used, "approve")
    work_off(used)
    assert states(used) == ["approved", "approved"]

    does(used, "issue")
    work_off(used)
    page = shown(used)
    assert (page["state"], states(used)) == ("closed", ["issued", "issued"])
    assert all(row["number"] for row in page["rows"])
    assert not any((page["may_draft"], page["may_approve"], page["may_issue"]))


def test_the_person_who_approved_stands_on_the_document(used: Furnished) -> None:
    does(used, "draft")
    work_off(used)
    does(used, "approve")
    work_off(used)

    (row, _) = months.tenants_of(used.story.operator.id, used.last_month)

    assert row.document is not None
    assert row.document.approved_by == f"staff:{used.story.staff.id}"


def test_one_tenant_at_a_time(used: Furnished) -> None:
    does(used, "draft", used.slug)
    work_off(used)

    assert states(used) == ["draft", "open"]


def test_progress_counts_work_rows(used: Furnished) -> None:
    does(used, "draft")
    staff = used.browser("staff")

    before = staff.get(at(used, "progress")).json()
    work_off(used)
    after = staff.get(at(used, "progress")).json()

    assert before == {"done": 0, "total": 2, "running": True, "text": "0 af 2"}
    assert after["running"] is False


def test_without_script_the_page_reloads_itself_while_work_goes_on(used: Furnished) -> None:
    staff = used.browser("staff")

    quiet = staff.get(at(used)).content.decode()
    does(used, "draft")
    busy = staff.get(at(used)).content.decode()

    assert 'http-equiv="refresh"' not in quiet
    assert '<noscript><meta http-equiv="refresh"' in busy
    assert f'data-progress="{at(used, "progress")}"' in busy


def test_a_tenant_that_stops_says_why_and_holds_nobody_back(used: Furnished) -> None:
    opened = used.story.havneby
    early = used.last_month.previous().previous()
    tell(opened, used.foreign, opened.production, [early.ends_at - timedelta(hours=1)], "completed")
    does(used, "draft")
    work_off(used)

    page = shown(used)

    assert [row["state"] for row in page["rows"]] == ["draft", "stopped"]
    assert page["rows"][1]["reason"]
    assert page["counts"]["stopped"] == 1
    assert page["state"] == "ready", "a tenant that pauses is no work that goes on"
    assert page["may_draft"]
    only = used.browser("staff").get(at(used), {"show": "stopped"})
    assert [row["tenant"].slug for row in only.context["rows"]] == [opened.tenant.slug]


def test_a_draft_that_lacks_something_says_what(used: Furnished) -> None:
    tenant_id = used.tenant_id
    with tenant_scope(tenant_id):
        account = BillingAccount.objects.of(tenant_id).get()
    accounts.change_buyer(account, Buyer(name="Fjordbank A/S"), valid_from=used.last_month.first, by="command")
    does(used, "draft")
    work_off(used)
    does(used, "approve")
    work_off(used)

    page = shown(used)

    assert [row["state"] for row in page["rows"]] == ["draft", "approved"]
    assert page["rows"][0]["lacking"] == [("Købers adresse mangler", "street")]


def test_a_month_that_is_not_over_is_refused_with_its_reason(house: Furnished) -> None:
    staff = house.browser("staff")
    address = reverse("operator:month_close", args=[house.story.operator.id, house.this_month])

    page = staff.post(address, {"action": "draft"}, follow=True)

    assert "er ikke slut" in page.content.decode()
    assert page.context["state"] == "open"
    assert not page.context["may_draft"]


def test_staff_see_their_own_operators_tenants_only(used: Furnished) -> None:
    names = {row["tenant"].operator_id for row in shown(used)["rows"]}

    assert names == {used.story.operator.id}
