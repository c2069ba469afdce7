"""A contract year settled: the worked example to the ore in both outcomes, in both directions, convergent. All prices are illustrative."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from billing import accounts, closing, decisions, issuing, plans, prices, reconciliation, supplier, usage
from billing.accounts import Buyer
from billing.fees import FeeTier, Plus
from billing.issuing import Refused
from billing.models import BillingAccount, ContractYear, Document, DocumentLine, Settlement
from billing.periods import Month, default_contract_year
from billing.plans import Terms
from billing.reconciliation import YearOf
from billing.vat import Treatment
from tenants.isolation import operator_scope, tenant_scope
from tenants.models import Operator
from tests.billing import story
from tests.billing.story import Customer

YEAR = default_contract_year(5)
MONTHS = supplier.months_of(YEAR)
A = (401000, 398120, 405777, 412345, 420010, 433210, 389999, 377654, 401234, 395500, 389123, 388373)
B = (8123, 8230, 8311, 8402, 8555, 9001, 7989, 7765, 8122, 8101, 8044, 8122)
C = (101, 99, 97, 103, 110, 140, 95, 88, 92, 91, 94, 93)
PER_REQUEST = Terms(tiers=[FeeTier(None, Decimal("0.10"))])


@pytest.fixture
def seller(db: None) -> Operator:
    return story.operator()


def customer(seller: Operator, name: str, counts: tuple[int, ...], terms: Terms | None = None, buyer: Buyer | None = None) -> Customer:
    """An account whose twelve months were closed and issued with so many requests each: counted, not told one by one."""
    made = story.customer(name, seller, first_month=MONTHS[0], buyer=buyer or story.BUYER)
    if terms:
        with operator_scope(seller.id, "test"):
            version, _ = plans.enter_plan(seller, f"plan of {made.tenant.slug}", MONTHS[0], terms, by="staff:1", illustrative=True)
        prices.assign_plan(account_of(made), version.plan, MONTHS[0], by="staff:1")
    for month, requests in zip(MONTHS, counts, strict=True):
        count(made, month, requests)
        bill(made, month)
    return made


def account_of(customer: Customer) -> BillingAccount:
    with tenant_scope(customer.id):
        return BillingAccount.objects.of(customer.id).get()


def count(customer: Customer, month: Month, requests: int, what: str = "requested") -> None:
    account = account_of(customer)
    with tenant_scope(customer.id), connection.cursor() as cursor:
        posted = max(month.first, usage.first_open(account) or month.first)
        ids = [customer.id, customer.operator.id, customer.opened.production.id, customer.netbank, story.CONNECTION]
        cursor.execute(
            "INSERT INTO usage_day AS d (tenant_id, operator_id, environment_id, relying_party_id, connection_id, action, usage_model,"
            " core_client, what, day, posted, n) VALUES (%s, %s, %s, %s, %s, 'log_on', 'standard', true, %s, %s, %s, %s)"
            " ON CONFLICT (tenant_id, day, posted, operator_id, environment_id, relying_party_id, connection_id, action, usage_model,"
            " core_client, what) DO UPDATE SET n = d.n + excluded.n",
            [*ids, what, month.first, posted, requests],
        )


def bill(customer: Customer, month: Month) -> Document | None:
    draft = closing.close(customer.id, month, by="staff:1")
    if draft is None:
        return None
    issuing.approve(customer.id, draft.id, by="staff:1")
    return issuing.issue(customer.id, draft.id, by="staff:1")


def decide(price: str, requests: int = 720_000_000, authenticators: int = 1_100_000) -> None:
    year = ContractYear.objects.get(number=5)
    decisions.decide(
        year,
        "final",
        requests=requests,
        authenticators=authenticators,
        price=Decimal(price),
        source="illustrative",
        by="anna@tidevand.example",
        approved_by="bo@tidevand.example",
        illustrative=True,
    )


def deltas(found: YearOf) -> list[tuple[str, str, str]]:
    return [(str(row.delta), str(row.vat), str(row.total)) for row in found.accounts]


@pytest.fixture
def three(seller: Operator) -> list[Customer]:
    return [customer(seller, name, counts) for name, counts in (("a", A), ("b", B), ("c", C))]


OUTCOME_1 = [
    ("-173244.43", "-43311.11", "-216555.54"),
    ("-3555.56", "-888.89", "-4444.45"),
    ("-43.32", "-10.83", "-54.15"),
]
OUTCOME_2 = [("153995.03", "38498.76", "192493.79"), ("3160.46", "790.12", "3950.58"), ("38.48", "9.62", "48.10")]
NAIVE_1 = {"-173244.42", "-3555.54", "-43.31"}


def test_outcome_1_gives_credit_notes_to_the_ore(three: list[Customer], seller: Operator) -> None:
    decide("0.223")
    seen = reconciliation.preview(seller, 5)
    assert [(row.due.quantity, str(row.due.settled), str(row.final_amount)) for row in seen.accounts] == [
        (4_812_345, "1246397.37", "1073152.94"),
        (98_765, "25580.16", "22024.60"),
        (1_203, "311.59", "268.27"),
    ]
    assert deltas(seen) == OUTCOME_1
    assert not NAIVE_1 & {delta for delta, _, _ in deltas(seen)}
    assert (str(seen.paid), str(seen.expected_settlement)) == ("1272289.08", "-176843.28")
    assert (str(seen.bridge.rounding), str(seen.bridge.rest), str(seen.bridge.included)) == ("0.03", "0.00", "0.00")
    done = reconciliation.commit(seller, 5, by="staff:1")
    assert deltas(done) == OUTCOME_1
    documents = [row.document for row in done.accounts]
    assert [(d.kind, str(d.net), str(d.gross)) for d in documents if d] == [
        ("credit_note", "173244.43", "216555.54"),
        ("credit_note", "3555.56", "4444.45"),
        ("credit_note", "43.32", "54.15"),
    ]
    first = documents[0]
    assert first is not None
    shot = json.loads(first.snapshot)
    assert (len(shot["references"]), shot["period"]) == (12, {"first": "2025-07-01", "last": "2026-06-30"})
    assert shot["lines"][0]["text"] == "Efterregulering af AAP, kontraktår 5"


def test_outcome_2_gives_supplementary_invoices(three: list[Customer], seller: Operator) -> None:
    decide("0.291", 580_000_000, 1_300_000)
    done = reconciliation.commit(seller, 5, by="staff:1")
    assert deltas(done) == OUTCOME_2
    assert {row.document.kind for row in done.accounts if row.document} == {"invoice"}
    assert (str(done.expected_settlement), str(done.bridge.rounding), str(done.bridge.rest)) == ("157194.00", "0.03", "0.00")
    again = reconciliation.commit(seller, 5, by="staff:1")
    assert [(row.delta, row.document) for row in again.accounts] == [(Decimal("0.00"), None)] * 3
    assert again.bridge == done.bridge, "both settlements stay what they are"


@pytest.mark.parametrize(("price", "supplier_s", "kept"), [("0.223", "-176843.28", "-3555.53"), ("0.291", "157194.00", "3160.49")])
def test_what_is_included_is_kept_or_borne(seller: Operator, price: str, supplier_s: str, kept: str) -> None:
    included = Terms(pass_on={"aap": "included"}, tiers=[FeeTier(None, Decimal("0.90"))])
    for name, counts, terms in (("a", A, None), ("b", B, included), ("c", C, None)):
        customer(seller, name, counts, terms)
    decide(price)
    found = reconciliation.commit(seller, 5, by="staff:1")
    assert str(found.expected_settlement) == supplier_s
    assert [row.tenant.slug[0] for row in found.accounts] == ["a", "c"]
    total = sum(row.delta for row in found.accounts)
    assert str(total) == {"0.223": "-173287.75", "0.291": "154033.51"}[price]
    assert (str(found.bridge.included), str(found.bridge.rounding), str(found.bridge.rest)) == (kept, "0.00", "0.00")


def test_a_corrected_price_and_late_requests_give_only_the_new_difference(seller: Operator) -> None:
    one = customer(seller, "b", B)
    decide("0.223")
    reconciliation.commit(seller, 5, by="staff:1")
    count(one, MONTHS[3], 50)
    (row,) = reconciliation.commit(seller, 5, by="staff:1").accounts
    assert (row.delta, row.document is not None) == (Decimal("11.15"), True)
    decide("0.225")
    (row,) = reconciliation.commit(seller, 5, by="staff:1").accounts
    assert row.delta == Decimal("197.63"), "0.002 x 98,815"
    (row,) = reconciliation.commit(seller, 5, by="staff:1").accounts
    assert (row.delta, row.document) == (Decimal("0.00"), None)


def test_late_aap_of_a_reconciled_year_is_on_no_months_document(seller: Operator) -> None:
    one = customer(seller, "b", B)
    decide("0.223")
    reconciliation.commit(seller, 5, by="staff:1")
    count(one, MONTHS[3], 50)
    july = bill(one, Month(2026, 7))
    assert july is not None
    with tenant_scope(one.id):
        kinds = DocumentLine.objects.of(one.id).filter(document_id=july.id).values_list("kind", flat=True)
        assert set(kinds) == {"core_client", "udviklingsbidrag", "fee"}


def test_the_settled_aap_of_a_year_is_the_final_price_of_its_requests(seller: Operator) -> None:
    customer(seller, "c", C)
    for price in ("0.223", "0.30", "0.001", "0.259"):
        decide(price)
        reconciliation.commit(seller, 5, by="staff:1")
        (row,) = reconciliation.preview(seller, 5).accounts
        assert (row.due.settled, row.delta) == (Decimal(str(round(Decimal(price) * sum(C), 2))), Decimal("0.00"))


def test_too_little_to_send_is_recorded_and_carried(seller: Operator) -> None:
    one = customer(seller, "c", (1,) * 12)
    decide("0.223")
    (row,) = reconciliation.commit(seller, 5, by="staff:1").accounts
    assert (row.delta, row.carried, row.document) == (Decimal("-0.44"), True, None)
    reconciliation.commit(seller, 5, by="staff:1")
    with tenant_scope(one.id):
        assert list(Settlement.objects.of(one.id).values_list("n", "delta", "document_id")) == [(1, Decimal("-0.44"), None)]
    count(one, MONTHS[0], 10)
    (row,) = reconciliation.commit(seller, 5, by="staff:1").accounts
    assert (row.delta, row.document is not None) == (Decimal("1.79"), True), "2.23 less the 0.44 that was carried"


def test_an_account_with_an_open_month_is_told_and_holds_nobody_back(seller: Operator) -> None:
    customer(seller, "a", C)
    open_ = story.customer("b", seller, first_month=MONTHS[0])
    count(open_, MONTHS[11], 100)
    decide("0.223")
    first, second = reconciliation.commit(seller, 5, by="staff:1").accounts
    assert first.document is not None
    assert (second.document, str(second.problem)) == (None, "2026-06 is still open: close it before contract year 5 is settled")


def test_whoever_changed_vat_treatment_is_settled_under_each(seller: Operator) -> None:
    one = story.customer("b", seller, first_month=MONTHS[0])
    for month in MONTHS[:6]:
        count(one, month, 10_000)
        bill(one, month)
    abroad = Buyer(
        "Malmgård AB", ("Kajen 1",), "211 00", "Malmö", "SE", vat_number="SE999999999901", vat_treatment=Treatment.REVERSE_CHARGE
    )
    accounts.change_buyer(account_of(one), abroad, valid_from=date(2026, 1, 1), by="staff:1")
    for month in MONTHS[6:]:
        count(one, month, 1_000)
        bill(one, month)
    decide("0.223")
    found = reconciliation.commit(seller, 5, by="staff:1").accounts
    assert [(row.treatment.value, str(row.delta), str(row.vat)) for row in found] == [
        ("reverse_charge", "-216.00", "0.00"),
        ("standard", "-2160.00", "-540.00"),
    ]


def test_at_cost_plus_is_settled_with_what_is_added(seller: Operator) -> None:
    terms = Terms(pass_on={"aap": "at_cost_plus"}, plus={"aap": Plus(Decimal(10), Decimal("0.5"))})
    customer(seller, "b", (1_000,) * 12, terms)
    decide("0.223")
    found = reconciliation.preview(seller, 5)
    (row,) = found.accounts
    # 0.259 x 1.1 + 0.005 = 0.2899, and 0.223 x 1.1 + 0.005 = 0.2503
    assert (str(row.due.settled), str(row.final_amount), str(row.delta)) == ("3478.80", "3003.60", "-475.20")
    assert (str(found.bridge.prices), str(found.bridge.rest)) == ("43.20", "0.00")


def test_voided_requests_are_bridged(seller: Operator) -> None:
    one = customer(seller, "b", (1_000,) * 12)
    count(one, MONTHS[0], 100, "voided")
    decide("0.223")
    found = reconciliation.preview(seller, 5)
    assert (str(found.bridge.voided), str(found.bridge.rest)) == ("-3.60", "0.00")


def test_without_an_approved_final_price_nothing_is_committed(seller: Operator) -> None:
    customer(seller, "c", C)
    with pytest.raises(Refused, match="no final AAP is decided for contract year 5"):
        reconciliation.preview(seller, 5)
    year = ContractYear.objects.get(number=5)
    totals = {"requests": 1, "authenticators": 1, "price": Decimal("0.223"), "source": "illustrative"}
    decisions.decide(year, "final", by="anna@tidevand.example", **totals)  # type: ignore[arg-type]
    assert str(reconciliation.preview(seller, 5).accounts[0].delta) == "-43.32"
    with pytest.raises(Refused, match=r"waits for approval by somebody else than anna@tidevand.example"):
        reconciliation.commit(seller, 5, by="staff:1")
    with pytest.raises(Refused, match="there is no contract year 77"):
        reconciliation.preview(seller, 77)


def test_two_operators_are_settled_apart(seller: Operator) -> None:
    elsewhere = story.operator()
    customer(seller, "b", B)
    customer(elsewhere, "c", C)
    decide("0.223")
    assert [str(row.delta) for row in reconciliation.commit(elsewhere, 5, by="staff:1").accounts] == ["-43.32"]
    assert [str(row.delta) for row in reconciliation.preview(seller, 5).accounts] == ["-3555.56"]


def test_the_suppliers_statement_is_compared(seller: Operator) -> None:
    customer(seller, "c", C)
    lines = ["month,requests,amount", "2025-07,101,26.16", "2025-08,100,25.90"]
    assert len(supplier.import_statement(seller, lines, source="statement.csv", by="staff:1")) == 2
    assert supplier.import_statement(seller, lines, source="statement.csv", by="staff:1") == []
    with operator_scope(seller.id, "test"):
        accrued = supplier.accrue(supplier.counts([t.id for t in seller.tenants.all()], YEAR), YEAR)
        found = [row for row in supplier.compare(seller, accrued, YEAR) if row.differs]
    assert [(str(row.month), row.ours, row.theirs) for row in found] == [("2025-08", 99, 100)]
    for wrong, told in (("2025-13,1,1.00", "a month is written"), ("2025-07,-1,1.00", "requests: -1"), ("2025-07,1,1.001", "2 decimals")):
        with pytest.raises(supplier.Faulty, match=f"line 2: .*{told}"):
            supplier.import_statement(seller, [lines[0], wrong], source="statement.csv", by="staff:1")
