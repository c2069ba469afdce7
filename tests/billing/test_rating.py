"""What a month costs under every kind of plan: to the ore, the same in SQL, and the same year under any order and lateness.

All prices are illustrative.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import auditing, closing, decisions, plans, prices, usage
from billing.fees import FeeTier, Mode, Period, PlanError, Plus
from billing.models import BillingAccount, Document, DocumentLine, Kind, State
from billing.periods import Month
from billing.plans import Terms
from billing.pricing import ActionPrice
from tenants.isolation import operator_scope, tenant_scope
from tests.billing import story
from tests.billing.july import TIERS
from tests.billing.story import AUGUST, JULY, Customer

SEPTEMBER = AUGUST.next()
NOTHING_PASSED_ON = {"aap": "included", "core_client": "included", "udviklingsbidrag": "included"}


@pytest.fixture
def fjordbank(db: None) -> Customer:
    return story.customer()


def account_of(customer: Customer) -> BillingAccount:
    with tenant_scope(customer.id):
        return BillingAccount.objects.of(customer.id).get()


def pays(customer: Customer, terms: Terms, starts: Month = JULY) -> None:
    with operator_scope(customer.operator.id, "test"):
        version, _ = plans.enter_plan(customer.operator, uuid.uuid4().hex, starts, terms, by="staff:1", illustrative=True)
    prices.assign_plan(account_of(customer), version.plan, starts, by="staff:1")


def count(customer: Customer, month: Month, requests: int, *, what: str = "requested", action: str = "log_on", core: bool = True) -> None:
    """Counted, not told one by one; late where the month is closed."""
    account = account_of(customer)
    with tenant_scope(customer.id), connection.cursor() as cursor:
        posted = max(month.first, usage.first_open(account) or month.first)
        ids = [customer.id, customer.operator.id, customer.opened.production.id, customer.netbank, story.CONNECTION]
        cursor.execute(
            "INSERT INTO usage_day AS d (tenant_id, operator_id, environment_id, relying_party_id, connection_id, action, usage_model,"
            " core_client, what, day, posted, n) VALUES (%s, %s, %s, %s, %s, %s, 'standard', %s, %s, %s, %s, %s)"
            " ON CONFLICT (tenant_id, day, posted, operator_id, environment_id, relying_party_id, connection_id, action, usage_model,"
            " core_client, what) DO UPDATE SET n = d.n + excluded.n",
            [*ids, action, core, what, month.first, posted, requests],
        )


def close(customer: Customer, month: Month) -> Document | None:
    return closing.close(customer.id, month, by="staff:1")


def charged(document: Document | None) -> list[tuple[str, str, str, str]]:
    if document is None:
        return []
    with tenant_scope(document.tenant_id):
        rows = DocumentLine.objects.of(document.tenant_id).filter(document_id=document.id).order_by("position")
        return [(row.kind, f"{row.quantity.normalize():f}", f"{row.unit_price.normalize():f}", str(row.amount)) for row in rows]


def audited(customer: Customer, *months: Month) -> None:
    """SQL comes to the same."""
    for month in months:
        found = auditing.audit_month(month, customer.operator)
        assert [each for each in found if not each.right] == []


def sums(customer: Customer) -> Mapping[str, Decimal]:
    """What all documents come to, by component."""
    found: dict[str, Decimal] = {}
    with tenant_scope(customer.id):
        rows = DocumentLine.objects.of(customer.id).filter(document__tenant_id=customer.id).exclude(document__state=State.DROPPED)
        for row in rows.select_related("document"):
            sign = -1 if row.document.kind == Kind.CREDIT_NOTE else 1
            found[row.kind] = found.get(row.kind, Decimal(0)) + sign * row.amount
    return {kind: amount for kind, amount in found.items() if amount}


def test_volume_prices_all_requests_alike(fjordbank: Customer) -> None:
    pays(fjordbank, Terms(pass_on=NOTHING_PASSED_ON, tiers=TIERS, mode=Mode.VOLUME))
    count(fjordbank, JULY, 10_001)
    assert charged(close(fjordbank, JULY)) == [("fee", "10001", "0.4", "4000.40")]
    audited(fjordbank, JULY)


def test_one_late_request_that_reaches_a_cheaper_tier_gives_money_back(fjordbank: Customer) -> None:
    pays(fjordbank, Terms(pass_on=NOTHING_PASSED_ON, tiers=TIERS, mode=Mode.VOLUME))
    count(fjordbank, JULY, 10_000)
    assert charged(close(fjordbank, JULY)) == [("fee", "10000", "0.6", "6000.00")]
    count(fjordbank, JULY, 1)
    august = close(fjordbank, AUGUST)
    assert august is not None
    assert (august.kind, str(august.net)) == ("credit_note", "1999.60")
    audited(fjordbank, JULY, AUGUST)


def test_a_fee_of_the_contract_year_goes_on_through_its_tiers(fjordbank: Customer) -> None:
    pays(fjordbank, Terms(pass_on=NOTHING_PASSED_ON, tiers=TIERS, period=Period.YEAR))
    told = []
    for month, requests in ((JULY, 900), (AUGUST, 200), (SEPTEMBER, 9_000)):
        count(fjordbank, month, requests)
        told.append([(q, p, a) for _, q, p, a in charged(close(fjordbank, month))])
    assert told == [
        [("900", "0.8", "720.00")],
        [("100", "0.8", "80.00"), ("100", "0.6", "60.00")],
        [("8900", "0.6", "5340.00"), ("100", "0.4", "40.00")],
    ]
    count(fjordbank, JULY, 10)
    assert charged(close(fjordbank, SEPTEMBER.next())) == [("fee", "10", "0.4", "4.00")]
    audited(fjordbank, JULY, AUGUST, SEPTEMBER, SEPTEMBER.next())


def test_discount_minimum_subscription_and_a_price_of_its_own(fjordbank: Customer) -> None:
    terms = Terms(
        pass_on=NOTHING_PASSED_ON,
        tiers=TIERS,
        prices=[ActionPrice("", None, "sign", Decimal("0.86")), ActionPrice("", str(story.CONNECTION), "sign", Decimal("0.90"))],
        subscription=Decimal("4900.00"),
        minimum=Decimal("1000.00"),
        discount=Decimal(10),
        discount_until=JULY.last,
    )
    pays(fjordbank, terms)
    for month in (JULY, AUGUST):
        count(fjordbank, month, 1_000)
        count(fjordbank, month, 100, action="sign")
    assert charged(close(fjordbank, JULY)) == [
        ("fee", "1000", "0.8", "800.00"),
        ("action", "100", "0.9", "90.00"),
        ("discount", "-1", "89", "-89.00"),
        ("minimum", "1", "199", "199.00"),
        ("subscription", "1", "4900", "4900.00"),
    ]
    assert [line[0] for line in charged(close(fjordbank, AUGUST))] == ["fee", "action", "minimum", "subscription"]
    count(fjordbank, JULY, 500)
    assert charged(close(fjordbank, SEPTEMBER))[2:] == [
        ("fee", "500", "0.6", "300.00"),
        ("discount", "-1", "119", "-119.00"),
        ("discount", "1", "89", "89.00"),
        ("minimum", "-1", "199", "-199.00"),
    ]
    audited(fjordbank, JULY, AUGUST, SEPTEMBER)


def test_passed_on_at_cost_plus(fjordbank: Customer) -> None:
    plus = {"aap": Plus(percent=Decimal("2.5")), "core_client": Plus(ore=Decimal("0.25"))}
    pays(fjordbank, Terms(pass_on={"aap": "at_cost_plus", "core_client": "at_cost_plus", "udviklingsbidrag": "included"}, plus=plus))
    count(fjordbank, JULY, 8_123)
    assert charged(close(fjordbank, JULY)) == [("aap", "8123", "0.265475", "2156.45"), ("core_client", "8123", "0.0325", "264.00")]
    audited(fjordbank, JULY)


def test_one_off_lines_are_charged_once(fjordbank: Customer) -> None:
    pays(fjordbank, Terms(pass_on=NOTHING_PASSED_ON))
    line = {
        "quantity": Decimal("2.5"),
        "unit_price": Decimal("900.00"),
        "text": "Support, hours",
        "by": "staff:1",
        "approved_by": "staff:2",
    }
    prices.add_one_off(account_of(fjordbank), JULY, **line)  # type: ignore[arg-type]
    assert charged(close(fjordbank, JULY)) == [("one_off", "2.5", "900", "2250.00")]
    assert close(fjordbank, AUGUST) is None
    with pytest.raises(PlanError, match="2026-07 is closed: choose 2026-09"):
        prices.add_one_off(account_of(fjordbank), JULY, **line)  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="somebody else"):
        prices.add_one_off(account_of(fjordbank), SEPTEMBER, **line | {"approved_by": "staff:1"})  # type: ignore[arg-type]
    audited(fjordbank, JULY)


def test_what_the_core_does_not_charge_for_is_a_dated_rule(fjordbank: Customer) -> None:
    decisions.enter_outcome_rule(AUGUST, ["failed", "expired"], source="illustrative", by="staff:1")
    for month in (JULY, AUGUST):
        count(fjordbank, month, 100)
        count(fjordbank, month, 30, what="failed")
        document = close(fjordbank, month)
        assert document is not None
        assert document.requests == {JULY: 100, AUGUST: 70}[month]
    audited(fjordbank, JULY, AUGUST)


def test_the_core_client_surcharge_is_of_its_usage_model(fjordbank: Customer) -> None:
    count(fjordbank, JULY, 10)
    count(fjordbank, JULY, 90, core=False)
    assert charged(close(fjordbank, JULY))[:2] == [("aap", "100", "0.259", "25.90"), ("core_client", "10", "0.03", "0.30")]
    audited(fjordbank, JULY)


def test_a_tier_bound_that_is_moved_fails_the_audit(fjordbank: Customer) -> None:
    count(fjordbank, JULY, 1_500)
    close(fjordbank, JULY)
    audited(fjordbank, JULY)
    mutated = auditing._AUDIT.replace("- lower, 0)", "- lower - 1, 0)")
    assert mutated != auditing._AUDIT
    right, auditing._AUDIT = auditing._AUDIT, mutated
    try:
        found = auditing.audit_month(JULY, fjordbank.operator)
    finally:
        auditing._AUDIT = right
    assert [each.component for each in found if not each.right] == ["fee"]


DEEDS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 1_500), st.integers(0, 3)), min_size=1, max_size=6)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS, period=st.sampled_from(Period), mode=st.sampled_from(Mode), seed=st.integers(0, 10**6))
def test_the_same_year_under_any_lateness(
    fjordbank: Customer, deeds: list[tuple[int, int, int]], period: Period, mode: Mode, seed: int
) -> None:
    """Requests of three months, each counted in time or up to three months late: the year comes to the same, and SQL agrees every month."""
    totals = []
    with transaction.atomic():
        for late in (False, True):
            one = story.customer("c", fjordbank.operator)
            pays(one, Terms(tiers=TIERS, mode=mode, period=period))
            waiting = list(deeds)
            random.Random(seed).shuffle(waiting)
            month = JULY
            for n in range(7):
                for happened, requests, delay in waiting:
                    if happened + (delay if late else 0) == n:
                        count(one, [JULY, AUGUST, SEPTEMBER][happened], requests)
                with operator_scope(one.operator.id, "test"), tenant_scope(one.id):
                    close_far(one, month)
                month = month.next()
            totals.append(sums(one))
            audited(one, *months_from(JULY, 7))
        transaction.set_rollback(True)
    assert totals[0] == totals[1]


def months_from(first: Month, n: int) -> list[Month]:
    found = [first]
    while len(found) < n:
        found.append(found[-1].next())
    return found


def close_far(customer: Customer, month: Month) -> None:
    """Also months that are not over."""
    closing._close(customer.tenant, month, "staff:1", None)


def test_tiers_of_a_plan_are_those_of_the_version_in_force(fjordbank: Customer) -> None:
    pays(fjordbank, Terms(pass_on=NOTHING_PASSED_ON, tiers=[FeeTier(None, Decimal("0.10"))], period=Period.YEAR))
    pays(fjordbank, Terms(pass_on=NOTHING_PASSED_ON, tiers=TIERS, period=Period.YEAR), AUGUST)
    told = []
    for month in (JULY, AUGUST):
        count(fjordbank, month, 1_000)
        told.append(charged(close(fjordbank, month)))
    assert told == [[("fee", "1000", "0.1", "100.00")], [("fee", "1000", "0.8", "800.00")]]
    count(fjordbank, JULY, 10)
    count(fjordbank, AUGUST, 1)
    assert charged(close(fjordbank, SEPTEMBER)) == [("fee", "1", "0.6", "0.60"), ("fee", "10", "0.1", "1.00")]
    audited(fjordbank, JULY, AUGUST, SEPTEMBER)
