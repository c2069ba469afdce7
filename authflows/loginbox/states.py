"""What an end user can meet: every template of templates/loginbox that is shown, with the states that look different.

tests/browser/test_states.py brings a browser into each and judges it; it fails for a template that is missing here, and for a state that
it cannot reach. A new page is a line here and a way there.
"""

from __future__ import annotations

STATES: dict[str, tuple[str, ...]] = {
    "error": ("unknown_client",),
    "errors": ("",),
    "form_post": ("",),
    "logout": ("",),
    "loggedout": ("",),
    "nocookie": ("",),
    "ended": ("completed", "cancelled", "expired", "failed"),
    "too_low": ("",),
    "page": ("",),
    "choose": ("",),
    "away": ("",),
    "wait": ("",),
    "card": ("identity", "cpr"),
    "cpr_kept": ("kept", "withdrawn"),
    "simulator/user_id": ("", "unknown"),
    "simulator/authenticator": ("",),
    "simulator/code_display": ("", "wrong"),
    "simulator/audio_reader": ("", "wrong"),
    "simulator/password": ("", "wrong"),
    "simulator/waiting": ("digits", "qr"),
    "simulator/chip": ("",),
    "simulator/ended": ("rejected", "blocked", "parallel", "level"),
    "simulator/not_recognised": ("",),
    "simulator/starting": ("",),
    "simulator/phones": ("",),
    "simulator/chips": ("",),
    "simulator/phone": ("nothing", "waiting", "tied", "wrong"),
    "simulator/frames": ("half", "unknown"),
}
# Frames that others are drawn in.
LAYOUTS = ("base", "simulator/frame", "simulator/phone_frame")
