"""Parameters of a request, as they came: in their order, duplicates and all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict


@dataclass(frozen=True, slots=True)
class Parameters:
    """A parameter without a value counts as not sent (RFC 6749 section 3.1)."""

    values: Mapping[str, str]
    repeated: frozenset[str]

    @classmethod
    def of(cls, query: QueryDict) -> Parameters:
        known = {name: value for name, values in query.lists() for value in values if value}
        return cls(known, frozenset(name for name, values in query.lists() if len(values) > 1))

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.values
