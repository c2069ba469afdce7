"""A document frozen as canonical JSON: every other form of it (PDF, CSV, e-invoice) is a rendering of this.

Shape of a snapshot: `schema kind number issue_date due_date payment_days period currency language seller buyer lines
price_rows vat_treatment totals payment notes references illustrative`. Amounts, prices and quantities are strings, dates ISO. A text
of a party that is not known is empty, anything else null; a draft's number, issue date, due date and payment are null.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal

from billing.documents import texts
from billing.documents.parties import FIK_CARD, Buyer, Seller, fik_payment_id, valid_fik_creditor
from billing.money import amount_text, one_currency, price_text, quantity_text
from billing.pricing import Line, Unit
from billing.vat import RATES, Totals, Treatment

SCHEMA = "document/1"
GENESIS = bytes(32)
GIVEN_AT_ISSUE = frozenset({"number", "issue_date"})

Kind = Literal["invoice", "credit_note"]
Snapshot = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """A document that this one changes (momsbekendtgørelsen section 58(2))."""

    number: str
    issue_date: date


@dataclass(frozen=True, slots=True)
class Document:
    """What a snapshot is made of. `price_rows` are the rows that the lines were priced by, as plain JSON values with an `id`."""

    kind: Kind
    language: texts.Language
    seller: Seller
    buyer: Buyer
    first_day: date
    last_day: date
    lines: Sequence[Line]
    totals: Totals
    payment_days: int
    illustrative: bool
    price_rows: Sequence[Mapping[str, Any]] = ()
    references: Sequence[Reference] = ()
    number: str | None = None
    issue_date: date | None = None


def build(document: Document) -> Snapshot:
    """Raises CurrencyError where lines and totals differ in currency, ValueError where the payment id cannot be made."""
    totals = document.totals
    currency = one_currency(totals.currency, *(line.currency for line in document.lines))
    due = _due_date(document)
    return {
        "schema": SCHEMA,
        "kind": document.kind,
        "number": document.number,
        "issue_date": _iso(document.issue_date),
        "due_date": _iso(due),
        "payment_days": document.payment_days,
        "period": {"first": document.first_day.isoformat(), "last": document.last_day.isoformat()},
        "currency": currency,
        "language": document.language,
        "seller": _party(document.seller),
        "buyer": _party(document.buyer),
        "lines": [_line(document, position, line) for position, line in enumerate(document.lines, 1)],
        "price_rows": [dict(row) for row in document.price_rows],
        "vat_treatment": totals.treatment.value,
        "totals": _totals(totals),
        "payment": _payment(document),
        "notes": _notes(document),
        "references": [{"number": r.number, "issue_date": r.issue_date.isoformat()} for r in document.references],
        "illustrative": document.illustrative,
    }


def renumbered(built: Snapshot, document: Document) -> Snapshot:
    """Of a document that has got another number since it was built, and nothing else."""
    return built | {"number": document.number, "payment": _payment(document)}


def unnumbered(built: Snapshot) -> Snapshot:
    """As it is before it has its number and date."""
    return built | {"number": None, "issue_date": None, "due_date": None, "payment": None}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _due_date(document: Document) -> date | None:
    if document.issue_date is None or document.kind != "invoice":
        return None
    return document.issue_date + timedelta(days=document.payment_days)


def _party(party: Seller | Buyer) -> dict[str, Any]:
    """Without the payment details, which stand in `payment`."""
    values = {name: value for name, value in asdict(party).items() if name not in ("bank", "fik_creditor")}
    return {**values, "address": {**values["address"], "street": list(values["address"]["street"])}}


def _line(document: Document, position: int, line: Line) -> dict[str, Any]:
    language, parameters = document.language, line.parameters
    return {
        "position": position,
        "kind": line.kind.value,
        "text_key": line.text,
        "detail_key": line.detail,
        "parameters": dict(parameters),
        "text": texts.line_text(language, f"line.{line.text}", parameters),
        "detail": texts.line_text(language, f"detail.{line.detail}", parameters) if line.detail else None,
        "period": {"first": line.first_day.isoformat(), "last": line.last_day.isoformat()},
        "quantity": quantity_text(line.quantity),
        "unit": line.unit.value,
        "unit_price": price_text(line.unit_price),
        "amount": amount_text(line.amount),
        "vat_rate": quantity_text(RATES[document.totals.treatment]),
        "tier": {"from": line.tier_from, "to": line.tier_to} if line.tier_from is not None else None,
        "price_rows": list(line.price_rows),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "net": amount_text(totals.net),
        "vat_by_rate": [
            {"rate": quantity_text(part.rate), "net": amount_text(part.net), "vat": amount_text(part.vat)} for part in totals.vat_by_rate
        ],
        "vat": amount_text(totals.vat),
        "gross": amount_text(totals.gross),
    }


def _payment(document: Document) -> dict[str, Any] | None:
    """How an issued invoice is paid; FIK is a Danish payer's way only."""
    if document.number is None or document.kind != "invoice":
        return None
    bank, creditor = document.seller.bank, document.seller.fik_creditor
    fik = None
    if creditor and document.buyer.address.country == "DK":
        fik = {"card": FIK_CARD, "payment_id": fik_payment_id(document.number), "creditor": valid_fik_creditor(creditor)}
    return {"bank": asdict(bank) if bank else None, "fik": fik, "reference": document.number}


