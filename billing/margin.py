"""What is left: what accounts are charged, less what the supplier charges for the same requests, by month, tenant and component."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from billing import periods, scheme, supplier
from billing.money import add
from billing.periods import Month
from billing.supplier import MonthCount
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant

# By the month that was charged for; a settlement of the year is a component of its own, in the year's last month.
_REVENUE = """
SELECT l.tenant_id, CASE WHEN l.text = 'settlement' THEN %(last_month)s ELSE date_trunc('month', l.period_last::timestamp)::date END,
       CASE WHEN l.text = 'settlement' THEN 'settlement' ELSE l.kind END,
       sum(CASE d.kind WHEN 'credit_note' THEN -l.amount ELSE l.amount END)
FROM billing_documentline l JOIN billing_document d ON d.tenant_id = l.tenant_id AND d.id = l.document_id
WHERE l.tenant_id = ANY(%(tenants)s) AND d.tenant_id = ANY(%(tenants)s) AND d.state <> 'dropped'
  AND l.period_last BETWEEN %(first)s AND %(last)s
GROUP BY 1, 2, 3"""
SETTLEMENT = "settlement"


@dataclass(frozen=True, slots=True)
class Part:
    """`name`: a month, a tenant's slug or a component."""

    name: str
    revenue: Decimal
    cost: Decimal

    @property
    def margin(self) -> Decimal:
        return add(self.revenue, -self.cost)


@dataclass(frozen=True, slots=True)
class Margin:
    year: periods.ContractYear
    months: tuple[Part, ...]
    tenants: tuple[Part, ...]
    components: tuple[Part, ...]
    total: Part


Amounts = dict[tuple[str, str, str], Decimal]
"""By month, tenant and component."""


def of_year(operator: Operator, number: int) -> Margin:
    """What is drafted counts too. Costs of one tenant are rounded for it alone, so they differ from the month's by some ore: the year's
    total is that of months. Raises PriceMissing."""
    year = scheme.year_numbered(number)
    tenants = dict(Tenant.objects.filter(operator=operator).values_list("id", "slug"))
    with operator_scope(operator.id, "margin"):
        counts = supplier.counts(tenants, year)
        revenue = _revenue(tenants, year)
        whole = _costs(supplier.accrue(counts, year))
        final = scheme.final(number)
        if final:
            settled = supplier.expected_settlement(supplier.accrue(counts, year), final.price)
            whole[str(Month.of(year.last)), "", SETTLEMENT] = settled
        each = _costs_by_tenant(counts, tenants, year, final.price if final else None)
    months = [str(month) for month in supplier.months_of(year)]
    return Margin(
        year=year,
        months=tuple(_part(name, 0, revenue, whole) for name in months),
        tenants=tuple(_part(name, 1, revenue, each) for name in sorted(tenants.values())),
        components=tuple(_part(name, 2, revenue, whole) for name in sorted({key[2] for key in [*revenue, *whole]})),
        total=Part("total", add(*revenue.values()), add(*whole.values())),
    )


def _part(name: str, at: int, revenue: Amounts, cost: Amounts) -> Part:
    return Part(name, *(add(*(amount for key, amount in side.items() if key[at] == name)) for side in (revenue, cost)))


def _revenue(tenants: Mapping[uuid.UUID, str], year: periods.ContractYear) -> Amounts:
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"tenants": list(tenants), "first": year.first, "last": year.last, "last_month": Month.of(year.last).first}
        cursor.execute(_REVENUE, given)
        return {(str(Month.of(month)), tenants[tenant], component): amount for tenant, month, component, amount in cursor.fetchall()}


def _costs(accrued: Iterable[supplier.Accrued], tenant: str = "") -> Amounts:
    costs: Amounts = {}
    for each in accrued:
        key = (str(each.month), tenant, each.component)
        costs[key] = add(costs.get(key, Decimal(0)), each.amount)
    return costs


def _costs_by_tenant(
    counts: list[MonthCount], tenants: Mapping[uuid.UUID, str], year: periods.ContractYear, final: Decimal | None
) -> Amounts:
    costs: Amounts = {}
    of: dict[uuid.UUID, list[MonthCount]] = {}
    for count in counts:
        of.setdefault(count.tenant_id, []).append(count)
    for tenant_id, rows in of.items():
        accrued = [each for each in supplier.accrue(rows, year) if each.requests]
        costs |= _costs(accrued, tenants[tenant_id])
        if final is not None:
            costs[str(Month.of(year.last)), tenants[tenant_id], SETTLEMENT] = supplier.expected_settlement(accrued, final)
    return costs
