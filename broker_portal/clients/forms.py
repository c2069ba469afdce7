"""What is typed about a client. The rules are authflows.registration's; here they are explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from authflows.models import AuthMethod, Level
from authflows.registration import Registration, redirect_uri_problem
from broker_portal.clients.key_set import KeySetField

MOST_URIS = 20
LONGEST_URI = 2000
# By what registration says of an address: why, and what to write instead.
EXPLANATIONS: dict[str, str | Promise] = {
    "not an address": _("This is not an address. Write it as https://your.domain/callback."),
    "contains a character that an address cannot contain": _(
        "There is a space or a sign in it that an address cannot contain. Encode it with % and two digits."
    ),
    "write the whole address, without wildcards": _(
        "Write the whole address. Wildcards are not allowed, because then a forgotten page could be sent the code."
    ),
    "no fragment and no user name": _("Leave out what follows # and what stands before @. Neither is part of a return address."),
    "no . or .. in the path": _("Leave out . and .. between the slashes. Browsers rewrite them, and then the address does not match."),
    "use https": _("Use https. Without encryption the code can be read on its way."),
    "use https; http is for loopback hosts only": _(
        "Use https. Without encryption the code can be read on its way. http is allowed for localhost only."
    ),
    "use https; http on loopback is for public native clients only": _(
        "Use https. In production, http to localhost is for apps without a secret only."
    ),
}


class AddressFields(forms.Form):
    """One field for each redirect URI, and one more to write the next in. Subclasses set `native`, which may allow more."""

    kind: str

    def add_addresses(self, known: Sequence[str], shown: int) -> None:
        count = min(max(len(known) + 1, shown, self._posted()), MOST_URIS)
        for number in range(1, count + 1):
            field = forms.CharField(
                label=_("Redirect URI %(number)s") % {"number": number},
                required=False,
                max_length=LONGEST_URI,
                initial=known[number - 1] if number <= len(known) else "",
                widget=forms.TextInput(attrs={"class": "mono", "inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
            )
            self.fields[f"redirect_uri_{number}"] = field

    def _posted(self) -> int:
        numbers = [name.removeprefix("redirect_uri_") for name in self.data if name.startswith("redirect_uri_")]
        return max([int(number) for number in numbers if number.isascii() and number.isdigit() and len(number) < 3], default=0)

    def public_native(self) -> bool:
        return False

    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for name in self._address_names() if (value := self.cleaned_data.get(name))))

    def address_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self._address_names()]

    def other_fields(self) -> list[forms.BoundField]:
        return [field for field in self if not field.name.startswith("redirect_uri_")]

    def _address_names(self) -> list[str]:
        return [name for name in self.fields if name.startswith("redirect_uri_")]

    def clean(self) -> dict[str, Any]:
        for name in self._address_names():
            value = self.cleaned_data.get(name)
            if value and (problem := redirect_uri_problem(self.kind, value, public_native=self.public_native())):
                self.add_error(name, str(EXPLANATIONS.get(problem, problem)))
        if not self.addresses() and not any(self.errors.get(name) for name in self._address_names()):
            self.add_error(self._address_names()[0], ValidationError(_("Write at least one address.")))
        return self.cleaned_data


class RedirectUris(AddressFields):
    """The addresses of a client that exists."""

    def __init__(self, *args: Any, kind: str, native: bool, known: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self._native = kind, native
        self.add_addresses(known, shown=1)

    def public_native(self) -> bool:
        return self._native


class NewClient(AddressFields):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What your colleagues know it as. People who log in do not see it.")
    )
    auth_method = forms.ChoiceField(
        label=_("Authentication"),
        choices=[
            (AuthMethod.BASIC, _("Secret in the header (client_secret_basic)")),
            (AuthMethod.POST, _("Secret in the body (client_secret_post)")),
            (AuthMethod.PRIVATE_KEY_JWT, _("A key of your own (private_key_jwt)")),
            (AuthMethod.NONE, _("No secret: an app or a page that cannot keep one (PKCE only)")),
        ],
        help_text=_("How your code proves who it is when it fetches a token."),
    )
    jwks = KeySetField(label=_("Your public keys (JWKS)"), help_text=_("Where you prove yourself with a key. The public part only."))
    jwks_uri = forms.CharField(
        label=_("Address of your public keys (JWKS)"), required=False, max_length=2000, help_text=_("Instead of the keys themselves.")
    )
    native = forms.BooleanField(label=_("An app on a phone or a computer"), required=False)
    minimum_level = forms.ChoiceField(
        label=_("Lowest level"),
        required=False,
        choices=[
            ("", _("As each request asks")),
            (Level.LOW, _("Low or higher")),
            (Level.SUBSTANTIAL, _("Substantial or higher")),
            (Level.HIGH, _("High")),
        ],
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.add_addresses((), shown=2)

    def public_native(self) -> bool:
        return bool(self.cleaned_data.get("native")) and self.cleaned_data.get("auth_method") == AuthMethod.NONE

    def _application_type(self) -> str:
        if self.cleaned_data["native"]:
            return "native"
        return "spa" if self.cleaned_data["auth_method"] == AuthMethod.NONE else "web"

    def registration(self, actor: str) -> Registration:
        return Registration(
            name=self.cleaned_data["name"],
            redirect_uris=self.addresses(),
            auth_method=self.cleaned_data["auth_method"],
            minimum_level=self.cleaned_data["minimum_level"],
            application_type=self._application_type(),
            jwks=self.cleaned_data["jwks"],
            jwks_uri=self.cleaned_data["jwks_uri"],
            created_by=actor,
        )


def _overlaps() -> list[tuple[int, str]]:
    return [(hours, ngettext("%(hours)s hour", "%(hours)s hours", hours) % {"hours": hours}) for hours in (1, 24, 168)]


class NewSecret(forms.Form):
    """How long the older secret keeps working beside the new one."""

    overlap = forms.TypedChoiceField(
        label=_("The old one works for"),
        choices=_overlaps,
        coerce=lambda hours: timedelta(hours=int(hours)),
        initial=24,
    )


class ConfirmByName(forms.Form):
    """For what cannot be undone: the client's name is typed."""

    name = forms.CharField(label=_("Name of the client"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, client_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client_name = client_name

    def clean_name(self) -> str:
        typed: str = self.cleaned_data["name"]
        if typed.strip().casefold() != self._client_name.casefold():
            raise ValidationError(_("This is not the client's name."))
        return typed
