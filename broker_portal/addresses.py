"""What may stand in an address of the portal: anything else is no address at all, so that it reaches no view and no statement."""

from __future__ import annotations

from billing.periods import Month
from tenants.models import Kind


class EnvironmentAddress:
    regex = "|".join(Kind.values)

    def to_python(self, value: str) -> Kind:
        return Kind(value)

    def to_url(self, value: str) -> str:
        return str(value)


class MonthAddress:
    """2026-11"""

    regex = "[0-9]{4}-[0-9]{2}"

    def to_python(self, value: str) -> Month:
        return Month.parse(value)

    def to_url(self, value: Month | str) -> str:
        return str(value)


class NameAddress:
    """A client_id or the number of a document."""

    regex = "[A-Za-z0-9_-]{1,100}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
