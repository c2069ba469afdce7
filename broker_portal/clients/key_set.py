"""Public keys as a person pastes them: a JWK Set, or one key."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LONGEST = 20_000


class KeySetField(forms.CharField):
    """Cleans to a JWK Set (RFC 7517 section 5), or None where nothing is written. Whether its keys serve is registration's to say."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false", "autocomplete": "off"})
        super().__init__(required=False, max_length=LONGEST, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, indent=2) if isinstance(value, dict) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text.strip():
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise ValidationError(_("This is not JSON. Paste the set of public keys as your software writes it.")) from None
        return {"keys": [found]} if isinstance(found, dict) and "kty" in found else found
