"""A tenant's statement of a settled contract year: page, PDF, CSV and e-mail. All prices are illustrative."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core import mail
from django.urls import reverse
from pytest_django import Settings

from billing import decisions, reconciliation
from billing.models import ContractYear
from billing.scheme import contract_year
from broker_portal import tasks
from tenants.models import OutboxMessage
from tests.billing.pdf_reader import Reader
from tests.doubles.furnished import Furnished


@pytest.fixture
def sent(settings: Settings) -> list[mail.EmailMessage]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    return mail.outbox


@pytest.fixture
def settled(house: Furnished, sent: list[mail.EmailMessage], monkeypatch: pytest.MonkeyPatch) -> Furnished:
    """The year of the invoice is over for whoever decides: five requests at 0.259 become 0.559, an invoice of 1.50."""
    number = year_of(house)
    monkeypatch.setattr(decisions, "day_of", lambda _instant: ContractYear.objects.get(number=number).last.replace(year=2099))
    decision = decisions.decide(
        ContractYear.objects.get(number=number),
        "final",
        requests=580_000_000,
        authenticators=1_300_000,
        source="letter of 28 August",
        by="anna@tidevand.example",
        price=Decimal("0.559"),
        reason="illustrative",
    )
    decisions.approve(decision, by="bo@tidevand.example")
    OutboxMessage.objects.all().delete()
    reconciliation.commit(house.story.operator, number, by="staff")
    return house


def year_of(house: Furnished) -> int:
    year = contract_year(house.last_month.previous())
    assert year is not None
    return year.number


def test_the_statement_is_a_page_that_says_why(settled: Furnished) -> None:
    page = settled.browser("finance").get(reverse("portal:statement", args=[settled.slug, "production", year_of(settled)]))

    text = page.content.decode()
    assert [str(each.delta) for each in page.context["found"].settlements] == ["1.50"]
    for part in ("580.000.000", "letter of 28 August", "650.000.000", "Afregnes senest"):
        assert part in text


def test_the_statement_as_pdf_reads_in_order_and_is_archivable(settled: Furnished) -> None:
    answer = settled.browser("finance").get(reverse("portal:statement_pdf", args=[settled.slug, "production", year_of(settled)]))

    read = Reader(answer.content)
    number = year_of(settled)
    wanted = ["Efterregulering", "Kontraktår", str(number), "Afregnes senest", "Måned", str(settled.invoice.number), "5", "0,2590", "1,30"]
    wanted += [
        "Ventet for hele MitID: 650.000.000",
        "Faktisk for hele MitID: 580.000.000",
        "Faktureret i alt",
        "Endelig pris 0,5590 × 5",
        "2,80",
    ]
    at = 0
    for part in [*wanted, "Moms", "0,38", "I alt, DKK", "1,88"]:
        found = read.text.find(part, at)
        assert found >= 0, f"{part!r} is not after {read.text[:at][-60:]!r}"
        at = found
    with read.pdf.open_metadata() as metadata:
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("3", "A", "1")


def test_english_readers_get_it_in_english(settled: Furnished) -> None:
    browser = settled.browser("finance")
    browser.post(reverse("portal:preferences"), {"language": "en"})

    answer = browser.get(reverse("portal:statement_pdf", args=[settled.slug, "production", year_of(settled)]))

    assert "Final price 0.5590 × 5" in Reader(answer.content).text


def test_it_comes_with_the_mail_of_the_settlement(settled: Furnished, sent: list[mail.EmailMessage]) -> None:
    tasks.send_outbox()

    message = next(each for each in sent if f"/{settled.slug}/" in each.body)
    assert message.subject.startswith(f"Efterregulering for kontraktår {year_of(settled)}, F-")
    for part in ("At betale        1,88 DKK", "Foreløbig pris   0,2590", "Endelig pris     0,5590", "Anmodninger      5"):
        assert part in message.body
    assert [name for name, _, _ in message.attachments] == [
        f"statement-{settled.slug}-{year_of(settled)}.pdf",
        f"statement-{settled.slug}-{year_of(settled)}.csv",
    ]


def test_a_credit_note_is_told_as_one(house: Furnished, sent: list[mail.EmailMessage]) -> None:
    OutboxMessage.objects.all().delete()
    staff = house.browser("staff")
    staff.post(reverse("operator:credit", args=[house.story.operator.id, house.invoice.number]), {"reason": "wrong plan"})

    tasks.send_outbox()

    assert sent[0].subject.startswith("Kreditnota K-")
    assert "Til gode" in sent[0].body
