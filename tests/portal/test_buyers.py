"""Accounts: who buys, who pays what, and lines that two people decide. All prices are illustrative."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from billing import accounts, closing, issuing, one_offs
from billing.models import AccountPlan, BillingAccount, BuyerVersion, OneOff, Plan
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import AuditEntry, Staff
from tests import people
from tests.doubles.furnished import Furnished

BUYER = {
    "name": "Fjordbank A/S",
    "street": "Havnegade 7\n2. sal",
    "postcode": "9998",
    "city": "Fjordby",
    "country": "DK",
    "cvr": "88 00 00 13",
    "email": "faktura@fjordbank.example",
    "language": "en",
}
LINE = {"text": "Connection", "quantity": "1.5", "unit_price": "900"}


@pytest.fixture
def staff(house: Furnished) -> Client:
    return house.browser("staff")


def at(house: Furnished, name: str) -> str:
    return reverse(f"operator:{name}", args=[house.story.operator.id, house.slug])


def newest(house: Furnished) -> BuyerVersion:
    with tenant_scope(house.tenant_id):
        found = accounts.buyer_on(house.tenant_id, date.max)
    assert found is not None
    return found


def test_finance_people_keep_their_own_details(house: Furnished) -> None:
    finance = house.browser("finance")
    address = reverse("portal:invoice_details", args=[house.slug, "production"])
    assert address in finance.get(reverse("portal:invoices", args=[house.slug, "production"])).content.decode()
    assert finance.post(address, BUYER).status_code == 303
    buyer = newest(house)
    assert (buyer.street, buyer.cvr, buyer.vat_treatment) == (["Havnegade 7", "2. sal"], "88000013", "standard")
    with tenant_scope(house.tenant_id):
        account = BillingAccount.objects.of(house.tenant_id).get()
        entry = AuditEntry.objects.of(house.tenant_id).filter(action="account.buyer").latest("seq")
    assert (account.email, account.language) == ("faktura@fjordbank.example", "en")
    assert entry.actor == f"user:{house.people['finance'].id}"
    assert finance.get(reverse("portal:invoice_details", args=[house.slug, "test"])).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cvr": "88000019"}, "cvr"),
        ({"cvr": ""}, "cvr"),
        ({"street": ""}, "street"),
        ({"gln": "5790000000001", "order_reference": "x"}, "gln"),
        ({"gln": "5798000000001"}, "order_reference"),
        ({"country": "SE", "cvr": ""}, "vat_number"),
        ({"country": "SE", "cvr": "", "vat_number": "DK88000013"}, "vat_number"),
        ({"country": "XX"}, "country"),
        ({"language": "kl"}, "language"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(house: Furnished, staff: Client, change: dict[str, str], field: str) -> None:
    before = newest(house).id

    answer = staff.post(at(house, "account_buyer"), BUYER | change)

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert newest(house).id == before


def test_where_the_buyer_is_decides_the_vat(house: Furnished, staff: Client) -> None:
    for country, number, treatment in (
        ("SE", "SE556703748501", "reverse_charge"),
        ("NO", "", "outside_scope"),
        ("GL", "", "outside_scope"),
    ):
        assert staff.post(at(house, "account_buyer"), BUYER | {"country": country, "cvr": "", "vat_number": number}).status_code == 303
        assert newest(house).vat_treatment == treatment


def test_what_stops_approval_leads_to_its_field(house: Furnished, staff: Client) -> None:
    house.requests(house.netbank, [house.last_month.starts_at])
    staff.post(at(house, "account_buyer"), BUYER | {"gln": "5798000000001", "order_reference": "PO 7"})
    with tenant_scope(house.tenant_id):
        version = newest(house)
        BuyerVersion.objects.create(
            **{name: getattr(version, name) for name in ("tenant_id", "operator_id", "account_id", "name", "street", "city", "gln")},
            valid_from=version.valid_from,
            entered_by="test",
        )
    draft = closing.close(house.tenant_id, house.last_month, by="staff")
    assert draft is not None
    with pytest.raises(issuing.Incomplete):
        issuing.approve(house.tenant_id, draft.id, by="staff")

    page = staff.get(reverse("operator:month", args=[house.story.operator.id, house.last_month])).content.decode()

    assert f"{at(house, 'account_buyer')}#id_order_reference" in page
    assert 'id="id_order_reference"' in staff.get(at(house, "account_buyer")).content.decode()
    listed = staff.get(reverse("operator:accounts", args=[house.story.operator.id])).content.decode()
    assert f"{at(house, 'account_buyer')}#id_order_reference" in listed


def test_an_account_gets_a_plan_after_a_look(house: Furnished, staff: Client) -> None:
    operator = house.story.operator
    with operator_scope(operator.id, "test"):
        plan = Plan.objects.create(operator=operator, name="Quay")
    given = {"plan": str(plan.id), "starts": str(house.this_month.next())}
    shown = staff.post(at(house, "account_plan"), given)
    assert ("Betaler nu", "Standard") in shown.context["preview"].facts
    assert staff.post(at(house, "account_plan"), given | {"enter": "yes"}).status_code == 303
    with tenant_scope(house.tenant_id):
        assert AccountPlan.objects.of(house.tenant_id).latest("entered_at").plan_id == plan.id
    closed = staff.post(at(house, "account_plan"), given | {"starts": str(house.invoice.period_first)[:7]})
    assert (closed.status_code, list(closed.context["form"].errors)) == (422, ["starts"])


def test_a_one_off_line_is_charged_once_another_person_approves(house: Furnished, staff: Client) -> None:
    given = LINE | {"month": str(house.this_month)}
    assert staff.post(at(house, "account_one_off"), given).context["preview"] is not None
    assert staff.post(at(house, "account_one_off"), given | {"enter": "yes"}).status_code == 303
    with tenant_scope(house.tenant_id):
        (line,) = one_offs.waiting(house.tenant_id)
        assert not OneOff.objects.of(house.tenant_id).exists()
    page = staff.get(at(house, "account")).content.decode()
    assert ('value="approve"' in page, 'value="withdraw"' in page) == (False, True)
    listed = staff.get(reverse("operator:accounts", args=[house.story.operator.id])).content.decode()
    assert "1 engangslinje venter på godkendelse" in listed
    decide = {"line": str(line.id), "action": "approve"}
    own = staff.post(at(house, "account_one_off_decide"), decide, follow=True)
    assert "en anden skal godkende den" in own.content.decode()
    colleague = Client(HTTP_HOST=staff.defaults["HTTP_HOST"])
    colleague.force_login(people.staff(house.story.operator, f"finance@{house.slug}.tidevand.example", Staff.FINANCE))
    assert colleague.post(at(house, "account_one_off_decide"), decide).status_code == 303
    with tenant_scope(house.tenant_id):
        charged = OneOff.objects.of(house.tenant_id).get()
        assert one_offs.waiting(house.tenant_id) == []
    assert (charged.id, charged.quantity * charged.unit_price) == (line.id, Decimal(1350))
    assert charged.entered_by != charged.approved_by
    assert colleague.post(at(house, "account_one_off_decide"), decide).status_code == 404


def test_a_withdrawn_line_is_never_charged(house: Furnished, staff: Client) -> None:
    staff.post(at(house, "account_one_off"), LINE | {"month": str(house.this_month), "enter": "yes"})
    with tenant_scope(house.tenant_id):
        (line,) = one_offs.waiting(house.tenant_id)
    staff.post(at(house, "account_one_off_decide"), {"line": str(line.id), "action": "withdraw"})
    with tenant_scope(house.tenant_id):
        assert one_offs.waiting(house.tenant_id) == []
        assert not OneOff.objects.of(house.tenant_id).exists()


def test_another_operators_tenant_is_not_found(house: Furnished) -> None:
    other = people.story()
    browser = Client(HTTP_HOST=house.browser("staff").defaults["HTTP_HOST"])
    browser.force_login(other.staff)
    for name in ("account", "account_buyer", "account_plan", "account_one_off"):
        assert browser.get(reverse(f"operator:{name}", args=[other.operator.id, house.slug])).status_code == 404
        assert browser.get(at(house, name)).status_code == 404
