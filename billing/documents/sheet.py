"""What stands on the page: a snapshot as plain printable strings, in its language, for the template to place."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale

from billing.documents import texts
from billing.documents.snapshot import Snapshot
from billing.pricing import Unit
from billing.vat import Treatment

USAGE_DECIMALS = 4  # a price per request is shown with at least 4 decimals, any other price with 2
Pair = tuple[str, str]


def sheet(snapshot: Snapshot) -> dict[str, Any]:
    """The template's whole input. A snapshot without number is a draft and says so."""
    language, kind = snapshot["language"], snapshot["kind"]
    draft = snapshot["number"] is None
    title = texts.text(language, kind)
    return {
        "lang": language,
        "region": "DK" if language == "da" else "GB",
        "title": title,
        "document_title": texts.text(language, "draft") if draft else f"{title} {snapshot['number']}",
        "draft": {"mark": texts.text(language, "draft"), "why": texts.text(language, "draft.why")} if draft else None,
        "seller": snapshot["seller"]["name"],
        "buyer": {"heading": texts.text(language, "to"), "name": snapshot["buyer"]["name"], "lines": list(_buyer(snapshot))},
        "facts": [list(pair) for pair in _facts(snapshot)],
        "lines": _lines(snapshot),
        "notes": {"heading": texts.text(language, "note.heading"), "texts": [note["text"] for note in snapshot["notes"]]},
        "totals": [list(pair) for pair in _totals(snapshot)],
        "payment": _payment(snapshot),
        "references": _references(snapshot),
        "footer": list(_footer(snapshot)),
        "page": texts.text(language, "page", page="{page}", pages="{pages}"),
    }


def _country(language: str, code: str) -> str:
    return str(Locale.parse(language).territories.get(code, code))


def _buyer(snapshot: Snapshot) -> Iterator[str]:
    buyer, language = snapshot["buyer"], snapshot["language"]
    address = buyer["address"]
    if buyer["attention"]:
        yield buyer["attention"]
    yield from address["street"]
    yield f"{address['postcode']} {address['city']}".strip()
    if address["country"] != snapshot["seller"]["address"]["country"]:
        yield _country(language, address["country"])
    if buyer["cvr"]:
        yield texts.text(language, "cvr", value=buyer["cvr"])
    elif buyer["vat_number"]:
        yield texts.text(language, "vat_number", value=buyer["vat_number"])


def _facts(snapshot: Snapshot) -> Iterator[Pair]:
    language, kind, buyer = snapshot["language"], snapshot["kind"], snapshot["buyer"]

    def day(iso: str) -> str:
        return texts.long_date(language, date.fromisoformat(iso))

    if snapshot["number"]:
        yield texts.text(language, f"number.{kind}"), snapshot["number"]
    if snapshot["issue_date"]:
        yield texts.text(language, f"issue_date.{kind}"), day(snapshot["issue_date"])
    first, last = (date.fromisoformat(snapshot["period"][end]) for end in ("first", "last"))
    yield texts.text(language, f"period.{kind}"), texts.period(language, first, last)
    if snapshot["due_date"]:
        yield texts.text(language, "due_date"), day(snapshot["due_date"])
    for name in ("customer_number", "reference", "gln"):
        if buyer[name]:
            yield texts.text(language, name), buyer[name]


def _lines(snapshot: Snapshot) -> dict[str, Any]:
    language, currency = snapshot["language"], _currency(snapshot)
    heads = [texts.text(language, key) for key in ("service", "quantity", "unit_price", "vat")]
    return {
        "heads": [*heads, texts.text(language, "amount", currency=currency)],
        "rows": [
            {
                "text": line["text"],
                "detail": line["detail"],
                "cells": [
                    texts.number(language, Decimal(line["quantity"]), 0),
                    texts.number(language, Decimal(line["unit_price"]), USAGE_DECIMALS if line["unit"] == Unit.REQUEST else 2),
                    _rate(snapshot, line["vat_rate"]),
                    texts.number(language, Decimal(line["amount"]), 2),
                ],
            }
            for line in snapshot["lines"]
        ],
    }


