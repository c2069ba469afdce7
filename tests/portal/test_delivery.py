"""What the outbox holds leaves the house: at least once, to those who pay, without a secret."""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from billing.models import BillingAccount, Document
from billing.vat import Treatment
from broker_portal import tasks
from tenants import directory, outbox
from tenants.isolation import tenant_scope
from tenants.models import Heartbeat, MembershipRole, OutboxMessage
from tests import people
from tests.people import Story


@pytest.fixture
def story(db: None) -> Story:
    """With nothing else in the outbox, in this transaction."""
    OutboxMessage.objects.all().delete()
    return people.story()


@pytest.fixture
def sent(settings: Settings) -> Iterator[list[mail.EmailMessage]]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    return mail.outbox  # type: ignore[return-value]


def issued(story: Story, *, email: str = "", language: str = "da") -> uuid.UUID:
    tenant = story.fjordbank.tenant
    with tenant_scope(tenant.id):
        account = BillingAccount.objects.create(tenant_id=tenant.id, operator=story.operator, email=email, language=language)
        return Document.objects.create(
            tenant_id=tenant.id,
            operator=story.operator,
            account=account,
            kind="invoice",
            idempotency_key="usage:2026-10:1",
            state="issued",
            period_first=date(2026, 10, 1),
            period_last=date(2026, 10, 31),
            currency="DKK",
            language=language,
            vat_treatment=Treatment.STANDARD.value,
            net=Decimal("158308.41"),
            vat=Decimal("39577.10"),
            gross=Decimal("197885.51"),
            illustrative=True,
            price_rows=[],
            snapshot="{}",
            number="F-2026-0412",
            sequence=412,
            series_year=2026,
            issue_date=date(2026, 11, 2),
            due_date=date(2026, 12, 2),
            hash=b"x",
        ).id


def announced(story: Story, document: uuid.UUID) -> OutboxMessage:
    return outbox.announce("email.invoice_issued", {"document": document}, for_tenant=story.fjordbank.tenant.id)


def test_an_issued_invoice_is_told_to_the_accounts_address(story: Story, sent: list[mail.EmailMessage]) -> None:
    announced(story, issued(story, email="faktura@fjordbank.example"))
    tasks.send_outbox()
    (message,) = sent
    assert message.to == ["faktura@fjordbank.example"]
    assert message.subject == "Faktura F-2026-0412, forfalder 2. december 2026"
    assert "197.885,51 DKK" in message.body
    assert "oktober 2026" in message.body
    slug = story.fjordbank.tenant.slug
    assert f"{directory.base_url()}/tenants/{slug}/production/invoices/F-2026-0412" in message.body
    assert str(message.from_email).startswith(f"{story.operator.name} <") or story.operator.name in str(message.from_email)
    tasks.send_outbox()
    assert len(sent) == 1


def test_english_accounts_are_told_in_english(story: Story, sent: list[mail.EmailMessage]) -> None:
    announced(story, issued(story, email="invoices@fjordbank.example", language="en"))
    tasks.send_outbox()
    assert sent[0].subject == "Invoice F-2026-0412, due 2 December 2026"
    assert "197,885.51 DKK" in sent[0].body


def test_without_an_address_owners_and_finance_are_told(story: Story, sent: list[mail.EmailMessage]) -> None:
    payer = people.member(story.fjordbank.tenant, f"finance@{story.fjordbank.tenant.slug}.example", MembershipRole.FINANCE)
    announced(story, issued(story))
    tasks.send_outbox()
    assert sorted(message.to[0] for message in sent) == sorted([story.owner.email, payer.email])


def test_what_the_mail_server_does_not_take_is_tried_again(
    story: Story, sent: list[mail.EmailMessage], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    announcement = announced(story, issued(story, email="faktura@fjordbank.example"))
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    tasks.send_outbox()
    assert "was not delivered, attempt 1" in caplog.text
    assert OutboxMessage.objects.get(id=announcement.id).sent_at is None
    settings.EMAIL_BACKEND = working
    OutboxMessage.objects.update(next_at=timezone.now())
    tasks.send_outbox()
    assert len(sent) == 1
    assert OutboxMessage.objects.get(id=announcement.id).sent_at is not None


def test_one_message_that_cannot_be_sent_holds_up_no_other(story: Story, sent: list[mail.EmailMessage]) -> None:
    outbox.announce("pigeon.invoice_issued", {})
    outbox.announce("email.invoice_issued", {"document": uuid.uuid4()}, for_tenant=story.havneby.tenant.id)
    announced(story, issued(story, email="faktura@fjordbank.example"))
    tasks.send_outbox()
    assert len(sent) == 1
    assert OutboxMessage.objects.filter(sent_at__isnull=True).count() == 2


def test_the_heartbeat_is_one_row(db: None) -> None:
    for _ in range(2):
        tasks.heartbeat()
    beat = Heartbeat.objects.get(name=tasks.WORKER)
    assert timezone.now() - beat.at < timedelta(seconds=5)


def test_what_has_ended_is_purged(story: Story) -> None:
    outbox.sent(outbox.announce("email.invoice_issued", {}))
    OutboxMessage.objects.update(sent_at=timezone.now() - timedelta(days=31))
    tasks.purge()
    assert not OutboxMessage.objects.exists()
