"""Signicat's Digital Trust Platform: everything in acr_values; standard claims in the id_token, all the rest at userinfo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from authflows import levels
from authflows.oidc.dialects import hints, native
from authflows.oidc.dialects.dialect import ASKED, PROTOCOL, Reading, Unreadable, Way, renamed, text
from authflows.oidc.parameters import Parameters

SUBJECT_FORM = ("", "")
SCOPES = {"idp-id": "mitid", "mitid-extra": "mitid", "nin": "ssn", "mitid-business": "business"}


def read(sent: Parameters, way: Way) -> Reading:
    values = sent.get("acr_values").split()
    return replace(
        native.read(sent, way),
        scopes=tuple(dict.fromkeys(SCOPES.get(word, word) for word in sent.get("scope").split())),
        acr_values=" ".join(_levels(values)),
        reference_text=_reference_text(values, way),
    )


def _levels(values: list[str]) -> list[str]:
    """Keys that they do not know are ignored there, and so here; a method that we have not is refused."""
    methods = [value for value in values if value.startswith("idp:")]
    if methods and "idp:mitid" not in methods:
        raise Unreadable("acr_values", "no method of these is offered")
    asked = [value.removeprefix("loa:") for value in values]
    return [value for value in asked if levels.parse(value) is not None]


def _reference_text(values: list[str], way: Way) -> str:
    name = "mitid_reference_text"
    texts = [value.removeprefix(name + ":") for value in values if value.startswith(name + ":")]
    if not texts:
        return ""
    if not way.signed:
        raise Unreadable(f"acr_values {name}", "taken only from a request that the client has signed or pushed")
    if len(texts) > 1:
        raise Unreadable(f"acr_values {name}", "sent more than once")
    return hints.reference_text(texts[0], f"acr_values {name}")


# Theirs to ours.
STANDARD = {"name": "name", "given_name": "given_name", "family_name": "family_name", "birthdate": "birthdate"}
TOKEN = {"idp": "idp", "transaction_id": "transaction_id"}
EXTRA = {
    "mitid_has_cpr": "mitid_has_cpr",
    "mitid_transaction_id": "core_transaction_id",
    "mitid_name_and_address_protection": "name_protected",
    "mitid_uuid": "mitid_uuid",
}
ASSURANCE = {"mitid_loa": "loa", "mitid_ial": "ial", "mitid_aal": "aal"}
BUSINESS = {
    "mitid_organisation_cvr": "cvr",
    "mitid_organisation_p_number": "production_unit",
    "mitid_employee_uuid": "employee_uuid",
    "mitid_employee_name": "name",
    "mitid_employee_rid": "rid",
    "mitid_employee_can_represent_organisation_alone": "can_represent",
}


# Where a CPR number came from.
SOURCES = {"matched": "user", "remembered": "database", "delivered": "database"}


def id_token(native: Mapping[str, Any], scope: str) -> dict[str, Any]:
    told = {name: native[name] for name in PROTOCOL if name in native} | renamed(native, TOKEN | STANDARD)
    achieved = levels.parse(native.get("acr", ""))
    if achieved is not None:
        told["acr"] = achieved.word
    if native.get("idp") == "mitid":
        told["idp_issuer"] = "MitID"
    if "identity_type" in native:
        told["sandbox"] = native["identity_type"] == "test"
    return told


def userinfo(native: Mapping[str, Any], scope: str) -> dict[str, Any]:
    told = {name: native[name] for name in ("sub",) if name in native} | renamed(native, STANDARD)
    asked = scope.split()
    if "cpr" in native:
        told |= {"nin": native["cpr"], "nin_type": "PERSON", "nin_issuing_country": "DK"}
    if "idp-id" in asked and "mitid_uuid" in native:
        told["idp_id"] = native["mitid_uuid"]
    if "mitid-extra" in asked:
        told |= {name: text(value) for name, value in renamed(native, EXTRA).items()} | _assurance(native)
        if reference_text := native.get(ASKED, {}).get("reference_text"):
            told["mitid_reference_text_body"] = reference_text
        if source := SOURCES.get(native.get("cpr_status", "")):
            told["mitid_cpr_source"] = source
    return told | _at_work(native)


def _at_work(native: Mapping[str, Any]) -> dict[str, str]:
    if "employee_uuid" not in native:
        return {}
    told = {name: text(value) for name, value in renamed(native, BUSINESS).items()}
    ial = levels.parse(native.get("ial", ""))
    return told | ({"mitid_employee_ial": ial.name} if ial is not None else {})


def _assurance(native: Mapping[str, Any]) -> dict[str, str]:
    return {name: level.name for name, uri in renamed(native, ASSURANCE).items() if (level := levels.parse(uri)) is not None}
