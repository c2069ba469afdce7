"""Our own names: what every other dialect is translated to and from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authflows.oidc.dialects import hints
from authflows.oidc.dialects.dialect import ASKED, Reading, Unreadable, Way, switch
from authflows.oidc.parameters import Parameters
from authflows.requests import ACTIONS

SUBJECT_FORM = ("", "")


def read(sent: Parameters, way: Way) -> Reading:
    if sent.get("action") not in ("", *ACTIONS):
        raise Unreadable("action", f"one of {', '.join(ACTIONS)}")
    return Reading(
        scopes=tuple(sent.get("scope").split()),
        acr_values=sent.get("acr_values"),
        ui_locales=sent.get("ui_locales"),
        action=sent.get("action"),
        reference_text=hints.allowed(sent.get("reference_text"), "reference_text"),
        psd2=switch(sent.get("psd2"), "psd2"),
        hints=hints.free(sent.get("login_hint"), "login_hint", way),
    )


def id_token(native: Mapping[str, Any], scope: str) -> dict[str, Any]:
    return {name: value for name, value in native.items() if name != ASKED}


userinfo = id_token
