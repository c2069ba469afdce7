"""CPR numbers: what one looks like, and for how long and how often one may be tried. Pure.

Modulus 11 is no test: since October 2007 numbers are given out that do not pass it, and they are fully valid.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

# Counted at the core session, whoever asks (the scheme's rule, as brokers describe it).
TRIES = 3
WITHIN = timedelta(minutes=15)
REMEMBERED_DAYS = 365
DIGITS = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})[- ]?([0-9])([0-9]{3})")
# How much higher the day of a replacement number is.
REPLACEMENT = 60

DELIVERED, MATCHED, REMEMBERED_STATUS = "delivered", "matched", "remembered"
NONE, DECLINED, REVOKED, NOT_FOR_BUSINESS = "none", "declined", "revoked", "not_for_business"
NOT_MATCHED = "not_matched"


def number(text: str, today: date) -> str | None:
    """Ten digits, or None where nobody can have this number."""
    match = DIGITS.fullmatch(text.strip())
    if match is None:
        return None
    day, month, year, seventh = (int(part) for part in match.groups()[:4])
    try:
        born = date(_century(year, seventh) + year, month, day - REPLACEMENT if day > REPLACEMENT else day)
    except ValueError:
        return None
    return "".join(match.groups()) if born <= today else None


def _century(year: int, seventh: int) -> int:
    """By the seventh digit (cpr.dk, structure of the CPR number)."""
    if seventh <= 3:
        return 1900
    if seventh in (4, 9):
        return 2000 if year <= 36 else 1900
    return 2000 if year <= 57 else 1800


def in_time(authenticated_at: datetime, now: datetime) -> bool:
    return now - authenticated_at <= WITHIN
