"""Counts that are not what the facts say are made right by a person, with a reason, and never in a month that is closed."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from billing import closing, margin, rebuilding, recount
from billing.issuing import Refused
from billing.models import UsageDay, UsageHour
from tenants.isolation import tenant_scope
from tenants.models import AuditEntry
from tests.billing import story
from tests.billing.story import AUGUST, JULY, Customer, noon

DAY = date(2026, 7, 16)


@pytest.fixture
def fjordbank(db: None) -> Customer:
    made = story.customer()
    events = [made.event(noon(DAY)) for _ in range(6)]
    made.record(*events)
    made.end("completed", *events[:4])
    made.void(events[0])
    story.roll(made)
    return made


def spoil(customer: Customer) -> None:
    for table, when in (("usage_day", "day = '2026-07-16'"), ("usage_hour", "n > 0")):
        with tenant_scope(customer.id), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET n = n + 2 WHERE tenant_id = %s AND what = 'requested' AND {when}", [customer.id])


def rebuild(customer: Customer) -> tuple[dict[str, int], dict[str, int]]:
    before, after = rebuilding.rebuild(customer.id, DAY, by="staff:1", reason="the roller was stopped")
    return dict(before), dict(after)


def test_a_day_becomes_what_its_facts_say(fjordbank: Customer) -> None:
    spoil(fjordbank)
    assert rebuild(fjordbank) == (
        {"requested": 8, "completed": 3, "voided": 1},
        {"requested": 6, "completed": 3, "voided": 1},
    )
    with tenant_scope(fjordbank.id):
        assert recount.recount(fjordbank.id, DAY) == []
        hours = list(UsageHour.objects.of(fjordbank.id).filter(what="requested").values_list("n", flat=True))
        entry = AuditEntry.objects.of(fjordbank.id).filter(action="usage.rebuilt").get()
    assert hours == [6]
    assert (entry.before, entry.after, entry.reason) == (
        {"requested": 8, "completed": 3, "voided": 1},
        {"requested": 6, "completed": 3, "voided": 1},
        "the roller was stopped",
    )


def test_what_was_charged_in_a_closed_month_stays_posted_to_it(fjordbank: Customer) -> None:
    assert closing.close(fjordbank.id, JULY, by="staff:1")
    spoil(fjordbank)
    rebuild(fjordbank)
    with tenant_scope(fjordbank.id):
        rows = UsageDay.objects.of(fjordbank.id).filter(what="requested", day=DAY).order_by("posted")
        assert list(rows.values_list("posted", "n")) == [(JULY.first, 8), (AUGUST.first, -2)]


def test_a_reason_is_needed_and_a_right_day_stays(fjordbank: Customer) -> None:
    with pytest.raises(Refused, match="a reason is needed"):
        rebuilding.rebuild(fjordbank.id, DAY, by="staff:1", reason=" ")
    before, after = rebuild(fjordbank)
    assert before == after


def test_the_margin_is_what_accounts_pay_less_what_the_supplier_charges(fjordbank: Customer) -> None:
    assert closing.close(fjordbank.id, JULY, by="staff:1")
    found = margin.of_year(fjordbank.operator, 6)
    # Five are charged: 5 x 0.80 + AAP 1.30 + 0.15 + 0.05. The supplier charges all six that it accepted: 1.55 + 0.18 + 0.06.
    assert (str(found.total.revenue), str(found.total.cost), str(found.total.margin)) == ("5.50", "1.79", "3.71")
    assert [(part.name, str(part.margin)) for part in found.months if part.margin] == [("2026-07", "3.71")]
    assert [(part.name, str(part.margin)) for part in found.components] == [
        ("aap", "-0.25"),
        ("core_client", "-0.03"),
        ("fee", "4.00"),
        ("udviklingsbidrag", "-0.01"),
    ]
    assert [(part.name, str(part.margin)) for part in found.tenants] == [(fjordbank.tenant.slug, "3.71")]
