"""What a person enters of MitID's prices: contract years, tables, decisions and charges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.decisions import Cell
from billing.models import AapDecision
from billing.periods import Month

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise

MILLION = 1_000_000


def price_field(label: Text, *, required: bool = True) -> forms.DecimalField:
    """A unit price: at most 6 decimals."""
    return _figure(label, required, 12, 6)


def amount_field(label: Text, *, required: bool = False) -> forms.DecimalField:
    return _figure(label, required, 14, 2)


def count_field(label: Text) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, widget=_number())


def _figure(label: Text, required: bool, digits: int, decimals: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=required, min_value=Decimal(0), max_digits=digits, decimal_places=decimals, widget=_number()
    )


def _number() -> forms.NumberInput:
    return forms.NumberInput(attrs={"class": "input-n", "step": "any"})


class MonthField(forms.CharField):
    """A month, typed or picked as YYYY-MM."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(max_length=7, widget=forms.TextInput(attrs={"type": "month", "placeholder": "2027-01"}), **settings)

    def clean(self, value: Any) -> Month | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return Month.parse(text)
        except ValueError:
            raise forms.ValidationError(_("Write the month as year and month: 2027-01")) from None


class DecisionForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=[("provisional", _("Provisional")), ("final", _("Final"))])
    requests = forms.IntegerField(label=_("Requests of the whole scheme"), min_value=0)
    authenticators = forms.IntegerField(label=_("Physical authenticators"), min_value=0)
    price = price_field(_("Announced price"), required=False)
    source = forms.CharField(label=_("Source"), max_length=200)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)

    price.help_text = _("Left out, it is looked up in the table")
    reason.help_text = _("Needed where the announced price is not the table's")

    def clean_kind(self) -> Any:
        return AapDecision.Kind(self.cleaned_data["kind"])


class YearForm(forms.Form):
    number = forms.IntegerField(label=_("Number"), min_value=1, max_value=999)
    first = MonthField(label=_("First month"))
    last = MonthField(label=_("Last month"))

    first.help_text = _("A year may have any length. MitID's first one had 14 months.")

    def days(self) -> tuple[date, date]:
        return self.cleaned_data["first"].first, self.cleaned_data["last"].last


class ChargeForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("Charge"), choices=[("core_client", _("Core client surcharge")), ("udviklingsbidrag", _("Development contribution"))]
    )
    per = forms.ChoiceField(label=_("Charged"), choices=[("request", _("Per request")), ("year", _("Per year"))])
    price = price_field(_("Price"))
    usage_model = forms.ChoiceField(
        label=_("Usage model"), choices=[("standard", "Standard"), ("package", "Pakke"), ("flexible", "Flexibilitet")], required=False
    )
    starts = MonthField(label=_("From"))
    until = MonthField(label=_("Until and including"), required=False)
    source = forms.CharField(label=_("Source"), max_length=200)

    per.help_text = _("A yearly cost is the operator's own: it stands on no invoice.")
    until.help_text = _("After this month nothing is charged, whatever a plan says.")
    usage_model.help_text = _("The core client surcharge is charged for requests of this model only.")


class TableForm(forms.Form):
    """A grid: the first request and authenticator of each band, in millions, and the price where both meet. Empty rows and columns at the
    end are left out."""

    source = forms.CharField(label=_("Source"), max_length=200)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)

    reason.help_text = _("Needed where the price rises with more requests, or falls with more authenticators.")

    def __init__(self, data: Any = None, *, rows: int, columns: int, **settings: Any) -> None:
        super().__init__(data, **settings)
        self.rows, self.columns = rows, columns
        for name, label in self._axes():
            self.fields[name] = _figure(label, False, 12, 6)
        for row in range(rows):
            for column in range(columns):
                name = f"c{row}_{column}"
                self.fields[name] = price_field(_("Price"), required=False)

    def _axes(self) -> Sequence[tuple[str, Text]]:
        rows = [(f"r{row}", _("Requests from, millions")) for row in range(self.rows)]
        return rows + [(f"a{column}", _("Authenticators from, millions")) for column in range(self.columns)]

    def grid(self) -> dict[str, Any]:
        """The bound fields as a table shows them."""
        return {
            "columns": [self[f"a{column}"] for column in range(self.columns)],
            "rows": [
                {"from": self[f"r{row}"], "cells": [self[f"c{row}_{column}"] for column in range(self.columns)]} for row in range(self.rows)
            ],
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        rows, columns = self._bounds("r", self.rows), self._bounds("a", self.columns)
        for row in range(len(rows)):
            for column in range(len(columns)):
                if data.get(f"c{row}_{column}") is None:
                    self.add_error(f"c{row}_{column}", _("The price is missing"))
        return data

    def _bounds(self, axis: str, count: int) -> list[int]:
        """The bands that are filled in. The first begins at 0, each later one above the one before."""
        found: list[int] = []
        for n in range(count):
            value = self.cleaned_data.get(f"{axis}{n}")
            if value is None:
                continue
            bound = int(value * MILLION)
            if n != len(found) or (not found and bound) or (found and bound <= found[-1]):
                self.add_error(f"{axis}{n}", _("Begin at 0, and let each band begin above the one before"))
            found.append(bound)
        if not found:
            self.add_error(f"{axis}0", _("Begin at 0, and let each band begin above the one before"))
        return found

    def cells(self) -> list[Cell]:
        rows, columns = self._bounds("r", self.rows), self._bounds("a", self.columns)
        return [
            Cell(low, high, left, right, self.cleaned_data[f"c{row}_{column}"])
            for row, (low, high) in enumerate(zip(rows, [*rows[1:], None], strict=True))
            for column, (left, right) in enumerate(zip(columns, [*columns[1:], None], strict=True))
        ]


def table_initial(cells: list[Cell]) -> tuple[dict[str, Decimal], int, int]:
    """(what fills the grid, rows, columns) of a table that is entered."""
    rows = sorted({cell.requests_from for cell in cells})
    columns = sorted({cell.authenticators_from for cell in cells})
    values: dict[str, Decimal] = {f"r{n}": Decimal(bound) / MILLION for n, bound in enumerate(rows)}
    values |= {f"a{n}": Decimal(bound) / MILLION for n, bound in enumerate(columns)}
    for cell in cells:
        values[f"c{rows.index(cell.requests_from)}_{columns.index(cell.authenticators_from)}"] = cell.price.normalize()
    return values, len(rows), len(columns)