def _notes(document: Document) -> list[dict[str, str]]:
    """In the order in which they are printed; each once."""
    parameters: Mapping[str, str] = {}
    keys: list[str] = []
    if document.totals.treatment is not Treatment.STANDARD:
        keys.append(document.totals.treatment.value)
    provisional = next((line for line in document.lines if line.detail == "aap.provisional"), None)
    if provisional:
        keys.append("aap_provisional")
        parameters = provisional.parameters
    if document.kind == "invoice" and any(line.unit is Unit.REQUEST for line in document.lines):
        keys.append("counting")
    if document.illustrative:
        keys.append("illustrative")
    return [{"key": key, "text": texts.line_text(document.language, f"note.{key}", parameters)} for key in keys]


def canonical(snapshot: Snapshot) -> bytes:
    """The one byte form: keys sorted, no spaces, UTF-8. Reading it back (also through PostgreSQL's jsonb) and writing it again gives the
    same bytes, since it holds no floats and no decimals; TypeError for any other value."""
    _refuse_inexact(snapshot)
    return json.dumps(snapshot, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _refuse_inexact(value: object) -> None:
    match value:
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise TypeError("a snapshot's keys are strings")
            for inner in value.values():
                _refuse_inexact(inner)
        case list():
            for inner in value:
                _refuse_inexact(inner)
        case None | bool() | int() | str():
            pass
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a snapshot: {value!r}")


def chain_hash(previous: bytes, content: bytes) -> bytes:
    """SHA-256 over the series' previous hash (GENESIS for its first document) and the canonical bytes."""
    if len(previous) != len(GENESIS):
        raise ValueError(f"a chain hash has {len(GENESIS)} bytes, not {len(previous)}")
    return hashlib.sha256(previous + content).digest()


def missing(snapshot: Snapshot) -> list[str]:
    """What momsbekendtgørelsen section 58 asks for and the snapshot lacks, as paths ("buyer.address", "lines.1.unit_price").

    A draft lacks at least GIVEN_AT_ISSUE.
    """
    return list(_missing(snapshot))


def _missing(snapshot: Snapshot) -> Iterator[str]:
    for path in ("number", "issue_date", "period.first", "period.last", "currency", "totals.net", "totals.vat", "totals.gross"):
        if not _at(snapshot, path):
            yield path
    for party in ("seller", "buyer"):
        if not _at(snapshot, f"{party}.name"):
            yield f"{party}.name"
        address = _at(snapshot, f"{party}.address") or {}
        if not (any(address.get("street") or ()) and address.get("city") and address.get("country")):
            yield f"{party}.address"
    if not _at(snapshot, "seller.vat_number"):
        yield "seller.vat_number"
    if snapshot.get("vat_treatment") == Treatment.REVERSE_CHARGE and not _at(snapshot, "buyer.vat_number"):
        yield "buyer.vat_number"
    # A public buyer takes electronic invoices only, and those name its order or person.
    if _at(snapshot, "buyer.gln") and not _at(snapshot, "buyer.reference"):
        yield "buyer.reference"
    if snapshot.get("kind") == "credit_note" and not snapshot.get("references"):
        yield "references"
    yield from _missing_in_lines(snapshot)


def _missing_in_lines(snapshot: Snapshot) -> Iterator[str]:
    for name, wanted in (
        ("lines", ("text", "quantity", "unit_price", "amount", "vat_rate")),
        ("totals.vat_by_rate", ("rate", "net", "vat")),
    ):
        rows = _at(snapshot, name)
        if not rows:
            yield name
        for position, row in enumerate(rows or (), 1):
            yield from (f"{name}.{position}.{field}" for field in wanted if not row.get(field))


def _at(snapshot: Snapshot, path: str) -> Any:
    value: Any = snapshot
    for step in path.split("."):
        value = (value or {}).get(step)
    return value
