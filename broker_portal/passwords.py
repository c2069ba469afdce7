"""Changing a password: the old one is asked for, and guesses at it are counted as those at the door are."""

from __future__ import annotations

from allauth.account.forms import ChangePasswordForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from tenants import limits


class ChangePassword(ChangePasswordForm):  # type: ignore[misc]
    def clean_oldpassword(self) -> str:
        if not limits.hit("sign_in.account", f"password:{self.user.pk}"):
            raise ValidationError(_("Too many attempts. Wait five minutes, then try again."), code="too_many")
        return str(super().clean_oldpassword())
