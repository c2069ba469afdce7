"""Nets eID Broker (Signaturgruppen): idp_values and idp_params; a strict id_token, and a userinfo whose values are all strings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from authflows import levels
from authflows.levels import Level
from authflows.oidc.dialects import hints, native
from authflows.oidc.dialects.dialect import ASKED, PROTOCOL, Reading, Unreadable, Way, renamed, text
from authflows.oidc.parameters import Parameters

SUBJECT_FORM = ("", "")
METHODS = ("mitid", "mitid_erhverv", "euid", "euav", "soloid", "passkeyid", "eboks", "mobilepay")
KINDS = {"mitid": "private", "mitid_erhverv": "business"}
ACTIONS = {"LOG_ON": "log_on", "APPROVE": "approve", "CONFIRM": "confirm", "ACCEPT": "accept", "SIGN": "sign"}
SIGNING = ("signtext_id", "signtext_base64", "signtext_type", "transaction_text", "transaction_text_type")
AGE = re.compile(r"age_(?:verify|over):([0-9]{1,3})")
SCOPES = {"nemlogin": "business", "nemid.pid": "nemid_pid"}
LONGEST = 8192
DEEPEST = 8


def read(sent: Parameters, way: Way) -> Reading:
    for name in SIGNING:
        if name in sent:
            raise Unreadable(name, "signing of texts and documents is not offered")
    params = _params(sent.get("idp_params"))
    words = sent.get("scope").split()
    reading = replace(
        native.read(sent, way),
        scopes=tuple(dict.fromkeys(map(_scope, words))),
        implied=(*(("profile", "risk") if "mitid" in words else ()), *(("profile",) if "nemlogin" in words else ())),
        identities=_identities(sent.get("idp_values").split(), params),
        ui_locales=sent.get("language") or sent.get("ui_locales"),
    )
    return _with(reading, dict(params.get("mitid", {})), way)


def _scope(word: str) -> str:
    age = AGE.fullmatch(word)
    return f"age_over:{age[1]}" if age else SCOPES.get(word, word)


def _identities(asked: list[str], params: dict[str, Any]) -> tuple[str, ...]:
    """Private persons and employees are two methods there. One that we have is enough."""
    if set(asked) - set(METHODS):
        raise Unreadable("idp_values", "unknown value")
    ours = {KINDS[method] for method in asked if method in KINDS}
    if asked and not ours:
        raise Unreadable("idp_values", "no method of these is offered")
    if ours == {"business"} and params.get("mitid_erhverv", {}).get("allow_private") in (True, "true"):
        ours.add("private")
    return tuple(kind for kind in ("private", "business") if kind in ours)


def _params(value: str) -> dict[str, Any]:
    """idp_params; of methods that are not offered it may say what it likes."""
    if not value:
        return {}
    try:
        if len(value) > LONGEST or _deep(value):
            raise ValueError
        said = json.loads(value, object_pairs_hook=_once)
    except ValueError:
        raise Unreadable("idp_params", "not a JSON object that can be read") from None
    if not isinstance(said, dict) or not all(isinstance(said.get(name, {}), dict) for name in KINDS):
        raise Unreadable("idp_params", "not a JSON object of objects")
    return said


def _deep(value: str) -> bool:
    """More brackets than any request needs: json.loads would answer with a RecursionError."""
    return value.count("{") + value.count("[") > DEEPEST


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


TEXTS = ("reference_text", "uuid_hint", "cpr_hint", "loa_value", "aal_value", "action_text")
FLAGS = ("enable_step_up", "require_psd2")
NOT_OFFERED = {
    "transfer_token_exchange_code": "controlled transfer",
    "transfer_token_text": "controlled transfer",
    "authenticators": "the iframe",
    "iframe_mode": "the iframe",
}


def _with(reading: Reading, said: dict[str, Any], way: Way) -> Reading:
    texts, flags = _known(said)
    if flags.get("require_psd2"):
        reading = replace(reading, psd2=True)
    # enable_step_up asks for what a login at a higher level does anyway.
    for name in ("aal_value", "loa_value"):  # the latter decides where both are sent
        if word := texts.get(name):
            reading = replace(reading, acr_values=_level(word, f"idp_params {name}").uri)
    if action := texts.get("action_text"):
        if action not in ACTIONS:
            raise Unreadable("idp_params action_text", "unknown value")
        reading = replace(reading, action=ACTIONS[action])
    if encoded := texts.get("reference_text"):
        reading = replace(reading, reference_text=hints.reference_text(encoded, "idp_params reference_text"))
    if cpr := texts.get("cpr_hint"):
        reading = replace(reading, hints=replace(reading.hints, cpr=hints.cpr(cpr, "idp_params cpr_hint", way)))
    if uuid := texts.get("uuid_hint"):
        reading = replace(reading, hints=replace(reading.hints, mitid_uuid=hints.mitid_uuid(uuid, "idp_params uuid_hint")))
    return reading


def _known(said: dict[str, Any]) -> tuple[dict[str, str], dict[str, bool]]:
    """Nothing is accepted and ignored."""
    texts, flags = {}, {}
    for name, value in said.items():
        if name in NOT_OFFERED:
            raise Unreadable(f"idp_params {name}", f"{NOT_OFFERED[name]} is not offered")
        if name in TEXTS and isinstance(value, str):
            texts[name] = value
        elif name in FLAGS and value in (True, False, "true", "false"):
            flags[name] = value in (True, "true")
        elif name in (*TEXTS, *FLAGS):
            raise Unreadable(f"idp_params {name}", "malformed")
        else:
            raise Unreadable("idp_params", "unknown member of mitid")
    return texts, flags


def _level(word: str, parameter: str) -> Level:
    level = levels.parse(word)
    if level is None:
        raise Unreadable(parameter, "low, substantial or high")
    return level


# Theirs to ours.
TOKEN = {
    "nbf": "iat",
    "neb_sid": "sid",
    "idp": "idp",
    "acr": "acr",
    "loa": "loa",
    "aal": "aal",
    "ial": "ial",
    "transaction_id": "transaction_id",
    "idp_transaction_id": "core_transaction_id",
}
USERINFO = {
    "idp": "idp",
    "idp_identity_id": "mitid_uuid",
    "loa": "loa",
    "aal": "aal",
    "ial": "ial",
    "mitid.transaction_id": "core_transaction_id",
    "mitid.uuid": "mitid_uuid",
    "mitid.age": "mitid_age",
    "mitid.date_of_birth": "birthdate",
    "mitid.has_cpr": "mitid_has_cpr",
    "mitid.identity_name": "name",
    "dk.cpr": "cpr",
    "nemid.pid": "nemid_pid",
    "nemlogin.cvr": "cvr",
    "nemlogin.org_name": "organisation_name",
    "nemlogin.p_number": "production_unit",
    "nemlogin.nemid.rid": "rid",
    "nemlogin.persistent_professional_id": "employee_uuid",
    "nemlogin.auth_to_repr": "can_represent",
}
# Of an employee.
AT_WORK = {
    "idp_identity_id": "employee_uuid",
    "nemlogin.name": "name",
    "nemlogin.given_name": "given_name",
    "nemlogin.family_name": "family_name",
    "nemlogin.date_of_birth": "birthdate",
    "nemlogin.cpr": "cpr",
}
IDENTITY_TYPES = {"business": "professional"}
PROTECTED = "NAVNE & ADRESSEBESKYTTET"
SUBJECTS = {"subject_type": "org_mapped"}


def id_token(native: Mapping[str, Any], scope: str) -> dict[str, Any]:
    told = {name: native[name] for name in PROTOCOL if name in native} | renamed(native, TOKEN)
    if native.get("psd2"):
        told["mitid.psd2"] = "true"
    if "mitid_authenticators" in native:
        told["amr"] = native["mitid_authenticators"]
    if kind := native.get("identity_type"):
        told["identity_type"] = IDENTITY_TYPES.get(kind, kind)
    if "employee_uuid" in native:
        told["idp"] = "mitid_erhverv"
    return told | {"idtoken_type": "strict"} | SUBJECTS


def userinfo(native: Mapping[str, Any], scope: str) -> dict[str, Any]:
    told = {name: text(value) for name, value in renamed(native, USERINFO).items()} | SUBJECTS
    if "employee_uuid" in native:
        told |= {"idp": "mitid_erhverv"} | {name: text(value) for name, value in renamed(native, AT_WORK).items()}
    if "distance_km" in native.get("risk", {}):
        told["mitid.geo_ip_distance_km"] = text(native["risk"]["distance_km"]["value"])
    if "nemid.pid" in scope.split():
        told["nemid.pid_status"] = "success" if "nemid_pid" in native else "unable_to_lookup"
    if native.get("name_protected"):
        told["mitid.identity_name"] = PROTECTED
    told["mitid.psd2"] = text(native.get("psd2", False))
    if reference_text := native.get(ASKED, {}).get("reference_text"):
        told["mitid.reference_text"] = reference_text
    return told | {name: native[name] for name in ("sub",) if name in native}
