"""Issued documents, as the tenant's own people find them."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from django.urls import reverse

from billing import months, usage
from tests.doubles.furnished import Furnished, tell


def at(house: Furnished, name: str, *more: object) -> str:
    return reverse(f"portal:{name}", args=[house.slug, "production", *more])


def test_the_list_holds_what_is_issued_and_what_the_month_comes_to(house: Furnished) -> None:
    page = house.browser("finance").get(at(house, "invoices"))

    assert [row["number"] for row in page.context["documents"]] == [house.invoice.number]
    assert page.context["preview"].month == house.this_month
    assert page.context["year"].requests == 5
    assert str(house.foreign_invoice.number) not in page.content.decode()


def test_a_draft_is_the_operators_until_it_is_issued(house: Furnished) -> None:
    opened = house.story.fjordbank
    tell(opened, house.netbank, opened.production, [house.last_month.starts_at + timedelta(days=1)], "completed")
    keys = months.enqueue([opened.tenant], house.last_month)
    assert months.work_off(months.CLOSE, keys, "staff:1") == []

    page = house.browser("owner").get(at(house, "invoices"))

    assert len(page.context["documents"]) == 1
    assert [month.month for month in page.context["awaited"]] == [house.last_month]
    assert "Ved at blive lukket" in page.content.decode()


def test_a_month_that_is_over_waits_for_its_document_where_the_tenant_sees_it(house: Furnished) -> None:
    opened = house.story.fjordbank
    tell(opened, house.netbank, opened.production, [house.last_month.starts_at + timedelta(days=1)], "completed")
    usage.roll_tenant(opened.tenant.id)

    (waiting,) = house.browser("finance").get(at(house, "invoices")).context["awaited"]

    assert (waiting.month, waiting.requests) == (house.last_month, 1)


def test_an_invoice_says_what_was_delivered_and_how_to_pay(house: Furnished) -> None:
    page = house.browser("finance").get(at(house, "invoice", house.invoice.number))

    shown, text = page.context["document"], page.content.decode()
    assert sum(line.amount for line in shown["lines"]) == shown["net"] == house.invoice.net
    assert [line.quantity for line in shown["lines"]] == [5, 5, 5, 5]
    assert (shown["net"] + shown["vat"][0].amount) == shown["total"] == house.invoice.gross
    assert "Gebyr pr. anmodning" in text
    assert "Priserne er illustrative" in text
    assert page.context["payment"]["text"] == house.invoice.number


def test_an_invoice_speaks_the_readers_language(house: Furnished) -> None:
    browser = house.browser("finance")
    browser.post(reverse("portal:preferences"), {"language": "en"})

    text = browser.get(at(house, "invoice", house.invoice.number)).content.decode()

    assert "Fee per request" in text
    assert "DKK\N{NO-BREAK SPACE}" in text


def test_the_pdf_is_the_document_that_was_issued(house: Furnished) -> None:
    browser, address = house.browser("finance"), at(house, "invoice_pdf", house.invoice.number)

    first, second = browser.get(address), browser.get(address)

    assert first["Content-Type"] == "application/pdf"
    assert first["Content-Disposition"] == f'attachment; filename="{house.invoice.number}.pdf"'
    assert first["X-Content-Type-Options"] == "nosniff"
    assert first.content.startswith(b"%PDF-")
    assert first.content == second.content


def test_the_csv_holds_the_lines(house: Furnished) -> None:
    answer = house.browser("finance").get(at(house, "invoice_csv", house.invoice.number))

    assert answer["Content-Disposition"] == f'attachment; filename="{house.invoice.number}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert [row["Komponent"] for row in rows] == ["aap", "core_client", "udviklingsbidrag", "fee"]
    assert {row["Dokument"] for row in rows} == {house.invoice.number}


def test_there_are_no_invoices_in_test(house: Furnished) -> None:
    page = house.browser("owner").get(reverse("portal:invoices", args=[house.slug, "test"]))

    assert page.context["documents"] == []
    assert str(house.invoice.number) not in page.content.decode()
