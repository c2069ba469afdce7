"""A document's lines as CSV: one form for a Danish spreadsheet, one for a machine. Both are renderings of the snapshot."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from billing.documents.snapshot import Snapshot

Variant = Literal["da", "machine"]

# A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

_HEADINGS = {
    "document": "Dokument",
    "kind": "Type",
    "issue_date": "Dato",
    "due_date": "Forfald",
    "customer": "Kunde",
    "position": "Linje",
    "component": "Komponent",
    "text": "Ydelse",
    "detail": "Detalje",
    "period_first": "Fra",
    "period_last": "Til",
    "quantity": "Antal",
    "unit": "Enhed",
    "unit_price": "Enhedspris",
    "amount": "Beløb",
    "vat_rate": "Momssats",
    "currency": "Valuta",
    "illustrative": "Illustrativ",
}
_WORDS = {
    "invoice": "Faktura",
    "credit_note": "Kreditnota",
    "request": "anmodning",
    "month": "måned",
    "piece": "stk.",
    "yes": "ja",
    "no": "nej",
}

Cell = str | int | Decimal | date | None


@dataclass(frozen=True, slots=True)
class _Form:
    delimiter: str
    encoding: str
    decimal_comma: bool
    danish: bool
    quoting: Literal[0, 1]


_FORMS: dict[str, _Form] = {
    "da": _Form(";", "utf-8-sig", True, True, csv.QUOTE_ALL),
    "machine": _Form(",", "utf-8", False, False, csv.QUOTE_MINIMAL),
}


def lines_csv(snapshot: Snapshot, variant: Variant = "da") -> bytes:
    """One row per line, in document order, CRLF after each.

    "da": every field quoted, semicolon, decimal comma, dd-mm-yyyy, Danish headings, UTF-8 with byte order mark.
    "machine": comma, decimal point, ISO dates, UTF-8.
    In both, text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    form = _FORMS[variant]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=form.delimiter, lineterminator="\r\n", quoting=form.quoting)
    writer.writerow(_HEADINGS.values() if form.danish else _HEADINGS.keys())
    for row in _rows(snapshot, form):
        writer.writerow([_cell(value, form) for value in row])
    return out.getvalue().encode(form.encoding)


def _rows(snapshot: Snapshot, form: _Form) -> Iterator[list[Cell]]:
    def word(key: str) -> str:
        return _WORDS[key] if form.danish else key

    document: list[Cell] = [snapshot["number"], word(snapshot["kind"]), _day(snapshot["issue_date"]), _day(snapshot["due_date"])]
    for line in snapshot["lines"]:
        yield [
            *document,
            snapshot["buyer"]["name"],
            line["position"],
            line["kind"],
            line["text"],
            line["detail"],
            _day(line["period"]["first"]),
            _day(line["period"]["last"]),
            Decimal(line["quantity"]),
            word(line["unit"]),
            Decimal(line["unit_price"]),
            Decimal(line["amount"]),
            Decimal(line["vat_rate"]),
            snapshot["currency"],
            word("yes" if snapshot["illustrative"] else "no"),
        ]


def _day(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


def _cell(value: Cell, form: _Form) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            plain = format(value, "f")
            return plain.replace(".", ",") if form.decimal_comma else plain
        case date():
            return value.strftime("%d-%m-%Y") if form.danish else value.isoformat()
        case int():
            return str(value)
    return guarded(value)


def guarded(text: str) -> str:
    """`text` so that a spreadsheet shows it and computes nothing."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
