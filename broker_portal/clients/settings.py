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
    "access_token": Words(
        _("Access tokens"), values={"opaque": _("Opaque: only we can read them"), "jwt": _("Signed: your APIs can check them (JWT)")}
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
    "sso_group": Words(
        _("Single sign-on group"),
        _("People who logged in to one client of a group need not log in again for the next. Empty: each on its own."),
    ),
    "origin": Words(_("Origins of your pages (CORS)"), _("One on each line, as https://app.example.")),
    "audience": Words(
        _("APIs that may check the access tokens"), _("The client_id of each, one on a line. They are clients of the same environment.")
    ),
    "method": Words(
        _("Login methods"), _("One on each line, e.g. mitid. Empty: all that the environment has; people choose where there are several.")
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