def _currency(snapshot: Snapshot) -> str:
    return "kr." if (snapshot["currency"], snapshot["language"]) == ("DKK", "da") else snapshot["currency"]


def _rate(snapshot: Snapshot, rate: str) -> str:
    language, treatment = snapshot["language"], snapshot["vat_treatment"]
    if treatment == Treatment.STANDARD:
        return texts.percent(language, Decimal(rate))
    return texts.text(language, f"rate.{treatment}")


def _totals(snapshot: Snapshot) -> Iterator[Pair]:
    language, totals, treatment = snapshot["language"], snapshot["totals"], snapshot["vat_treatment"]

    def amount(value: str) -> str:
        return texts.number(language, Decimal(value), 2)

    yield texts.text(language, "net"), amount(totals["net"])
    for part in totals["vat_by_rate"]:
        values = {"rate": texts.percent(language, Decimal(part["rate"])), "net": amount(part["net"])}
        yield texts.text(language, f"vat.{treatment}", **values), amount(part["vat"])
    yield texts.text(language, f"gross.{snapshot['kind']}", currency=snapshot["currency"]), amount(totals["gross"])


def _payment(snapshot: Snapshot) -> list[dict[str, Any]] | None:
    """Up to three boxes of heading, lines, and a line for machines."""
    language, payment = snapshot["language"], snapshot["payment"]
    if payment is None:
        return None
    due = texts.long_date(language, date.fromisoformat(snapshot["due_date"]))
    days = texts.text(language, "payment_days", days=str(snapshot["payment_days"]))
    boxes: list[dict[str, Any]] = [{"heading": texts.text(language, "pay_by"), "strong": due, "machine": None, "lines": [days]}]
    bank, fik, number = payment["bank"], payment["fik"], payment["reference"]
    if bank:
        boxes.append({"heading": texts.text(language, "bank"), "strong": None, "machine": None, "lines": list(_bank(snapshot, bank))})
    if fik:
        code = f"+{fik['card']}<{fik['payment_id']}+{fik['creditor']}<"
        lines = [texts.text(language, "write_number", number=number)]
        boxes.append({"heading": texts.text(language, "fik"), "strong": None, "machine": code, "lines": lines})
    else:
        boxes.append({"heading": texts.text(language, "write"), "strong": None, "machine": number, "lines": []})
    return boxes


def _bank(snapshot: Snapshot, bank: dict[str, str]) -> Iterator[str]:
    domestic = snapshot["buyer"]["address"]["country"] == snapshot["seller"]["address"]["country"]
    if domestic or not bank["iban"]:
        yield texts.text(snapshot["language"], "bank.account", registration=bank["registration"], account=bank["account"])
    if bank["iban"]:
        compact = bank["iban"].replace(" ", "")
        yield "IBAN " + " ".join(compact[n : n + 4] for n in range(0, len(compact), 4))
    if bank["bic"] and not domestic:
        yield f"BIC {bank['bic']}"


def _references(snapshot: Snapshot) -> dict[str, Any] | None:
    if not snapshot["references"]:
        return None
    language = snapshot["language"]
    items = [
        texts.text(language, "reference.item", number=r["number"], date=texts.long_date(language, date.fromisoformat(r["issue_date"])))
        for r in snapshot["references"]
    ]
    return {"heading": texts.text(language, "references"), "text": ", ".join(items)}


def _footer(snapshot: Snapshot) -> Iterator[str]:
    """The seller in one line, and how to reach it."""
    seller, language = snapshot["seller"], snapshot["language"]
    address = seller["address"]
    parts = [seller["name"], *address["street"], f"{address['postcode']} {address['city']}".strip()]
    if snapshot["buyer"]["address"]["country"] == address["country"]:
        registered = texts.text(language, "cvr", value=seller["cvr"])
    else:
        parts.append(_country(language, address["country"]))
        registered = texts.text(language, "footer.vat", value=seller["vat_number"])
    yield ", ".join([*(part for part in parts if part), registered])
    yield ", ".join(part for part in (seller["email"], seller["phone"]) if part)
