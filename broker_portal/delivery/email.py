"""E-mails: one thing that happened, links to the portal only, never a secret, a claim or an end user."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from email.utils import formataddr
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from billing import statement_pdf, statements
from billing.models import BillingAccount, Document, Kind
from billing.statements import Statement
from tenants import directory
from tenants.isolation import tenant_scope
from tenants.models import MembershipRole, OutboxMessage, Tenant

LOCALES = {"da": "da_DK", "en": "en_GB"}
File = tuple[str, bytes, str]
"""Name, content and type."""
PAYERS = (MembershipRole.OWNER, MembershipRole.FINANCE)


def send(message: OutboxMessage) -> None:
    """Raises LookupError for an unknown kind, OSError or SMTPException when the mail server does not take it."""
    KINDS[message.kind](message)


def invoice_issued(message: OutboxMessage) -> None:
    """ids: {"document": id of an issued document}."""
    assert message.for_tenant is not None
    tenant = Tenant.objects.select_related("operator").get(id=message.for_tenant)
    with tenant_scope(tenant.id):
        document = Document.objects.of(tenant.id).get(id=uuid.UUID(message.ids["document"]))
        account = BillingAccount.objects.of(tenant.id).get()
    to = [account.email] if account.email else [member.user.email for member in directory.members_of(tenant.id, PAYERS)]
    facts, files = _facts(document, tenant), []
    if document.idempotency_key.startswith("rec:"):
        found = statements.statement(tenant, int(document.idempotency_key.split(":")[1]))
        template, files = "settlement_issued", _statement(found, document, tenant)
        facts |= _settled(found, document, tenant)
    else:
        template = "credit_note_issued" if document.kind == Kind.CREDIT_NOTE else "invoice_issued"
    # Not under the outer transaction: a mail server must never hold one open.
    _send(to, tenant, f"email/{template}", document.language, message.id, facts, files)


KINDS: dict[str, Callable[[OutboxMessage], None]] = {"email.invoice_issued": invoice_issued}


def _settled(found: Statement, document: Document, tenant: Tenant) -> dict[str, Any]:
    locale = LOCALES[document.language]
    prices = {"provisional": found.provisional, "final": found.final}
    return {
        "year": found.year,
        "credit": document.kind == Kind.CREDIT_NOTE,
        "requests": format_decimal(document.requests or 0, format="#,##0", locale=locale),
        "statement_url": directory.base_url() + reverse("portal:statement", args=[tenant.slug, "production", found.year.number]),
        **{name: format_decimal(each.price, format="0.0000##", locale=locale) if each else "" for name, each in prices.items()},
    }


def _statement(found: Statement, document: Document, tenant: Tenant) -> list[File]:
    name = f"statement-{tenant.slug}-{found.year.number}"
    made = statement_pdf.render(found, tenant, document.language, at=document.issued_at or document.created_at)
    return [(f"{name}.pdf", made, "application/pdf"), (f"{name}.csv", statements.as_csv(found), "text/csv")]


def _facts(document: Document, tenant: Tenant) -> dict[str, Any]:
    locale = LOCALES[document.language]
    return {
        "number": document.number,
        "month": format_date(document.period_first, "MMMM y", locale=locale),
        "gross": _amount(document.gross, document.currency, locale),
        "vat": _amount(document.vat, document.currency, locale),
        "due": _day(document.due_date, locale),
        "tenant": tenant,
        "operator": tenant.operator,
        "url": directory.base_url() + reverse("portal:invoice", args=[tenant.slug, "production", document.number]),
    }


def _send(
    to: list[str], tenant: Tenant, template: str, language: str, message_id: uuid.UUID, facts: dict[str, Any], files: list[File]
) -> None:
    subject, _, text = render_to_string(f"{template}.{language}.txt", facts).partition("\n")
    sender = formataddr((tenant.operator.name, settings.DEFAULT_FROM_EMAIL))
    # The same for every attempt, so that a mailbox shows a repeat as one.
    headers = {"Message-ID": f"<{message_id}@{settings.DEFAULT_FROM_EMAIL.partition('@')[2]}>", "Auto-Submitted": "auto-generated"}
    for recipient in to:
        EmailMessage(subject, text.strip() + "\n", sender, [recipient], headers=headers, attachments=files).send()


def _amount(value: Decimal, currency: str, locale: str) -> str:
    return f"{format_decimal(value, format='#,##0.00', locale=locale)} {currency}"


def _day(value: date | None, locale: str) -> str:
    return format_date(value, "long", locale=locale) if value else ""
