"""What a request may say of the person and of the text that they approve. Values never reach an error's text."""

from __future__ import annotations

import re
from base64 import b64decode

from django.conf import settings

from authflows.oidc.dialects.dialect import Unreadable, Way
from authflows.requests import NO_HINTS, Hints, text_problem

# Also the replacement series, whose day is 60 too high. Between other digits or letters it is something else.
CPR = re.compile(r"(?<![0-9A-Za-z])(?:0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01])(?:0[1-9]|1[0-2])[0-9]{2}[- ]?[0-9]{4}(?![0-9A-Za-z])")
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
CPR_IN_QUERY = "a CPR number is taken only from a pushed or an encrypted request"


def cpr(value: str, parameter: str, way: Way) -> str:
    """Ten digits. In a query it is refused whatever it looks like: what was meant as a CPR number has been in an address bar."""
    if not way.confidential:
        raise Unreadable(parameter, CPR_IN_QUERY)
    if not CPR.fullmatch(value):
        raise Unreadable(parameter, "not a CPR number")
    return value.replace("-", "").replace(" ", "")


def mitid_uuid(value: str, parameter: str) -> str:
    if not UUID.fullmatch(value):
        raise Unreadable(parameter, "not a UUID")
    return value.lower()


def free(hint: str, parameter: str, way: Way) -> Hints:
    """A hint in no dialect's form: a CPR number, a MitID UUID, or something that helps nobody (OpenID Connect Core 3.1.2.1)."""
    if found := CPR.search(hint):
        return Hints(cpr=cpr(found[0], parameter, way))
    return Hints(mitid_uuid=hint.lower()) if UUID.fullmatch(hint) else NO_HINTS


def reference_text(encoded: str, parameter: str) -> str:
    """Plain text from base64, of either alphabet."""
    try:
        standard = encoded.replace("-", "+").replace("_", "/").rstrip("=")
        plain = b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except ValueError:
        raise Unreadable(parameter, "not base64 of UTF-8 text") from None
    return allowed(plain, parameter)


def allowed(text: str, parameter: str) -> str:
    """A reference text that keeps the rules. Raises Unreadable with the one that it breaks."""
    if problem := text_problem(text, settings.REFERENCE_TEXT_FORBIDDEN):
        raise Unreadable(parameter, problem)
    return text
