"""The worked example that several tests tell: tenant B's July, 8,123 requests. All prices are illustrative."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing.documents.parties import Address, BankAccount, Buyer, Seller
from billing.documents.snapshot import Document
from billing.fees import FeeTier
from billing.periods import Month, default_contract_year
from billing.pricing import AapPrice, Line, LineKind, Plan, SchemeCharge, SchemePrices, Usage, price
from billing.vat import Treatment, total

JULY = Month(2026, 7)
YEAR = default_contract_year(6)
ISSUED_AT = datetime(2026, 8, 3, 7, 0, tzinfo=UTC)

TIERS = (FeeTier(1_000, Decimal("0.80")), FeeTier(10_000, Decimal("0.60")), FeeTier(None, Decimal("0.40")))
PLAN = Plan(row="plan-1", name="Start", currency="DKK", tiers=TIERS)
SCHEME = SchemePrices(
    currency="DKK",
    aap=AapPrice("aap-6", Decimal("0.259"), YEAR.number, YEAR.last, YEAR.settled_by),
    charges=(
        SchemeCharge("charge-1", LineKind.CORE_CLIENT, Decimal("0.03")),
        SchemeCharge("charge-2", LineKind.UDVIKLINGSBIDRAG, Decimal("0.01"), until=date(2027, 10, 31)),
    ),
)
PRICE_ROWS: list[dict[str, Any]] = [
    {"id": "aap-6", "kind": "aap", "contract_year": 6, "unit_price": "0.259", "decision": "provisional"},
    {"id": "charge-1", "kind": "core_client", "unit_price": "0.03"},
    {"id": "charge-2", "kind": "udviklingsbidrag", "unit_price": "0.01", "until": "2027-10-31"},
    {"id": "plan-1", "kind": "plan", "name": "Start", "tiers": [["1000", "0.80"], ["10000", "0.60"], [None, "0.40"]]},
]

SELLER = Seller(
    name="Tidevand Identitet ApS",
    address=Address(("Kajgade 4",), "9999", "Havneby"),
    cvr="12345674",
    vat_number="DK12345674",
    email="faktura@tidevand.example",
    phone="99 99 00 00",
    bank=BankAccount("9999", "0001234567", "DK0099990001234567", "XXXXDK00"),
    fik_creditor="88000018",
)
HAVNEBY = Buyer(
    name="Havneby Forsyning A/S",
    address=Address(("Fjordtorvet 1",), "9998", "Fjordby"),
    cvr="77777776",
    attention="Att. Regnskab",
    customer_number="10042",
    reference="PO-88213",
)
MALMO = Buyer(
    name="Malmgård Fastighet AB",
    address=Address(("Kajpromenaden 12",), "211 00", "Malmö", "SE"),
    vat_number="SE999999999901",
    customer_number="10877",
)


def lines(requests: int = 8_123, plan: Plan = PLAN) -> list[Line]:
    return price(plan, SCHEME, Usage(requests, requests), JULY)


def invoice() -> Document:
    """As issued on 3 August 2026."""
    charged = lines()
    return Document(
        kind="invoice",
        language="da",
        seller=SELLER,
        buyer=HAVNEBY,
        first_day=JULY.first,
        last_day=JULY.last,
        lines=charged,
        totals=total(charged, Treatment.STANDARD, currency="DKK"),
        payment_days=30,
        illustrative=True,
        price_rows=PRICE_ROWS,
        number="F-2026-000017",
        issue_date=date(2026, 8, 3),
    )
