"""A period's counts as pages show them: totals, shares, a chart. What is not counted yet is None, never 0."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import usage
from billing.periods import day_of, starts_at
from billing.usage import DayCount
from broker_portal.templatetags.portal import babel_locale, day_short
from broker_portal.usage.chart import Chart, Series, Words, draw


@dataclass(frozen=True)
class Figures:
    """Of the days `first` to `last` in one environment; everything recorded before `until` is counted."""

    first: date
    last: date
    until: datetime
    counts: tuple[DayCount, ...]

    @property
    def computed(self) -> bool:
        return self.until > starts_at(self.first)

    @property
    def requests(self) -> int | None:
        return sum(count.requested for count in self.counts) if self.computed else None

    @property
    def completed(self) -> int | None:
        return sum(count.completed for count in self.counts) if self.computed else None

    @property
    def success(self) -> Decimal | None:
        return share(self.completed, self.requests)

    def outcomes(self) -> list[dict[str, Any]]:
        """They add up to the requests: what has none yet is open."""
        names = ("completed", "cancelled", "failed", "expired", "voided")
        found = {name: sum(getattr(count, name) for count in self.counts) for name in names}
        found["open"] = sum(count.requested for count in self.counts) - sum(found.values())
        return [{"outcome": name, "n": n} for name, n in found.items() if n]

    def by_client(self) -> list[dict[str, Any]]:
        """The busiest first."""
        each: dict[uuid.UUID, dict[str, Any]] = {}
        for count in self.counts:
            row = each.setdefault(
                count.relying_party_id, {"client_id": count.client_id, "name": count.name or count.client_id, "requests": 0, "completed": 0}
            )
            row["requests"] += count.requested
            row["completed"] += count.completed
            row["last_on"] = count.day
        for row in each.values():
            row |= {"share": share(row["requests"], self.requests), "success": share(row["completed"], row["requests"])}
        return sorted(each.values(), key=lambda row: (-row["requests"], row["name"]))

    def chart(self) -> Chart | None:
        """None before the first request."""
        if not any(count.requested for count in self.counts):
            return None
        days = [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]
        series = [
            Series(_("Requests"), self._daily(days, lambda count: count.requested)),
            Series(_("Completed"), self._daily(days, lambda count: count.completed)),
            Series(_("Cancelled"), self._daily(days, lambda count: count.cancelled)),
            Series(_("Failed or expired"), self._daily(days, lambda count: count.failed + count.expired)),
        ]
        return draw(days, series, Words(_("Requests per day"), self._finding(), _("Not computed yet")), babel_locale())

    def _daily(self, days: list[date], of: Any) -> list[int | None]:
        sums = dict.fromkeys(days, 0)
        for count in self.counts:
            sums[count.day] += of(count)
        return [n if starts_at(day) < self.until else None for day, n in sums.items()]

    def _finding(self) -> str:
        sums: dict[date, int] = {}
        for count in self.counts:
            sums[count.day] = sums.get(count.day, 0) + count.requested
        busiest = max(sums, key=lambda day: sums[day])
        return _("Most on %(day)s: %(most)s. In all %(total)s requests.") % {
            "day": day_short(busiest),
            "most": format_decimal(sums[busiest], locale=babel_locale()),
            "total": format_decimal(sum(sums.values()), locale=babel_locale()),
        }


def of_days(tenant_id: uuid.UUID, kind: str, first: date, last: date) -> Figures:
    """Of the days from `first` to `last` that have begun; one at least."""
    until = usage.complete_until(tenant_id)
    begun = max(first, min(last, day_of(timezone.now())))
    return Figures(first, begun, until, tuple(usage.daily(tenant_id, first, begun, kind)))


def share(part: int | None, whole: int | None) -> Decimal | None:
    return Decimal(part) / whole if part is not None and whole else None
