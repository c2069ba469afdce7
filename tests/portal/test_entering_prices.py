"""What MitID and the operator decide, entered on pages: looked at first, then it counts. All prices are illustrative."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing import decisions
from billing.models import AapTable, ContractYear, PlanPrice, PlanTier, PlanVersion, SchemeCharge
from tenants.isolation import operator_scope
from tenants.models import OperatorAuditEntry
from tests.doubles.furnished import Furnished

# domain 3.4: two by two of its cells.
TABLE = {
    "rows": "3",
    "columns": "3",
    "r0": "0",
    "r1": "600",
    "a0": "0",
    "a1": "1.2",
    "c0_0": "0.265",
    "c0_1": "0.291",
    "c1_0": "0.235",
    "c1_1": "0.259",
    "source": "AAP-tabel 6",
}
PLAN = {
    "name": "Quay",
    "starts": "2027-02",
    "mode": "volume",
    "period": "month",
    "tiers": "3",
    "owns": "1",
    "up_to_0": "1000",
    "price_0": "0.80",
    "up_to_1": "10000",
    "price_1": "0.60",
    "price_2": "0.40",
    "how_aap": "at_cost",
    "how_core_client": "at_cost_plus",
    "percent_core_client": "5",
    "how_udviklingsbidrag": "included",
    "subscription": "299",
    "minimum": "250",
    "discount": "10",
    "discount_until": "2027-12",
    "action_0": "sign",
    "own_0": "1.25",
    "reason": "decided on 18 November",
}


@pytest.fixture
def staff(house: Furnished) -> Client:
    return house.browser("staff")


def at(house: Furnished, name: str, *arguments: object) -> str:
    return reverse(f"operator:{name}", args=[house.story.operator.id, *arguments])


def enter(browser: Client, address: str, given: dict[str, Any]) -> int:
    """The preview, then what it sends on."""
    shown = browser.post(address, given)
    assert (shown.status_code, shown.context["preview"] is not None) == (200, True)
    return browser.post(address, {**dict(shown.context["kept"]), "enter": "yes"}).status_code


def test_a_contract_year_is_shown_and_then_entered(house: Furnished, staff: Client) -> None:
    address, given = at(house, "year_new"), {"number": "41", "first": "2061-07", "last": "2062-06"}

    shown = staff.post(address, given)

    assert "30. juni 2062" in shown.content.decode()
    assert not ContractYear.objects.filter(number=41).exists()
    assert enter(staff, address, given) == 303
    assert ContractYear.objects.filter(number=41).exists()
    overlapping = staff.post(address, given | {"number": "42"})
    assert (overlapping.status_code, "overlapper år 41" in overlapping.content.decode()) == (422, True)
    with operator_scope(house.story.operator.id, "test"):
        entered = OperatorAuditEntry.objects.filter(operator=house.story.operator, action="year.entered").get()
    assert entered.actor == f"staff:{house.story.staff.id}"


def test_a_table_is_typed_in_as_a_grid(house: Furnished, staff: Client) -> None:
    address = at(house, "aap_table", 6)
    before = AapTable.objects.count()
    assert staff.post(address, TABLE).context["preview"].facts[1] == ("Priser", "4")
    assert AapTable.objects.count() == before

    assert enter(staff, address, TABLE) == 303

    newest = decisions.table_of(6)
    assert newest is not None
    cells = decisions.cells_of(newest)
    assert decisions.look_up(cells, 600_000_000, 1_200_000) == Decimal("0.259")
    assert decisions.look_up(cells, 599_999_999, 1_199_999) == Decimal("0.265")
    assert (newest.source, newest.entered_by) == ("AAP-tabel 6", house.story.staff.email)
    again = staff.get(address).context["form"]
    assert (again.rows, again.columns, str(again["r1"].value())) == (2, 2, "600")


def test_a_table_that_runs_the_wrong_way_needs_a_reason(house: Furnished, staff: Client) -> None:
    address, wrong = at(house, "aap_table", 6), TABLE | {"c1_0": "0.300", "c1_1": "0.310"}

    refused = staff.post(address, wrong)

    assert refused.status_code == 422
    assert "går den forkerte vej: 0,3 fra 600.000.000 anmodninger" in refused.context["form"].errors["reason"][0]
    assert enter(staff, address, wrong | {"reason": "as MitID printed it"}) == 303


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"c1_1": ""}, "c1_1"),
        ({"r0": "1"}, "r0"),
        ({"r1": "0"}, "r1"),
        ({"a0": ""}, "a1"),
        ({"source": ""}, "source"),
        ({"c0_0": "x"}, "c0_0"),
    ],
)
def test_a_grid_with_a_fault_says_where(house: Furnished, staff: Client, change: dict[str, str], field: str) -> None:
    answer = staff.post(at(house, "aap_table", 6), TABLE | change)

    assert (answer.status_code, field in answer.context["form"].errors) == (422, True)


def test_one_more_row_keeps_what_was_written(house: Furnished, staff: Client) -> None:
    more = staff.post(at(house, "aap_table", 6), TABLE | {"more": "row"})

    assert (more.status_code, more.context["form"].rows, more.context["form"]["c1_1"].value()) == (200, 4, "0.259")


def test_a_charge_has_an_end(house: Furnished, staff: Client) -> None:
    address = at(house, "charge_new")
    given = {"kind": "udviklingsbidrag", "per": "request", "price": "0.012", "starts": "2027-01", "until": "2027-10", "source": "letter"}
    early = staff.post(address, given | {"until": "2026-12"})
    assert (early.status_code, "until" in early.context["form"].errors) == (422, True)

    assert enter(staff, address, given) == 303

    charge = SchemeCharge.objects.filter(kind="udviklingsbidrag").latest("entered_at")
    assert (str(charge.until), charge.price, charge.entered_by) == ("2027-10-31", Decimal("0.012"), house.story.staff.email)


def test_a_plan_warns_where_one_request_more_is_cheaper_and_then_counts(house: Furnished, staff: Client) -> None:
    shown = staff.post(at(house, "plan_new"), PLAN)
    warnings = " ".join(shown.context["preview"].warnings)
    assert "Anmodning 10.001 gør perioden 1.999,60 kr. billigere: 10.000 anmodninger koster 6.000,00 kr., én mere 4.000,40 kr." in (
        warnings.replace("\N{NO-BREAK SPACE}", " ")
    )
    assert "5.073,80" not in shown.content.decode()

    assert enter(staff, at(house, "plan_new"), PLAN) == 303

    operator = house.story.operator
    with operator_scope(operator.id, "test"):
        version = PlanVersion.objects.select_related("plan").get(operator=operator, plan__name="Quay")
        tiers = list(PlanTier.objects.filter(operator=operator, version=version).order_by("up_to").values_list("up_to", "price"))
        own = PlanPrice.objects.get(operator=operator, version=version)
    assert tiers == [(1000, Decimal("0.8")), (10000, Decimal("0.6")), (None, Decimal("0.4"))]
    assert (version.plus, version.udviklingsbidrag, str(version.discount_until)) == (
        {"core_client": {"percent": "5", "ore": "0"}},
        "included",
        "2027-12-31",
    )
    assert (own.connection_id, own.action, own.price) == (None, "sign", Decimal("1.25"))
    later = staff.get(f"{at(house, 'plan_new')}?plan={version.plan_id}").context["form"]
    assert [str(later[name].value()) for name in ("up_to_1", "price_2", "percent_core_client", "own_0")] == ["10000", "0.4", "5", "1.25"]
    changed = staff.post(at(house, "plan_new"), PLAN | {"subscription": "300"})
    assert (changed.status_code, "starts" in changed.context["form"].errors) == (422, True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"up_to_2": "20000"}, "up_to_2"),
        ({"up_to_0": ""}, "up_to_0"),
        ({"price_1": ""}, "price_1"),
        ({"percent_core_client": ""}, "how_core_client"),
        ({"percent_aap": "2"}, "how_aap"),
        ({"action_0": ""}, "own_0"),
        ({"starts": "2027-13"}, "starts"),
        ({"discount": "101"}, "discount"),
        ({"up_to_1": "900"}, "__all__"),
        ({"period": "year"}, "__all__"),
    ],
)
def test_a_plan_with_a_fault_says_where(house: Furnished, staff: Client, change: dict[str, str], field: str) -> None:
    answer = staff.post(at(house, "plan_new"), PLAN | change)

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])


def test_a_plan_of_nobody_is_not_found(house: Furnished, staff: Client) -> None:
    assert staff.get(f"{at(house, 'plan_new')}?plan={house.tenant_id}").status_code == 404
    assert staff.get(f"{at(house, 'plan_new')}?plan=x").status_code == 404
