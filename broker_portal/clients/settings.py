"""The form behind a client's settings: a field for every switch that clients have (authflows.client_settings), in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from authflows.client_settings import CHOICES, LISTS, TEXTS
from authflows.registration import Registration
from broker_portal.clients.key_set import KeySetField

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise


@dataclass(frozen=True)
class Words:
    label: Text
    hint: Text = ""
    values: Mapping[str, Text] | None = None


# By the switch's name on the command line. What a client is made as (application_type) is not changed later.
MADE_ONCE = frozenset({"application_type"})
WORDS = {
    "min_loa": Words(
        _("Lowest level"),
        values={
            "": _("As each request asks"),
            "low": _("Low or higher"),
            "substantial": _("Substantial or higher"),
            "high": _("High"),
        },
    ),
    "pkce": Words(
        _("PKCE"),
        _(
            "Without PKCE a stolen code is stopped by the nonce only, and only if your software compares it."
            " Choose it for old software alone."
        ),
        {"required": _("Required"), "nonce_instead": _("A nonce is accepted instead")},
    ),
    "par": Words(_("Requests must be pushed first (PAR)")),
    "request_object": Words(_("Requests must be signed (JAR)")),
    "dpop": Words(_("Tokens are bound to a key (DPoP)")),
    "fapi": Words(
        _("FAPI 2.0 security profile"), _("Requires pushed requests, a key instead of a secret, and tokens that are bound to a key.")
    ),
    "cpr_basis": Words(
        _("Basis for CPR numbers"),
        _("Needed for the scope ssn. By law MitID delivers it to public authorities; else the person types it, and it is compared."),
        {"": _("None: no CPR numbers"), "law": _("By law"), "consent": _("The person's consent")},
    ),
    "cpr_optional": Words(_("A person may come in without a CPR number")),
    "cpr_business": Words(_("The basis covers business identities too")),
    "identities": Words(
        _("Who logs in"),
        _("Business identities come from MitID Erhverv. Where both may, the person chooses after the login."),
        {"private": _("Private persons"), "business": _("Employees of companies"), "both": _("Both")},
    ),
    "access_token": Words(
        _("Access tokens"), values={"opaque": _("Opaque: only we can read them"), "jwt": _("Signed: your APIs can check them (JWT)")}
    ),
    "authorization_signed_response_alg": Words(
        _("Answers to the browser as one signed JWT (JARM)"),
        _("For requests whose response_mode ends with jwt."),
        {"": _("Signed as ID tokens are"), "ES256": "ES256", "RS256": "RS256", "PS256": "PS256"},
    ),
    "id_token_encrypted_response_alg": Words(
        _("ID tokens are encrypted"),
        _("With the first key for it in your JWKS."),
        {"": _("Not encrypted"), "RSA-OAEP-256": "RSA-OAEP-256", "ECDH-ES": "ECDH-ES"},
    ),
    "userinfo_signed_response_alg": Words(
        _("Userinfo is signed"), values={"": _("Not signed: plain JSON"), "ES256": "ES256", "RS256": "RS256", "PS256": "PS256"}
    ),
    "userinfo_encrypted_response_alg": Words(
        _("Userinfo is encrypted"), values={"": _("Not encrypted"), "RSA-OAEP-256": "RSA-OAEP-256", "ECDH-ES": "ECDH-ES"}
    ),
    "dialect": Words(
        _("Names of parameters and claims"),
        _("For software that was made for another broker. No check changes."),
        {"native": _("Ours"), "idura": "Idura (Criipto)", "neb": "Signaturgruppen (NEB)", "signicat": "Signicat"},
    ),
    "subject_source": Words(
        _("Subjects"),
        _("What a person's sub is, where it was brought along from another broker."),
        {
            "native": _("Ours"),
            "idura": "Idura (Criipto)",
            "neb": "Signaturgruppen (NEB)",
            "signicat": "Signicat",
            "nemid_pid": "NemID PID",
        },
    ),
    "action": Words(
        _("What people are asked to do"),
        _("Shown in the box where a request names nothing else. Anything but logging on is asked anew each time."),
        {"log_on": _("Log on"), "approve": _("Approve"), "confirm": _("Confirm"), "accept": _("Accept"), "sign": _("Sign")},
    ),
    "psd2": Words(
        _("Rules for payment services (PSD2)"),
        _("Nobody is told whether a user ID, a code or the password was wrong, or blocked. Every login is asked anew."),
    ),
    "reference_text": Words(
        _("Reference text"),
        _("Shown at the last step where a request brings none. At most 130 characters. With it every login is asked anew."),
    ),
    "sso_group": Words(
        _("Single sign-on group"),
        _("People who logged in to one client of a group need not log in again for the next. Empty: each on its own."),
    ),
    "risk_basis": Words(
        _("Legal basis for risk data"),
        _("Needed for the scope risk: what MitID says of distance, device and address at each login. In your own words."),
    ),
    "origin": Words(_("Origins of your pages (CORS)"), _("One on each line, as https://app.example.")),
    "audience": Words(
        _("APIs that may check the access tokens"), _("The client_id of each, one on a line. They are clients of the same environment.")
    ),
    "jwks_uri": Words(_("Address of your public keys (JWKS)")),
    "back_channel_logout_uri": Words(_("Back-channel logout address"), _("We call it when a session ends.")),
    "post_logout_redirect_uri": Words(_("Addresses after logout"), _("One on each line. Compared character by character.")),
}


class ClientSettingsForm(forms.Form):
    """`changes()` gives fields of a Registration; the rules are authflows.registration's."""

    def __init__(self, *args: Any, current: Registration, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._current = current
        for key, (field, values) in CHOICES.items():
            if key not in MADE_ONCE:
                self.fields[key] = _choice(key, values, getattr(current, field))
        for key, field in TEXTS.items():
            self.fields[key] = forms.CharField(
                label=WORDS[key].label, help_text=WORDS[key].hint, required=False, max_length=2000, initial=getattr(current, field)
            )
        self.fields["jwks"] = KeySetField(
            label=_("Your public keys (JWKS)"),
            help_text=_("Where you prove yourself with a key. The public part only."),
            initial=current.jwks,
        )
        for key, field in LISTS.items():
            self.fields[key] = _lines(key, getattr(current, field))

    def changes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, (field, values) in CHOICES.items():
            if key not in MADE_ONCE:
                chosen = self.cleaned_data[key]
                if isinstance(chosen, bool):
                    found[field] = chosen
                elif chosen or "" in (WORDS[key].values or {}):  # else nothing was sent: it stays
                    found[field] = values.get(chosen, "")
        found |= {field: self.cleaned_data[key] for key, field in TEXTS.items()} | {"jwks": self.cleaned_data["jwks"]}
        return found | {field: tuple(dict.fromkeys(self.cleaned_data[key].split())) for key, field in LISTS.items()}


def is_switch(values: Mapping[str, Any]) -> bool:
    return all(isinstance(value, bool) for value in values.values())


def _choice(key: str, values: Mapping[str, Any], current: Any) -> forms.Field:
    words = WORDS[key]
    if is_switch(values):
        return forms.BooleanField(label=words.label, help_text=words.hint, required=False, initial=current)
    options = [(value, label) for value, label in (words.values or {}).items() if value in values or not value]
    unset = any(not value for value, _label in options)
    return forms.ChoiceField(label=words.label, help_text=words.hint, required=not unset, choices=options, initial=current)


def _lines(key: str, current: tuple[str, ...]) -> forms.Field:
    words = WORDS[key]
    widget = forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"})
    return forms.CharField(
        label=words.label, help_text=words.hint, required=False, max_length=20_000, initial="\n".join(current), widget=widget
    )
