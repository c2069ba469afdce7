"""A month's documents computed again in SQL that shares nothing with the Python that made them: tiers, rounding, differences.

Each document is priced anew from the rows posted up to the month that it was counted through, with the prices that were entered when it was
drafted, less what other documents had billed by then; and compared with its lines by component.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.periods import Month
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant

# Lower bounds come from lag(), the requests of a tier from least and greatest; the year's fee is counted over the months of its contract
# year in which the same version is in force.
_AUDIT = """
WITH doc AS (
    SELECT d.tenant_id, d.id, d.operator_id, d.kind, d.period_first AS month, coalesce(d.counted_through, d.period_first) AS through,
           d.created_at, d.number
    FROM billing_document d
    WHERE d.tenant_id = ANY(%(tenants)s) AND d.state <> 'dropped' AND d.idempotency_key LIKE 'usage:' || %(month)s || ':%%'),
happened AS (
    SELECT DISTINCT doc.tenant_id, doc.id, date_trunc('month', u.day::timestamp)::date AS month
    FROM doc JOIN usage_day u ON u.tenant_id = doc.tenant_id AND u.posted = doc.month
    WHERE u.tenant_id = ANY(%(tenants)s)
    UNION SELECT tenant_id, id, month FROM doc),
wide AS (
    SELECT doc.tenant_id, doc.id, coalesce(y.first, doc.month) AS first
    FROM doc LEFT JOIN billing_contractyear y ON (SELECT min(h.month) FROM happened h WHERE h.tenant_id = doc.tenant_id AND h.id = doc.id)
        BETWEEN y.first AND y.last),
span AS (
    SELECT w.tenant_id, w.id, m::date AS month FROM wide w JOIN doc ON doc.tenant_id = w.tenant_id AND doc.id = w.id,
        generate_series(w.first, (SELECT max(coalesce(y.last, doc.month)) FROM billing_contractyear y
                                  WHERE doc.month BETWEEN y.first AND y.last), interval '1 month') m),
priced AS (
    SELECT s.tenant_id, s.id, s.month, v.id AS version, v.aap, v.core_client, v.udviklingsbidrag, v.plus, v.mode, v.period, v.subscription,
           v.minimum, v.discount, v.discount_until
    FROM span s JOIN doc ON doc.tenant_id = s.tenant_id AND doc.id = s.id
    CROSS JOIN LATERAL (
        SELECT a.plan_id FROM billing_accountplan a
        WHERE a.tenant_id = s.tenant_id AND a.starts <= s.month AND a.entered_at <= doc.created_at
        ORDER BY a.entered_at DESC, a.id DESC LIMIT 1) a
    CROSS JOIN LATERAL (
        SELECT * FROM billing_planversion v WHERE v.plan_id = a.plan_id AND v.starts <= s.month ORDER BY v.starts DESC LIMIT 1) v),
free AS (
    SELECT r.starts, coalesce(lead(r.starts) OVER (ORDER BY r.starts), 'infinity') AS ends, r.left_out FROM billing_outcomerule r),
used AS (
    SELECT doc.tenant_id, doc.id, date_trunc('month', u.day::timestamp)::date AS month, u.connection_id, u.action, u.usage_model,
           u.core_client,
           sum(u.n * CASE u.what WHEN 'requested' THEN 1 WHEN 'voided' THEN -1 ELSE 0 END
               - CASE WHEN f.left_out ? u.what THEN u.n ELSE 0 END) AS n
    FROM doc JOIN usage_day u ON u.tenant_id = doc.tenant_id AND u.posted <= doc.through
    JOIN wide w ON w.tenant_id = doc.tenant_id AND w.id = doc.id AND u.day >= w.first
    LEFT JOIN free f ON u.day >= f.starts AND u.day < f.ends
    WHERE u.tenant_id = ANY(%(tenants)s) AND EXISTS (
        SELECT FROM usage_client c
        WHERE c.tenant_id = u.tenant_id AND c.environment_id = u.environment_id AND c.environment_kind = 'production')
    GROUP BY 1, 2, 3, 4, 5, 6, 7),
