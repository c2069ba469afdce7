"""What a tenant's requests cost: the month so far, and one more of them. Billing computes; here it is said in the page's language."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import get_language

from billing import closing, pricing, rating, usage
from billing.documents import texts
from billing.fees import Period
from billing.issuing import Refused, both_scopes
from billing.periods import Month
from billing.prices import of_month
from billing.pricing import Unit, Usage
from billing.scheme import PriceMissing
from billing.vat import VatPart
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class CostLine:
    text: str
    note: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class VatLine:
    """`rate` is a share: 0.25."""

    rate: Decimal
    base: Decimal
    amount: Decimal
    reverse: bool


@dataclass(frozen=True, slots=True)
class Costs:
    """The invoice of `month` as it would be now."""

    month: Month
    requests: int
    lines: list[CostLine]
    net: Decimal
    vat: list[VatLine]
    total: Decimal
    currency: str
    illustrative: bool


def so_far(tenant_id: uuid.UUID, month: Month) -> Costs | None:
    """None where the month cannot be priced: the operator sees why."""
    try:
        priced = closing.preview(tenant_id, month)
    except Refused:
        return None
    return Costs(
        month=month,
        requests=priced.requests,
        lines=[
            CostLine(*said(line.text, line.detail, line.parameters), line.quantity, line.unit_price, line.amount) for line in priced.lines
        ],
        net=priced.totals.net,
        vat=vat_lines(priced.totals.vat_by_rate, priced.totals.treatment),
        total=priced.totals.gross,
        currency=priced.currency,
        illustrative=priced.illustrative,
    )


def said(text: str, detail: str | None, parameters: Mapping[str, str]) -> tuple[str, str]:
    """A line's text and note from its keys."""
    language = document_language()
    note = texts.line_text(language, f"detail.{detail}", parameters) if detail else ""
    return texts.line_text(language, f"line.{text}", parameters), note


def document_language() -> texts.Language:
    return "en" if (get_language() or "").startswith("en") else "da"


def vat_lines(parts: Iterable[VatPart], treatment: str) -> list[VatLine]:
    return [VatLine(part.rate.scaleb(-2), part.net, part.vat, treatment == "reverse_charge") for part in parts]


@dataclass(frozen=True, slots=True)
class UnitPrice:
    price: Decimal
    currency: str


def next_request(tenant_id: uuid.UUID, month: Month) -> UnitPrice | None:
    """One more request of the core's own client, at the tier that it falls in; None where the month has no prices."""
    tenant = Tenant.objects.select_related("operator").get(id=tenant_id)
    try:
        with both_scopes(tenant, "the price of a request"):
            prices = of_month(tenant_id, month)
            counted = [each for each in usage.chargeable(tenant_id, month, month) if each.month == month]
    except PriceMissing:
        return None
    assert prices is not None
    so_far = rating.usage_of(counted)
    one_more = Usage(so_far.requests + 1, so_far.core_client_requests + 1)
    lines = pricing.price(prices.plan, prices.scheme, one_more, month)
    if prices.plan.period is Period.YEAR:
        lines += pricing.year_fee(prices.plan, one_more.requests, month.first, month.last)
    # Of the graduated fee the last line is the tier of the last request.
    each = {line.kind: line.unit_price for line in lines if line.unit is Unit.REQUEST}
    return UnitPrice(sum(each.values(), Decimal(0)), prices.plan.currency)
