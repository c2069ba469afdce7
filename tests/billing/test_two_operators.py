"""Two operators on one installation, all the way: plans of one name, months, numbers, credit, settlement both ways, margin, audit.

What MitID decides is one for both (decision 19); nothing else of one is seen by the other. All prices are illustrative.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from billing import closing, crediting, issuing, margin, plans, prices, reconciliation, statements, supplier, verifying
from billing.auditing import audit_month
from billing.fees import FeeTier
from billing.models import Document, PlanVersion, StatementLine
from billing.plans import Terms
from broker_portal.buyers import payers
from broker_portal.prices import shown
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Operator, Staff
from tests import people
from tests.billing import story
from tests.billing.story import Customer
from tests.billing.test_reconciliation import MONTHS, YEAR, B, C, account_of, bill, count, decide


class Side:
    """One operator with its plan "Harbour" and one tenant that pays it."""

    def __init__(self, name: str, counts: tuple[int, ...], fee: str) -> None:
        self.operator: Operator = story.operator()
        self.customer: Customer = story.customer(name, self.operator, first_month=MONTHS[0])
        terms = Terms(tiers=[FeeTier(None, Decimal(fee))], pass_on={"core_client": "included", "udviklingsbidrag": "included"})
        with operator_scope(self.operator.id, "test"):
            self.version, _ = plans.enter_plan(self.operator, "Harbour", MONTHS[0], terms, by="staff:1", illustrative=True)
        prices.assign_plan(account_of(self.customer), self.version.plan, MONTHS[0], by="staff:1")
        self.invoices = []
        for month, requests in zip(MONTHS, counts, strict=True):
            count(self.customer, month, requests)
            self.invoices.append(bill(self.customer, month))

    @property
    def first(self) -> Document:
        assert self.invoices[0] is not None
        return self.invoices[0]

    @property
    def numbers(self) -> list[str]:
        return [str(each.number) for each in self.invoices if each]


@pytest.fixture
def sides(db: None) -> tuple[Side, Side]:
    return Side("b", B, "0.10"), Side("c", C, "0.20")


def test_prices_and_numbers_are_each_operators_own(sides: tuple[Side, Side]) -> None:
    one, other = sides
    assert one.numbers == other.numbers
    assert len(set(one.numbers)) == 12
    # 8,123 and 101 requests in July: 0.259 + 0.10, and 0.259 + 0.20 each.
    assert [str(side.first.net) for side in sides] == ["2916.16", "46.36"]
    with pytest.raises(LookupError, match="name the tenant"):
        issuing.find(one.numbers[0])
    for side in sides:
        assert issuing.find(side.numbers[0], tenant_slug=side.customer.tenant.slug).operator_id == side.operator.id
        assert [(row.name, row.tenants) for row in shown.plans(side.operator) if row.name == "Harbour"] == [("Harbour", 1)]
        assert [each.tenant.slug for each in payers.payers(side.operator)] == [side.customer.tenant.slug]
        with operator_scope(side.operator.id, "test"):
            assert {each.operator_id for each in PlanVersion.objects.filter(plan__name="Harbour")} == {side.operator.id}


def test_a_credit_and_its_second_invoice_touch_one_operator(sides: tuple[Side, Side]) -> None:
    one, other = sides
    note = crediting.credit(one.first, by="staff:1", reason="wrong buyer")
    again = closing.invoice_again(one.customer.id, MONTHS[0], by="staff:1")
    assert (note.number, again.net) == (f"K-{note.series_year}-000001", one.first.net)
    with tenant_scope(other.customer.id):
        assert not Document.objects.of(other.customer.id).exclude(kind="invoice").exists()
    assert str(crediting.credit(other.first, by="staff:1", reason="wrong plan").number) == note.number


def test_settlement_statement_and_margin_are_apart(sides: tuple[Side, Side]) -> None:
    one, other = sides
    decide("0.223")
    line = f"{MONTHS[0]},{C[0]},26.16"
    supplier.import_statement(other.operator, ["month,requests,amount", line], source="statement.csv", by="staff:1")
    assert [str(row.delta) for row in reconciliation.commit(other.operator, 5, by="staff:1").accounts] == ["-43.32"]
    assert [str(row.delta) for row in reconciliation.preview(one.operator, 5).accounts] == ["-3555.56"]
    assert statements.statement(one.customer.tenant, 5).settlements == ()
    assert [str(each.delta) for each in reconciliation.commit(one.operator, 5, by="staff:1").accounts] == ["-3555.56"]
    assert [str(statements.statement(side.customer.tenant, 5).delta) for side in sides] == ["-3555.56", "-43.32"]
    for side, stated in ((one, 0), (other, 1)):
        with operator_scope(side.operator.id, "test"):
            assert StatementLine.objects.filter(operator=side.operator).count() == stated
        found = reconciliation.preview(side.operator, 5)
        assert (found.bridge.rest, found.received_settlement) == (Decimal("0.00"), None)
        assert [part.name for part in margin.of_year(side.operator, 5).tenants] == [side.customer.tenant.slug]
    with operator_scope(other.operator.id, "test"):
        accrued = supplier.accrue(supplier.counts([other.customer.id], YEAR), YEAR)
        first = next(row for row in supplier.compare(other.operator, accrued, YEAR) if row.component == "aap")
    assert (first.ours, first.theirs, first.differs) == (C[0], C[0], False)


def test_both_are_audited_and_verified(sides: tuple[Side, Side]) -> None:
    for side in sides:
        assert {each.tenant for each in audit_month(MONTHS[0], side.operator)} == {side.customer.tenant.slug}
    heads = {head["operator"] for head in verifying.verify().heads}
    assert heads >= {str(side.operator.id) for side in sides}
    assert verifying.verify().faults == []


def test_staff_of_one_find_nothing_of_the_other(sides: tuple[Side, Side]) -> None:
    one, other = sides
    browser = people.signed_in(people.staff(one.operator, f"finance@{one.customer.tenant.slug}.tidevand.example", Staff.FINANCE))
    for name, arguments in (
        ("prices", []),
        ("accounts", []),
        ("account", [other.customer.tenant.slug]),
        ("supplier", [5]),
        ("margin", [5]),
        ("reconciliation", [5]),
        ("month", [str(MONTHS[0])]),
    ):
        own = browser.get(reverse(f"operator:{name}", args=[one.operator.id, *arguments]))
        assert own.status_code == (404 if name == "account" else 200)
        assert browser.get(reverse(f"operator:{name}", args=[other.operator.id, *arguments])).status_code == 404
