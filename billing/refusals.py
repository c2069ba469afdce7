"""What cannot be done, and why: in English for commands, logs and the audit trail, in the page's language on pages.

The first argument of a refusal is its text in English, which the catalogues know: never put together with f-strings.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Self

from billing.periods import Month

Value = str | int | Decimal | date | Month


def N_(text: str) -> str:
    """Marks a text for the catalogues where no refusal is made of it at once."""
    return text


class Refusal(Exception):
    """`text` holds %(name)s for each of `values`; `at` is the field of a form or file that it is about."""

    NAMES_FIELD = False
    """Whether the text needs the field before it to be understood."""

    def __init__(self, text: str, *, at: str = "", **values: Value) -> None:
        told = text % values if values else text
        super().__init__(f"{at}: {told}" if at and self.NAMES_FIELD else told)
        self.text, self.at, self.values = text, at, values

    @classmethod
    def of(cls, error: Exception) -> Self:
        """The same as `error`, in this class."""
        return cls(error.text, at=error.at, **error.values) if isinstance(error, Refusal) else cls(str(error))


def stored(refusal: Refusal) -> dict[str, Any]:
    """As JSON, for `read`."""
    return {"text": refusal.text, "values": {name: _stored(value) for name, value in refusal.values.items()}}


def _stored(value: Value) -> Any:
    match value:
        case Month():
            return {"month": str(value)}
        case date():
            return {"day": value.isoformat()}
        case Decimal():
            return {"number": str(value)}
    return value


def read(kept: dict[str, Any]) -> Refusal:
    values: dict[str, Any] = {name: _read(value) for name, value in kept["values"].items()}
    return Refusal(kept["text"], **values)


def _read(value: Any) -> Value:
    match value:
        case {"month": str(text)}:
            return Month.parse(text)
        case {"day": str(text)}:
            return date.fromisoformat(text)
        case {"number": str(text)}:
            return Decimal(text)
        case int() | str():
            return value
    raise TypeError(f"no value of a refusal: {value!r}")