own_price AS (
    SELECT u.*, p.version, p.mode, p.period,
           (SELECT x.price FROM billing_planprice x
            WHERE x.version_id = p.version AND (x.connection_id IS NULL OR x.connection_id = u.connection_id)
              AND (x.action = '' OR x.action = u.action)
            ORDER BY (x.connection_id IS NULL), (x.action = '') LIMIT 1) AS price,
           (SELECT x.id FROM billing_planprice x
            WHERE x.version_id = p.version AND (x.connection_id IS NULL OR x.connection_id = u.connection_id)
              AND (x.action = '' OR x.action = u.action)
            ORDER BY (x.connection_id IS NULL), (x.action = '') LIMIT 1) AS price_row
    FROM used u JOIN priced p ON p.tenant_id = u.tenant_id AND p.id = u.id AND p.month = u.month),
action AS (
    SELECT tenant_id, id, month, round(sum(n) * price, 2) AS amount FROM own_price WHERE price_row IS NOT NULL
    GROUP BY tenant_id, id, month, price_row, price),
in_tiers AS (
    SELECT tenant_id, id, month, version, mode, period, sum(n) AS n FROM own_price WHERE price_row IS NULL GROUP BY 1, 2, 3, 4, 5, 6),
bucket AS (
    SELECT t.tenant_id, t.id, t.month, t.version, t.mode, t.n FROM in_tiers t
    JOIN happened h ON h.tenant_id = t.tenant_id AND h.id = t.id AND h.month = t.month WHERE t.period = 'month'
    UNION ALL
    SELECT t.tenant_id, t.id, min(t.month), t.version, t.mode, sum(t.n) FROM in_tiers t JOIN billing_contractyear y
        ON t.month BETWEEN y.first AND y.last
    WHERE t.period = 'year' AND EXISTS (
        SELECT FROM happened h JOIN priced p ON p.tenant_id = h.tenant_id AND p.id = h.id AND p.month = h.month
        WHERE h.tenant_id = t.tenant_id AND h.id = t.id AND p.version = t.version AND h.month BETWEEN y.first AND y.last)
    GROUP BY t.tenant_id, t.id, t.version, t.mode, y.number),
tier AS (
    SELECT b.tenant_id, b.id, b.month, b.mode, b.n, x.price, x.up_to,
           coalesce(lag(x.up_to) OVER (PARTITION BY b.tenant_id, b.id, b.month, b.version ORDER BY x.up_to NULLS LAST), 0) AS lower
    FROM bucket b JOIN billing_plantier x ON x.version_id = b.version),
fee AS (
    SELECT tenant_id, id, month, sum(round(price * CASE
        WHEN mode = 'graduated' THEN greatest(least(n, coalesce(up_to, n)) - lower, 0)
        WHEN n > lower AND n <= coalesce(up_to, n) THEN n ELSE 0 END, 2)) AS amount
    FROM tier GROUP BY 1, 2, 3),
asked AS (
    SELECT p.*, h.month IS NOT NULL AS touched FROM priced p
    JOIN happened h ON h.tenant_id = p.tenant_id AND h.id = p.id AND h.month = p.month),
