"""A tenant's statement of a contract year as PDF/A-3a and PDF/UA-1: the sheet of documents, filled with what was billed and settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from billing import accounts
from billing.documents import parties, pdf, records, texts
from billing.documents.sheet import USAGE_DECIMALS
from billing.models import AapDecision, BuyerVersion
from billing.periods import day_of
from billing.statements import Settled, Statement
from tenants.isolation import tenant_scope
from tenants.models import Tenant


def render(found: Statement, tenant: Tenant, language: str, *, at: datetime) -> bytes:
    """The same statement, party and time give the same bytes. Takes up to a second: never inside a transaction."""
    with tenant_scope(tenant.id):
        buyer = accounts.buyer_on(tenant.id, day_of(timezone.now()))
    return pdf.render_sheet(sheet(found, tenant, buyer, language, at=at), at=at)


def sheet(found: Statement, tenant: Tenant, buyer: BuyerVersion | None, language: str, *, at: datetime) -> dict[str, Any]:
    """What documents.sheet makes of a snapshot, made of a statement."""
    title = texts.text(language, "statement")
    party = records.buyer(buyer, tenant)
    seller = records.seller(tenant.operator)
    return {
        "lang": language,
        "region": "DK" if language == "da" else "GB",
        "title": title,
        "document_title": texts.text(language, "statement.title", contract_year=str(found.year.number)),
        "draft": None,
        "seller": seller.name,
        "buyer": {"heading": texts.text(language, "to"), "name": party.name, "lines": list(_lines_of(party, language))},
        "facts": [list(fact) for fact in _facts(found, tenant, language, day_of(at))],
        "lines": {"heads": _heads(found, language), "rows": [_row(language, row) for row in _billed(found, language)]},
        "notes": {"heading": texts.text(language, "statement.why"), "texts": list(_notes(found, language))},
        "totals": [list(pair) for pair in _totals(found, language)],
        "payment": None,
        "references": None,
        "footer": [_seller_in_one_line(seller, language), seller.email],
        "page": texts.text(language, "page", page="{page}", pages="{pages}"),
    }


def _seller_in_one_line(seller: parties.Seller, language: str) -> str:
    place = f"{seller.address.postcode} {seller.address.city}".strip()
    return ", ".join([seller.name, *seller.address.street, *([place] if place else []), texts.text(language, "cvr", value=seller.cvr)])


def _lines_of(party: parties.Buyer, language: str) -> Iterator[str]:
    yield from party.address.street
    if party.address.city:
        yield f"{party.address.postcode} {party.address.city}".strip()
    if party.cvr:
        yield texts.text(language, "cvr", value=party.cvr)
    elif party.vat_number:
        yield texts.text(language, "vat_number", value=party.vat_number)


def _facts(found: Statement, tenant: Tenant, language: str, today: date) -> Iterator[tuple[str, str]]:
    yield texts.text(language, "statement.year"), str(found.year.number)
    yield texts.text(language, "statement.period"), texts.period(language, found.year.first, found.year.last)
    yield texts.text(language, "statement.made"), texts.long_date(language, today)
    yield texts.text(language, "statement.deadline"), texts.long_date(language, found.year.settled_by)
    yield texts.text(language, "customer_number"), tenant.slug


def _heads(found: Statement, language: str) -> list[str]:
    names = [texts.text(language, f"statement.{name}") for name in ("month", "document", "requests", "price")]
    return [*names, texts.text(language, "amount", currency="kr." if (found.currency, language) == ("DKK", "da") else found.currency)]


def _billed(found: Statement, language: str) -> Iterator[tuple[str, str, Decimal, Decimal, Decimal]]:
    for row in found.rows:
        month = texts.month_name(language, row.month)
        yield month[:1].upper() + month[1:], row.number, Decimal(row.requests), row.unit_price, row.amount


def _row(language: str, row: tuple[str, str, Decimal, Decimal, Decimal]) -> dict[str, Any]:
    month, number, requests, price, amount = row
    figures = [texts.number(language, requests, 0), texts.number(language, price, USAGE_DECIMALS), texts.number(language, amount, 2)]
    return {"text": month, "detail": None, "cells": [number, *figures]}


def _totals(found: Statement, language: str) -> Iterator[tuple[str, str]]:
    def amount(value: Decimal) -> str:
        return texts.number(language, value, 2)

    yield texts.text(language, "statement.billed"), amount(found.billed)
    for each in found.settlements:
        yield from _settled(each, found, language)
    for name in ("net", "vat"):
        yield texts.text(language, f"statement.all_{name}"), amount(found.delta if name == "net" else found.vat)
    yield texts.text(language, "statement.total", currency=found.currency), amount(found.total)


def _settled(each: Settled, found: Statement, language: str) -> Iterator[tuple[str, str]]:
    price = texts.number(language, found.final.price, USAGE_DECIMALS) if found.final else ""
    requests = texts.number(language, Decimal(each.requests), 0)
    yield texts.text(language, "statement.final_amount", price=price, requests=requests), texts.number(language, each.final_amount, 2)
    key = "statement.settled" if each.number else "statement.carried"
    yield texts.text(language, key, number=each.number), texts.number(language, each.delta, 2)


def _notes(found: Statement, language: str) -> Iterator[str]:
    for kind, decision in (("forecast", found.provisional), ("actual", found.final)):
        if decision:
            yield _totals_of_scheme(kind, decision, language)
    if found.final is None:
        yield texts.text(language, "statement.open", day=texts.long_date(language, found.year.settled_by))
    yield texts.text(language, "statement.rounding")
    yield texts.text(language, "statement.signs")
    if any(each.illustrative for each in (found.provisional, found.final) if each):
        yield texts.text(language, "note.illustrative")


def _totals_of_scheme(kind: str, decision: AapDecision, language: str) -> str:
    return texts.text(
        language,
        f"statement.{kind}",
        requests=texts.number(language, Decimal(decision.requests), 0),
        authenticators=texts.number(language, Decimal(decision.authenticators), 0),
        price=texts.number(language, decision.price, USAGE_DECIMALS),
        source=decision.source,
    )
