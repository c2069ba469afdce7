"""What a person enters of MitID's prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import AapDecision


class DecisionForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=[("provisional", _("Provisional")), ("final", _("Final"))])
    requests = forms.IntegerField(label=_("Requests of the whole scheme"), min_value=0)
    authenticators = forms.IntegerField(label=_("Physical authenticators"), min_value=0)
    price = forms.DecimalField(label=_("Announced price"), min_value=Decimal(0), max_digits=12, decimal_places=6, required=False)
    source = forms.CharField(label=_("Source"), max_length=200)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)

    price.help_text = _("Left out, it is looked up in the table")
    reason.help_text = _("Needed where the announced price is not the table's")

    def clean_kind(self) -> Any:
        return AapDecision.Kind(self.cleaned_data["kind"])
