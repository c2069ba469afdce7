"""A tenant's legal buyer as a person fills it in: the tenant's finance people their own, the operator's staff anybody's."""

from __future__ import annotations

from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import gettext_lazy as _
from stdnum.eu import vat as eu_vat

from billing.accounts import Buyer
from billing.models import BillingAccount, BuyerVersion
from billing.vat import Treatment, treatment_of
from broker_portal.templatetags.portal import babel_locale

# What a document lacks (documents.snapshot.missing) and the field that it is filled in at.
FIELDS = {
    "buyer.name": "name",
    "buyer.address": "street",
    "buyer.vat_number": "vat_number",
    "buyer.reference": "order_reference",
}


def countries() -> list[tuple[str, str]]:
    """By name in the page's language, Denmark first."""
    names = Locale.parse(babel_locale()).territories
    found = sorted(((code, name) for code, name in names.items() if len(code) == 2 and code.isalpha()), key=lambda each: each[1])
    return [("DK", names["DK"]), *(each for each in found if each[0] not in ("DK", "ZZ", "EU", "EZ", "UN", "QO", "XA", "XB"))]


class BuyerForm(forms.Form):
    name = forms.CharField(label=_("Legal name"), max_length=200)
    street = forms.CharField(label=_("Address"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}))
    postcode = forms.CharField(label=_("Postcode"), max_length=20)
    city = forms.CharField(label=_("City"), max_length=100)
    country = forms.ChoiceField(label=_("Country"), choices=countries)
    cvr = forms.CharField(label=_("CVR number"), max_length=11, required=False)
    vat_number = forms.CharField(label=_("VAT number"), max_length=20, required=False)
    gln = forms.CharField(label=_("EAN (GLN)"), max_length=13, required=False)
    order_reference = forms.CharField(label=_("Order reference"), max_length=100, required=False)
    attention = forms.CharField(label=_("Attention"), max_length=200, required=False)
    email = forms.EmailField(label=_("E-mail for documents"), required=False)
    language = forms.ChoiceField(label=_("Language of documents"), choices=[("da", "Dansk"), ("en", "English")])

    street.help_text = _("Street and number; a line each, without postcode and city.")
    cvr.help_text = _("Danish buyers: 8 digits.")
    vat_number.help_text = _("Buyers in other EU countries, with the country's two letters first: the VAT is then theirs to account for.")
    gln.help_text = _("Public buyers: 13 digits. They need an order reference too.")
    email.help_text = _("Left out, owners and finance people get the documents.")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        country = data.get("country", "")
        if country == "DK" and not data.get("cvr") and "cvr" not in self.errors:
            self.add_error("cvr", _("A Danish buyer has a CVR number"))
        if treatment_of(country) is Treatment.REVERSE_CHARGE:
            self._check_vat_number(country, data.get("vat_number", ""))
        if data.get("gln") and not data.get("order_reference"):
            self.add_error("order_reference", _("A public buyer needs an order reference"))
        return data

    def _check_vat_number(self, country: str, number: str) -> None:
        if not number:
            self.add_error("vat_number", _("Needed for buyers in other EU countries"))
        elif not eu_vat.is_valid(number) or number[:2].upper() != {"GR": "EL"}.get(country, country):
            self.add_error("vat_number", _("This is no VAT number of that country. Begin with its two letters."))

    def buyer(self) -> Buyer:
        data = self.cleaned_data
        texts = {name: data[name].strip() for name in ("name", "postcode", "city", "country", "attention", "order_reference")}
        compact = {name: data[name].replace(" ", "") for name in ("cvr", "vat_number", "gln")}
        street = tuple(line.strip() for line in data["street"].splitlines() if line.strip())
        return Buyer(street=street, vat_treatment=treatment_of(data["country"]), **texts, **compact)


def initial(version: BuyerVersion | None, account: BillingAccount) -> dict[str, Any]:
    if version is None:
        return {"country": "DK", "email": account.email, "language": account.language}
    names = ("name", "postcode", "city", "country", "cvr", "vat_number", "gln", "order_reference", "attention")
    texts = {name: getattr(version, name) for name in names}
    return texts | {"street": "\n".join(version.street), "email": account.email, "language": account.language}
