"""Parameters of a request, as they came: in their order, duplicates and all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
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

    @classmethod
    def read(cls, encoded: bytes) -> Parameters:
        """The same, of a query or a form's body as it came: what django.http.QueryDict would read, without making one."""
        try:
            text = encoded.decode()
        except UnicodeDecodeError:
            text = encoded.decode("iso-8859-1")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)
        except ValueError:
            raise TooManyFieldsSent from None
        names = [name for name, _ in pairs]
        repeated = frozenset(name for name in names if names.count(name) > 1) if len(set(names)) < len(names) else frozenset()
        return cls({name: value for name, value in pairs if value}, repeated)

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.values