monthly AS (
    SELECT a.tenant_id, a.id, a.month, 'aap' AS kind,
           round(sum(u.n) * round((s.price * (1 + coalesce((a.plus -> 'aap' ->> 'percent')::numeric, 0) / 100)
                                   + coalesce((a.plus -> 'aap' ->> 'ore')::numeric, 0) / 100), 6), 2) AS amount
    FROM asked a JOIN used u ON u.tenant_id = a.tenant_id AND u.id = a.id AND u.month = a.month
    JOIN doc ON doc.tenant_id = a.tenant_id AND doc.id = a.id
    CROSS JOIN LATERAL (
        SELECT c.price FROM billing_aapdecision c JOIN billing_contractyear y ON y.id = c.contract_year_id
        LEFT JOIN billing_aapapproval k ON k.decision_id = c.id
        WHERE a.month BETWEEN y.first AND y.last AND c.entered_at <= doc.created_at
          AND (c.kind = 'provisional' OR k.approved_at <= doc.created_at)
        ORDER BY (c.kind = 'final'), c.entered_at DESC, c.id DESC LIMIT 1) s
    WHERE a.aap <> 'included' AND NOT EXISTS (
        SELECT FROM billing_settlement t JOIN billing_contractyear y ON y.number = t.contract_year
        WHERE t.tenant_id = a.tenant_id AND a.month BETWEEN y.first AND y.last AND t.made_at <= doc.created_at)
    GROUP BY a.tenant_id, a.id, a.month, s.price, a.plus
    UNION ALL
    SELECT a.tenant_id, a.id, a.month, s.kind,
           round(sum(u.n) FILTER (WHERE s.kind <> 'core_client' OR (u.core_client AND u.usage_model = s.usage_model))
                 * round((s.price * (1 + coalesce((a.plus -> s.kind ->> 'percent')::numeric, 0) / 100)
                          + coalesce((a.plus -> s.kind ->> 'ore')::numeric, 0) / 100), 6), 2)
    FROM asked a JOIN used u ON u.tenant_id = a.tenant_id AND u.id = a.id AND u.month = a.month
    JOIN doc ON doc.tenant_id = a.tenant_id AND doc.id = a.id
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (c.kind, c.usage_model) c.kind, c.usage_model, c.price, c.until, c.per FROM billing_schemecharge c
        WHERE c.starts <= a.month AND c.entered_at <= doc.created_at
        ORDER BY c.kind, c.usage_model, c.starts DESC, c.entered_at DESC, c.id DESC) s
    WHERE s.per = 'request' AND (s.until IS NULL OR s.until >= a.month)
      AND CASE s.kind WHEN 'core_client' THEN a.core_client ELSE a.udviklingsbidrag END <> 'included'
    GROUP BY a.tenant_id, a.id, a.month, s.kind, s.usage_model, s.price, a.plus
    UNION ALL SELECT tenant_id, id, month, 'fee', amount FROM fee
    UNION ALL SELECT c.tenant_id, c.id, c.month, 'action', c.amount FROM action c
        JOIN happened h ON h.tenant_id = c.tenant_id AND h.id = c.id AND h.month = c.month
    UNION ALL SELECT tenant_id, id, month, 'subscription', subscription FROM asked WHERE subscription IS NOT NULL
    UNION ALL SELECT o.tenant_id, doc.id, o.month, 'one_off', round(o.quantity * o.unit_price, 2)
        FROM billing_oneoff o JOIN doc ON doc.tenant_id = o.tenant_id AND doc.month = o.month
        WHERE o.tenant_id = ANY(%(tenants)s)),
own_fee AS (
    SELECT a.tenant_id, a.id, a.month, a.minimum, coalesce(sum(m.amount), 0) AS fee,
           round(coalesce(sum(m.amount), 0) * CASE WHEN a.discount_until IS NULL OR a.month <= a.discount_until
                                                   THEN coalesce(a.discount, 0) ELSE 0 END / 100, 2) AS off
    FROM asked a LEFT JOIN monthly m ON m.tenant_id = a.tenant_id AND m.id = a.id AND m.month = a.month AND m.kind IN ('fee', 'action')
    WHERE a.minimum IS NOT NULL OR a.discount IS NOT NULL
    GROUP BY a.tenant_id, a.id, a.month, a.minimum, a.discount, a.discount_until),
now_owed AS (
    SELECT tenant_id, id, month, kind, amount FROM monthly
    UNION ALL SELECT tenant_id, id, month, 'discount', -off FROM own_fee
    UNION ALL SELECT tenant_id, id, month, 'minimum', greatest(minimum - (fee - off), 0) FROM own_fee WHERE minimum IS NOT NULL),
