"""VAT on the net sum per rate and treatment, never per line."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from billing.money import add, amount_of, one_currency


class Treatment(StrEnum):
    """How a supply is taxed. Stored in documents: a value is never renamed."""

    STANDARD = "standard"
    REVERSE_CHARGE = "reverse_charge"  # momsloven section 16(1): the business in another EU country accounts for it
    OUTSIDE_SCOPE = "outside_scope"  # a business outside the EU


# Without Northern Ireland, which is of the EU for goods only. Greenland and the Faroe Islands are outside it (our assumption for services).
EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)


def treatment_of(country: str, seller_country: str = "DK") -> Treatment:
    """Of a service to a business in that country (momsloven section 16(1))."""
    if country == seller_country:
        return Treatment.STANDARD
    return Treatment.REVERSE_CHARGE if country in EU else Treatment.OUTSIDE_SCOPE


RATES = {Treatment.STANDARD: Decimal(25), Treatment.REVERSE_CHARGE: Decimal(0), Treatment.OUTSIDE_SCOPE: Decimal(0)}


class Charged(Protocol):
    @property
    def amount(self) -> Decimal: ...

    @property
    def currency(self) -> str: ...


@dataclass(frozen=True, slots=True)
class VatPart:
    """One rate, in percent: the base it is taken of, and the tax."""

    rate: Decimal
    net: Decimal
    vat: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    currency: str
    treatment: Treatment
    net: Decimal
    vat_by_rate: tuple[VatPart, ...]
    vat: Decimal
    gross: Decimal


def total(lines: Iterable[Charged], treatment: Treatment, *, currency: str) -> Totals:
    """Raises CurrencyError where a line is not in `currency`. No lines give zeros."""
    charged = list(lines)
    one_currency(currency, *(line.currency for line in charged))
    net = add(*(line.amount for line in charged))
    rate = RATES[treatment]
    vat = amount_of(net, rate.scaleb(-2))
    return Totals(currency, treatment, net, (VatPart(rate, net, vat),), vat, add(net, vat))
