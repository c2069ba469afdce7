"""The operator's prices, settlement, margin, incidents and credit notes, and a tenant's statement. All prices are illustrative."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from billing import closing, decisions, issuing, scheme, usage
from billing.closing import CountsDiffer
from billing.models import ContractYear, Document
from billing.periods import Month
from billing.recount import recount_tenant
from tenants.isolation import tenant_scope
from tests.doubles.furnished import Furnished, tell

TOTALS = {"requests": "720000000", "authenticators": "1100000"}
FINAL = {"kind": "final", **TOTALS, "price": "0.223", "source": "letter", "reason": "letter", "enter": "yes"}


def at(house: Furnished, name: str, *arguments: object) -> str:
    return reverse(f"operator:{name}", args=[house.story.operator.id, *arguments])


def decide_by_another(house: Furnished) -> None:
    year = ContractYear.objects.get(number=5)
    totals = {"requests": 720_000_000, "authenticators": 1_100_000, "price": Decimal("0.223"), "source": "letter"}
    decisions.decide(year, "final", by="anna@tidevand.example", **totals)  # type: ignore[arg-type]


def test_a_final_price_needs_two_people(house: Furnished) -> None:
    staff = house.browser("staff")
    assert staff.post(at(house, "aap_decide", 5), FINAL).status_code == 303
    page = staff.get(at(house, "aap", 5))
    (waiting,) = scheme.waiting(5)
    assert (waiting.entered_by, page.context["mine"]) == (house.story.staff.email, True)
    assert at(house, "aap_approve", 5) not in page.content.decode()
    answer = staff.post(at(house, "aap_approve", 5), {"decision": str(waiting.id)}, follow=True)
    assert "en anden skal godkende den" in answer.content.decode()
    assert scheme.final(5) is None


def test_somebody_else_approves_it(house: Furnished) -> None:
    decide_by_another(house)
    staff = house.browser("staff")
    page = staff.get(at(house, "aap", 5))
    assert not page.context["mine"]
    staff.post(at(house, "aap_approve", 5), {"decision": str(page.context["waiting"].id)})
    approved = scheme.final(5)
    assert approved is not None
    assert approved.approval.approved_by == house.story.staff.email


def test_what_is_entered_wrong_is_told_beside_it(house: Furnished) -> None:
    answer = house.browser("staff").post(at(house, "aap_decide", 6), FINAL)
    assert answer.status_code == 422
    assert answer.context["form"].errors["kind"] == ["Kontraktår 6 slutter den 30. juni 2027: dets AAP er ikke endelig før da"]
    assert house.browser("staff").post(at(house, "aap_decide", 5), FINAL | {"requests": "-1"}).status_code == 422
    assert house.browser("staff").get(at(house, "aap", 77)).status_code == 404


def test_a_refusal_follows_the_language_of_its_reader(house: Furnished) -> None:
    staff = house.browser("staff")
    staff.post(reverse("portal:preferences"), {"language": "en"})
    answer = staff.post(at(house, "aap_decide", 6), FINAL)
    assert answer.context["form"].errors["kind"] == ["Contract year 6 ends on 30 June 2027: its AAP is not final before that"]


def test_why_a_month_stopped_is_said_in_the_language_of_the_page(house: Furnished) -> None:
    house.requests(house.netbank, [house.last_month.starts_at])
    with tenant_scope(house.tenant_id), connection.cursor() as cursor:
        wrong = "UPDATE usage_day SET n = n + 1 WHERE tenant_id = %s AND what = 'requested' AND day = %s"
        cursor.execute(wrong, [house.tenant_id, house.last_month.first])
    with pytest.raises(CountsDiffer, match="requested recorded"):
        closing.close(house.tenant_id, house.last_month, by="staff")
    page = house.browser("staff").get(at(house, "month", house.last_month) + "?show=stopped")
    assert "anmodninger er registreret, " in page.content.decode()


def test_a_plan_says_where_one_request_more_is_cheaper(house: Furnished) -> None:
    page = house.browser("staff").get(at(house, "prices"))
    assert [(row.name, row.state, row.cliffs) for row in page.context["plans"]] == [("Standard", "holds", [])]


def test_a_year_without_a_final_price_says_so(house: Furnished) -> None:
    page = house.browser("staff").get(at(house, "reconciliation", 5))
    assert "Der er ingen endelig AAP for kontraktår 5" in page.context["refusal"]
    assert house.browser("staff").get(at(house, "reconciliation", 77)).status_code == 404


def test_a_waiting_price_shows_a_preview_and_commits_nothing(house: Furnished) -> None:
    decide_by_another(house)
    staff = house.browser("staff")
    page = staff.get(at(house, "reconciliation", 5))
    assert (page.context["waits"], page.context["may_commit"]) == (True, False)
    answer = staff.post(at(house, "reconciliation_commit", 5), follow=True)
    assert "venter på godkendelse" in answer.content.decode()


def test_an_invoice_is_credited_by_a_person_with_a_reason(house: Furnished) -> None:
    staff = house.browser("staff")
    address = at(house, "credit", house.invoice.number)
    assert len(staff.get(address).context["lines"]) == 4
    assert staff.post(address, {"reason": ""}).status_code == 422
    assert staff.post(address, {"reason": "wrong plan", "line": "2"}).status_code == 303
    assert len(staff.get(address).context["lines"]) == 3
    with tenant_scope(house.tenant_id):
        note = Document.objects.of(house.tenant_id).get(credited_id=house.invoice.id)
    assert (note.kind, note.approved_by) == ("credit_note", f"staff:{house.story.staff.id}")
    told = staff.post(address, {"reason": "again", "line": "2"})
    assert "er allerede krediteret" in told.content.decode()


def test_counts_that_differ_are_an_incident(house: Furnished) -> None:
    opened = house.story.fjordbank
    tell(opened, house.netbank, opened.production, [house.last_month.starts_at + timedelta(days=2)], "completed")
    usage.roll_tenant(house.tenant_id)
    with tenant_scope(house.tenant_id), connection.cursor() as cursor:
        cursor.execute("UPDATE usage_day SET n = n + 1 WHERE tenant_id = %s AND posted = %s", [house.tenant_id, house.last_month.first])
    staff = house.browser("staff")
    assert staff.get(at(house, "incidents")).context["days"] == []
    recount_tenant(house.tenant_id, house.last_month.days())
    page = staff.get(at(house, "incidents"))
    assert [row["slug"] for row in page.context["days"]][:1] == [house.slug]
    assert "rebuild_usage --tenant" in page.content.decode()


def test_the_margin_of_the_year(house: Furnished) -> None:
    page = house.browser("staff").get(at(house, "margin", 6))
    found = page.context["found"]
    assert found.total.margin == found.total.revenue - found.total.cost
    assert found.total.revenue > 0


def test_a_tenant_follows_its_year_month_by_month(house: Furnished) -> None:
    owner = house.browser("owner")
    page = owner.get(reverse("portal:statement", args=[house.slug, "production", 6]))
    found = page.context["found"]
    assert [row.number for row in found.rows] == [house.invoice.number]
    assert found.billed == sum(row.amount for row in found.rows)
    file = owner.get(reverse("portal:statement_csv", args=[house.slug, "production", 6]))
    assert file.content.decode().splitlines()[0] == "what,month,document,requests,unit_price,amount,vat,total,currency"
    assert str(house.invoice.number) in file.content.decode()
    for wrong in (["production", 77], ["test", 6]):
        assert owner.get(reverse("portal:statement", args=[house.slug, *wrong])).status_code == 404


def test_a_draft_has_no_credit_page(house: Furnished) -> None:
    assert house.browser("staff").get(at(house, "credit", "F-1999-000001")).status_code == 404
    with pytest.raises(LookupError):
        issuing.find("F-1999-000001")


def test_what_was_credited_is_drafted_again_where_a_person_says_so(house: Furnished) -> None:
    staff = house.browser("staff")
    answer = staff.post(at(house, "credit", house.invoice.number), {"reason": "wrong buyer", "again": "yes"}, follow=True)
    assert "lagt som kladde igen" in answer.content.decode()
    month = Month.of(house.invoice.period_first)
    with tenant_scope(house.tenant_id):
        again = Document.objects.of(house.tenant_id).get(idempotency_key=f"usage:{month}:2")
    assert (again.state, again.net) == ("draft", house.invoice.net)
    rows = staff.get(at(house, "month", month)).context["rows"]
    assert [row["state"] for row in rows if row["tenant"].id == house.tenant_id] == ["draft"]