billed AS (
    SELECT doc.tenant_id, doc.id, l.kind, -sum(l.amount * CASE o.kind WHEN 'credit_note' THEN -1 ELSE 1 END) AS amount
    FROM doc JOIN billing_document o ON o.tenant_id = doc.tenant_id AND o.id <> doc.id AND o.created_at < doc.created_at
        AND (o.dropped_at IS NULL OR o.dropped_at > doc.created_at) AND o.idempotency_key NOT LIKE 'rec:%%'
    JOIN billing_documentline l ON l.tenant_id = o.tenant_id AND l.document_id = o.id AND l.text <> 'settlement'
    LEFT JOIN happened h ON h.tenant_id = doc.tenant_id AND h.id = doc.id AND h.month = l.period_first
    LEFT JOIN priced p ON p.tenant_id = doc.tenant_id AND p.id = doc.id AND p.month = l.period_first
    WHERE o.tenant_id = ANY(%(tenants)s) AND l.tenant_id = ANY(%(tenants)s) AND CASE
        WHEN l.kind = 'fee' AND p.period = 'year' THEN EXISTS (
            SELECT FROM bucket b WHERE b.tenant_id = doc.tenant_id AND b.id = doc.id AND l.price_rows ? b.version::text
                AND b.month >= l.period_first)
        WHEN l.kind = 'one_off' THEN l.period_first = doc.month
        WHEN l.kind = 'aap' THEN h.month IS NOT NULL AND NOT EXISTS (
            SELECT FROM billing_settlement t JOIN billing_contractyear y ON y.number = t.contract_year
            WHERE t.tenant_id = doc.tenant_id AND h.month BETWEEN y.first AND y.last AND t.made_at <= doc.created_at)
        ELSE h.month IS NOT NULL END
    GROUP BY 1, 2, 3),
audited AS (
    SELECT tenant_id, id, kind, sum(amount) AS amount FROM (
        SELECT tenant_id, id, kind, amount FROM now_owed UNION ALL SELECT tenant_id, id, kind, amount FROM billed) x GROUP BY 1, 2, 3),
told AS (
    SELECT l.tenant_id, l.document_id AS id, l.kind, sum(l.amount * CASE doc.kind WHEN 'credit_note' THEN -1 ELSE 1 END) AS amount
    FROM billing_documentline l JOIN doc ON doc.tenant_id = l.tenant_id AND doc.id = l.document_id
    WHERE l.tenant_id = ANY(%(tenants)s) GROUP BY 1, 2, 3)
SELECT doc.tenant_id, coalesce(doc.number, ''), coalesce(a.kind, t.kind), coalesce(t.amount, 0), coalesce(a.amount, 0)
FROM doc JOIN (audited a FULL JOIN told t ON t.tenant_id = a.tenant_id AND t.id = a.id AND t.kind = a.kind)
    ON doc.id = coalesce(a.id, t.id) AND doc.tenant_id = coalesce(a.tenant_id, t.tenant_id)
ORDER BY doc.tenant_id, 2, 3"""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Audited:
    """One component of one document: what its lines come to, and what the audit comes to."""

    tenant: str
    number: str
    component: str
    documented: Decimal
    audited: Decimal

    @property
    def right(self) -> bool:
        return self.documented == self.audited


def audit_month(month: Month, operator: Operator) -> list[Audited]:
    """Every document of the operator's month, drafts too, by component."""
    tenants = dict(Tenant.objects.filter(operator=operator).values_list("id", "slug"))
    ids = sorted(tenants)
    found = []
    for start in range(0, len(ids), BATCH):
        found += [Audited(tenants[tenant], *rest) for tenant, *rest in _audit(month, operator, ids[start : start + BATCH])]
    return sorted(found, key=lambda each: (each.tenant, each.number, each.component))


def _audit(month: Month, operator: Operator, ids: list[uuid.UUID]) -> list[Any]:
    with operator_scope(operator.id, "audit a month"), connection.cursor() as cursor:
        cursor.execute(_AUDIT, {"tenants": ids, "month": str(month)})
        rows: list[Any] = cursor.fetchall()
    return rows
