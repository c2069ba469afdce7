"""Usage per day and client as CSV: comma and ISO dates, or as a Danish spreadsheet wants it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from billing.exports.csv import guarded
from billing.usage import DayCount

COLUMNS = ("day", "client_id", "name", "requested", "completed", "cancelled", "failed", "expired", "voided", "open")
DANISH = ("Dag", "Klient-id", "Navn", "Anmodninger", "Gennemført", "Afbrudt", "Mislykket", "Udløbet", "Ikke afregnet", "Undervejs")


def daily_csv(counts: Iterable[DayCount], language: str) -> bytes:
    """One row a day and client, CRLF after each. "da": semicolon, dd-mm-yyyy, byte order mark. A name is never a formula."""
    danish = language == "da"
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if danish else ",", lineterminator="\r\n")
    writer.writerow(DANISH if danish else COLUMNS)
    for count in counts:
        ended = count.completed + count.cancelled + count.failed + count.expired + count.voided
        day = count.day.strftime("%d-%m-%Y") if danish else count.day.isoformat()
        known = [count.requested, count.completed, count.cancelled, count.failed, count.expired, count.voided, count.requested - ended]
        writer.writerow([day, guarded(count.client_id), guarded(count.name), *known])
    return out.getvalue().encode("utf-8-sig" if danish else "utf-8")
