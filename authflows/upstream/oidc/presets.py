"""How an upstream is asked, and what it calls what it answers: plain OpenID Connect, and the certified brokers that differ from it.

Only what is documented by them or was seen on the wire stands here (docs/upstreams.md names what could not be known).
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authflows.upstream.base import Ask, Refused

# What a mapping may name, as Identity has it.
NATIVE = (
    *("mitid_uuid", "loa", "ial", "aal", "authenticators", "name", "given_name", "family_name"),
    *("birthdate", "age", "has_cpr", "name_protected"),
)


@dataclass(frozen=True, slots=True)
class Preset:
    """`claims`: ours to theirs. `ask`: parameters beside those of every request; raises Refused for what cannot be asked there."""

    scope: str
    claims: Mapping[str, str]
    ask: Callable[[Ask], dict[str, str]]
    userinfo: bool = True


def _generic(ask: Ask) -> dict[str, str]:
    _without_text(ask)
    asked = {"acr_values": ask.level.uri, "ui_locales": ask.language}
    return asked | ({"login_hint": ask.mitid_uuid} if ask.mitid_uuid else {})


def _neb(ask: Ask) -> dict[str, str]:
    mitid = {"loa_value": ask.level.word, "action_text": ask.action.upper()}
    if ask.reference_text:
        mitid["reference_text"] = b64encode(ask.reference_text.encode()).decode()
    if ask.mitid_uuid:
        mitid["uuid_hint"] = ask.mitid_uuid
    return {"idp_values": "mitid", "idp_params": json.dumps({"mitid": mitid}, separators=(",", ":")), "language": ask.language}


def _idura(ask: Ask) -> dict[str, str]:
    hints = [f"action:{'login' if ask.action == 'log_on' else ask.action}"]
    if ask.reference_text:
        hints.append(f"message:{urlsafe_b64encode(ask.reference_text.encode()).decode()}")
    if ask.mitid_uuid:
        hints.append(f"uuid:{ask.mitid_uuid}")
    return {
        "acr_values": f"urn:grn:authn:dk:mitid:{ask.level.word}",
        "login_hint": " ".join(hints),
        "ui_locales": ask.language,
    }


def _signicat(ask: Ask) -> dict[str, str]:
    """A reference text is taken there from a signed request object only, which we do not make."""
    _without_text(ask)
    return {"acr_values": f"idp:mitid loa:{ask.level.word}", "ui_locales": ask.language}


def _without_text(ask: Ask) -> None:
    if ask.reference_text or ask.action != "log_on":
        raise Refused("text_not_shown_there")


PRESETS: dict[str, Preset] = {
    "generic": Preset(
        "openid profile",
        {name: name for name in ("loa", "ial", "aal", "name", "given_name", "family_name", "birthdate")},
        _generic,
    ),
    "neb": Preset(
        "openid mitid",
        {
            **{name: name for name in ("loa", "ial", "aal")},
            "mitid_uuid": "mitid.uuid",
            "authenticators": "amr",
            "name": "mitid.identity_name",
            "birthdate": "mitid.date_of_birth",
            "age": "mitid.age",
            "has_cpr": "mitid.has_cpr",
        },
        _neb,
    ),
    "idura": Preset(
        "openid",
        {"loa": "loA", "ial": "ial", "aal": "aal", "mitid_uuid": "uuid", "name": "name", "birthdate": "birthdate", "age": "age"},
        _idura,
        userinfo=False,
    ),
    "signicat": Preset(
        "openid profile idp-id mitid-extra",
        {
            "loa": "mitid_loa",
            "ial": "mitid_ial",
            "aal": "mitid_aal",
            "mitid_uuid": "mitid_uuid",
            **{name: name for name in ("name", "given_name", "family_name", "birthdate")},
            "has_cpr": "mitid_has_cpr",
            "name_protected": "mitid_name_and_address_protection",
        },
        _signicat,
    ),
}
# Instead of a name, where a person's name and address are protected (NEB).
PROTECTED_NAME = "NAVNE & ADRESSEBESKYTTET"
