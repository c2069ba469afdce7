"""Usage and what it costs: figures that are counted, a price that is right, and never 0 for what is not computed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from billing import metering, usage
from billing.models import UsageEvent, UsagePending
from billing.usage import DayCount
from broker_portal.usage import costs, export
from broker_portal.usage.figures import Figures
from tenants.isolation import tenant_scope
from tests.doubles.furnished import Furnished

DAY = date(2026, 11, 2)


def at(house: Furnished, name: str = "usage", environment: str = "production") -> str:
    return reverse(f"portal:{name}", args=[house.slug, environment])


def just_now(house: Furnished, count: int) -> list[datetime]:
    """Instants of this month."""
    return [max(house.this_month.starts_at, timezone.now() - timedelta(seconds=count)) + timedelta(milliseconds=n) for n in range(count)]


def counted(day: date = DAY, **counts: int) -> DayCount:
    known = {"requested": 0, "completed": 0, "cancelled": 0, "failed": 0, "expired": 0, "voided": 0} | counts
    return DayCount(day=day, relying_party_id=uuid4(), client_id="fjordbank-1", name="Netbank", **known)


def test_three_requests_and_what_they_cost(house: Furnished) -> None:
    house.requests(house.netbank, just_now(house, 2))
    house.requests(house.netbank, just_now(house, 1), "cancelled")

    page = house.browser("owner").get(at(house))

    assert (page.context["requests"], page.context["completed"]) == (3, 2)
    assert [(row["outcome"], row["n"]) for row in page.context["outcomes"]] == [("completed", 2), ("cancelled", 1)]
    preview = page.context["preview"]
    # 3 x (0.259 + 0.03 + 0.01 + 0.80), each line rounded.
    assert [line.amount for line in preview.lines] == [Decimal("0.78"), Decimal("0.09"), Decimal("0.03"), Decimal("2.40")]
    assert (preview.net, preview.total) == (Decimal("3.30"), Decimal("4.13"))
    assert preview.illustrative
    assert "illustrative" in page.content.decode()


def test_one_more_request_costs_what_its_tier_says(house: Furnished) -> None:
    price = costs.next_request(house.tenant_id, house.this_month)

    assert price == costs.UnitPrice(Decimal("1.099"), "DKK")


def test_test_is_counted_and_never_billed(house: Furnished) -> None:
    house.requests(house.netbank_test, just_now(house, 4))

    test = house.browser("owner").get(at(house, environment="test"))
    production = house.browser("owner").get(at(house))

    assert (test.context["requests"], test.context["preview"]) == (4, None)
    assert production.context["requests"] == 0
    assert production.context["preview"].net == 0


def test_whoever_sees_no_invoices_sees_no_amounts(house: Furnished) -> None:
    house.requests(house.netbank, just_now(house, 1))

    for person, sees in {"finance": True, "developer": False, "read_only": False}.items():
        browser = house.browser(person)
        assert (browser.get(at(house)).context["preview"] is not None) is sees, person
        assert browser.get(at(house, "dashboard")).context["costs"] is sees, person


def test_a_request_that_waits_holds_back_what_counts_as_complete(house: Furnished) -> None:
    house.requests(house.netbank, just_now(house, 1))
    long_ago = house.last_month.starts_at
    with tenant_scope(house.tenant_id):
        waiting = {"request_id": uuid4(), "what": "requested", "occurred_at": long_ago, "recorded_at": long_ago}
        UsagePending.objects.create(tenant_id=house.tenant_id, **waiting)

    page = house.browser("owner").get(at(house))

    assert page.context["complete_until"] == long_ago
    assert (page.context["requests"], page.context["completed"], page.context["success"]) == (None, None, None)
    assert page.content.decode().count("Ikke beregnet endnu") >= 3


def test_days_that_are_not_counted_are_gaps_in_the_chart() -> None:
    until = datetime(2026, 11, 3, 12, tzinfo=UTC)
    figures = Figures(DAY, DAY + timedelta(days=3), until, (counted(requested=5, completed=4, expired=1),))

    chart = figures.chart()

    assert chart is not None
    assert [row.values[0] for row in chart.rows] == [5, 0, None, None]
    assert figures.outcomes() == [{"outcome": "completed", "n": 4}, {"outcome": "expired", "n": 1}]


def test_what_has_no_outcome_yet_is_open() -> None:
    figures = Figures(DAY, DAY, datetime(2026, 11, 9, tzinfo=UTC), (counted(requested=3, completed=1, voided=1),))

    assert figures.outcomes() == [{"outcome": "completed", "n": 1}, {"outcome": "voided", "n": 1}, {"outcome": "open", "n": 1}]
    assert figures.success == Decimal(1) / 3


def test_nothing_counted_is_no_rate() -> None:
    figures = Figures(DAY, DAY, datetime(2026, 11, 9, tzinfo=UTC), ())

    assert (figures.requests, figures.success, figures.chart()) == (0, None, None)


def test_the_csv_names_days_clients_and_outcomes(house: Furnished) -> None:
    house.requests(house.netbank, just_now(house, 2))
    browser = house.browser("developer")

    answer = browser.get(at(house, "usage_csv"), {"month": str(house.this_month)})

    assert answer["Content-Disposition"] == f'attachment; filename="usage-{house.slug}-production-{house.this_month}.csv"'
    heading, *rows = answer.content.decode("utf-8-sig").splitlines()
    assert heading.startswith("Dag;Klient-id;Navn;Anmodninger")
    assert sum(int(row.split(";")[3]) for row in rows) == 2


def test_a_clients_name_is_never_a_formula() -> None:
    count = DayCount(DAY, uuid4(), "-1", "=cmd|'/c calc'!A1", 1, 1, 0, 0, 0, 0)

    danish, english = (export.daily_csv([count], language).decode("utf-8-sig").splitlines()[1] for language in ("da", "en"))

    assert danish == "02-11-2026;'-1;'=cmd|'/c calc'!A1;1;1;0;0;0;0;0"
    assert english == "2026-11-02,'-1,'=cmd|'/c calc'!A1,1,1,0,0,0,0,0"


def test_an_earlier_month_shows_its_own_figures(house: Furnished) -> None:
    earlier = house.last_month.previous()

    page = house.browser("owner").get(at(house), {"month": str(earlier)})

    assert page.context["requests"] == 5
    assert page.context["preview"] is None
    assert [str(choice)[:7] for choice in page.context["months"]][-1] == str(house.this_month)


def test_a_void_takes_its_request_off_the_invoice(house: Furnished) -> None:
    house.requests(house.netbank, just_now(house, 2))
    with tenant_scope(house.tenant_id):
        event = UsageEvent.objects.of(house.tenant_id).latest("occurred_at")
        metering.void(connection.connection.cursor(), house.tenant_id, event.request_id, reason="the core cancelled it", by="staff:1")
    usage.roll_tenant(house.tenant_id)

    page = house.browser("owner").get(at(house))

    assert page.context["requests"] == 2
    assert page.context["preview"].requests == 1
