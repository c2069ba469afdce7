"""A version of a plan as a person enters it: every part may be left out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.fees import FeeTier, Mode, Period, Plus
from billing.models import PassOn, Plan, PlanPrice, PlanTier, PlanVersion
from billing.plans import COMPONENTS, Terms
from billing.pricing import ActionPrice
from broker_portal.prices.forms import MonthField, amount_field, count_field, price_field

BLANK_TIERS, BLANK_OWN, MOST = 4, 2, 30
PASS_ON = [("at_cost", _("At cost")), ("at_cost_plus", _("At cost plus")), ("included", _("Included in the fee"))]
COMPONENT_NAMES = {"aap": "AAP", "core_client": _("Core client surcharge"), "udviklingsbidrag": _("Development contribution")}
ACTIONS = [
    ("", _("Any action")),
    ("log_on", _("Log on")),
    ("approve", _("Approve")),
    ("confirm", _("Confirm")),
    ("accept", _("Accept")),
    ("sign", _("Sign")),
]


class PlanForm(forms.Form):
    """Fields with a number belong to a row: up_to_0, price_0 …; how_aap, percent_aap, ore_aap …; connection_0, action_0, own_0 …"""

    name = forms.CharField(label=_("Name"), max_length=100)
    starts = MonthField(label=_("Holds from"))
    mode = forms.ChoiceField(
        label=_("How the fee is counted"),
        widget=forms.RadioSelect,
        choices=[
            ("graduated", _("Graduated: each request costs what its own tier says")),
            ("volume", _("Volume: the tier that is reached holds for all requests")),
        ],
    )
    period = forms.ChoiceField(label=_("Requests are counted per"), choices=[("month", _("Month")), ("year", _("Contract year"))])
    subscription = amount_field(_("Subscription per month"))
    minimum = amount_field(_("Minimum fee per month"))
    discount = forms.DecimalField(
        label=_("Discount on the fee, percent"),
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(100),
        max_digits=5,
        decimal_places=2,
    )
    discount_until = MonthField(label=_("Discount until and including"), required=False)
    reason = forms.CharField(label=_("Why"), max_length=500, required=False)

    minimum.help_text = _("What lacks stands on a line of its own.")

    def __init__(self, data: Any = None, *, tiers: int, own: int, connections: Mapping[uuid.UUID, str], **settings: Any) -> None:
        super().__init__(data, **settings)
        self.tiers, self.own = tiers, own
        for n in range(tiers):
            self.fields[f"up_to_{n}"] = count_field(_("Up to and including"))
            self.fields[f"price_{n}"] = price_field(_("Price per request"), required=False)
        for component in COMPONENTS:
            self.fields[f"how_{component}"] = forms.ChoiceField(label=_("Passed on"), choices=PASS_ON, initial="at_cost")
            self.fields[f"percent_{component}"] = amount_field(_("Percent more"))
            self.fields[f"ore_{component}"] = price_field(_("Øre more per request"), required=False)
        names = [("", _("Any connection")), *((str(each), name) for each, name in connections.items())]
        for n in range(self.own):
            self.fields[f"connection_{n}"] = forms.ChoiceField(label=_("Connection"), required=False, choices=names)
            self.fields[f"action_{n}"] = forms.ChoiceField(label=_("Action"), required=False, choices=ACTIONS)
            self.fields[f"own_{n}"] = price_field(_("Price per request"), required=False)

    def rows(self) -> dict[str, Any]:
        """The bound fields of each row, as the template lays them out."""
        return {
            "tier_rows": [(self[f"up_to_{n}"], self[f"price_{n}"]) for n in range(self.tiers)],
            "pass_rows": [
                (COMPONENT_NAMES[each], self[f"how_{each}"], self[f"percent_{each}"], self[f"ore_{each}"]) for each in COMPONENTS
            ],
            "own_rows": [(self[f"connection_{n}"], self[f"action_{n}"], self[f"own_{n}"]) for n in range(self.own)],
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        ends = [n for n in range(self.tiers) if data.get(f"price_{n}") is not None]
        for n in range(self.tiers):
            if data.get(f"up_to_{n}") and data.get(f"price_{n}") is None and f"price_{n}" not in self.errors:
                self.add_error(f"price_{n}", _("The price is missing"))
        for n in ends[:-1]:
            if data.get(f"up_to_{n}") is None and f"up_to_{n}" not in self.errors:
                self.add_error(f"up_to_{n}", _("Only the last tier is without end"))
        if ends and data.get(f"up_to_{ends[-1]}"):
            self.add_error(f"up_to_{ends[-1]}", _("Leave it empty: the last tier is without end"))
        for n in range(self.own):
            if data.get(f"own_{n}") is not None and not data.get(f"connection_{n}") and not data.get(f"action_{n}"):
                self.add_error(f"own_{n}", _("Choose a connection or an action"))
        for each in COMPONENTS:
            plus = data.get(f"percent_{each}") or data.get(f"ore_{each}")
            if bool(plus) != (data.get(f"how_{each}") == PassOn.AT_COST_PLUS):
                self.add_error(f"how_{each}", _("At cost plus, and only that, says how much more"))
        return data

    def terms(self, currency: str) -> Terms:
        data = self.cleaned_data
        how = {each: data[f"how_{each}"] for each in COMPONENTS}
        until = data["discount_until"]
        return Terms(
            currency=currency,
            pass_on=how,
            plus={
                each: Plus(data[f"percent_{each}"] or Decimal(0), data[f"ore_{each}"] or Decimal(0))
                for each in COMPONENTS
                if how[each] == PassOn.AT_COST_PLUS
            },
            tiers=[FeeTier(data[f"up_to_{n}"], data[f"price_{n}"]) for n in range(self.tiers) if data[f"price_{n}"] is not None],
            mode=Mode(data["mode"]),
            period=Period(data["period"]),
            prices=list(self._own_prices()),
            subscription=data["subscription"],
            minimum=data["minimum"],
            discount=data["discount"],
            discount_until=until.last if until else None,
        )

    def _own_prices(self) -> Iterator[ActionPrice]:
        data = self.cleaned_data
        for n in range(self.own):
            if data[f"own_{n}"] is not None:
                yield ActionPrice("", data[f"connection_{n}"] or None, data[f"action_{n}"], data[f"own_{n}"])


def initial_of(plan: Plan, version: PlanVersion) -> dict[str, Any]:
    """What fills the form for the version after this one, in the operator's scope."""
    values: dict[str, Any] = {"name": plan.name, "mode": version.mode, "period": version.period}
    values |= {name: getattr(version, name) for name in ("subscription", "minimum", "discount")}
    values["discount_until"] = version.discount_until.strftime("%Y-%m") if version.discount_until else ""
    tiers = PlanTier.objects.filter(version=version, operator=version.operator_id).order_by("up_to")
    for n, tier in enumerate(tiers):
        values |= {f"up_to_{n}": tier.up_to, f"price_{n}": _plain(tier.price)}
    for each in COMPONENTS:
        plus = version.plus.get(each, {})
        values |= {f"how_{each}": getattr(version, each), f"percent_{each}": plus.get("percent"), f"ore_{each}": plus.get("ore")}
    for n, own in enumerate(PlanPrice.objects.filter(version=version, operator=version.operator_id).order_by("id")):
        values |= {f"connection_{n}": str(own.connection_id or ""), f"action_{n}": own.action, f"own_{n}": _plain(own.price)}
    return values


def _plain(price: Decimal) -> str:
    return format(price.normalize(), "f")
