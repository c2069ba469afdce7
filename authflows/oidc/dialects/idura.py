"""Idura Verify, earlier Criipto: login_hint tokens and URNs; every claim a string, all of them in the id_token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from authflows import levels
from authflows.levels import Level
from authflows.oidc.dialects import hints, native
from authflows.oidc.dialects.dialect import ASKED, PROTOCOL, Reading, Unreadable, Way, renamed, text
from authflows.oidc.parameters import Parameters

SUBJECT_FORM = ("{", "}")
URN = "urn:grn:authn:dk:mitid:"
LEVELS = {URN + level.word: level for level in Level}
AT_WORK = URN + "business"
OTHER_METHODS = ("urn:grn:authn:", "urn:age-verification")
ACTIONS = {"login": "log_on", "approve": "approve", "confirm": "confirm", "accept": "accept", "sign": "sign"}
IS_OVER = re.compile(r"is_over_([0-9]{1,3})")
SCOPES = {"birthdate": "profile"}
# What every login gives there, and what the client's settings add where a request leaves the scopes to them.
ALWAYS, BY_SETTING = ("profile", "mitid"), ("ssn", "address")
CONTROLLED_TRANSFER = "controlled transfer is not offered"
BUSINESS, OPTIONAL = ("business",), ("private", "business")


@dataclass
class _Told:
    """What login_hint tokens add to a request."""

    reading: Reading
    scopes: list[str] = field(default_factory=list)
    acr_values: list[str] = field(default_factory=list)


def read(sent: Parameters, way: Way) -> Reading:
    told = _Told(native.read(_without_hint(sent), way), sent.get("scope").split(), sent.get("acr_values").split())
    for token in sent.get("login_hint").split():
        kind, colon, value = token.partition(":")
        understand = TOKENS.get(kind) if colon else None
        if understand is not None:
            understand(told, value, way)
        elif token in IDENTITIES:
            told.reading = replace(told.reading, identities=IDENTITIES[token])
        else:
            found = hints.free(token, "login_hint", way)
            told.reading = replace(told.reading, hints=found or told.reading.hints)
    identities = told.reading.identities or _identities(told.acr_values)
    return replace(
        told.reading,
        scopes=tuple(dict.fromkeys(map(_scope, told.scopes))),
        implied=(*ALWAYS, *(BY_SETTING if told.scopes == ["openid"] else ()), *(BUSINESS if BUSINESS[0] in identities else ())),
        acr_values=" ".join(_acr_values(told.acr_values)),
        identities=identities,
    )


def _without_hint(sent: Parameters) -> Parameters:
    return Parameters({name: value for name, value in sent.values.items() if name != "login_hint"}, sent.repeated)


def _scope(word: str) -> str:
    over = IS_OVER.fullmatch(word)
    return f"age_over:{over[1]}" if over else SCOPES.get(word, word)


def _acr_values(asked: list[str]) -> list[str]:
    """A method of theirs that we have not is left out beside one that we have, and refused alone."""
    ours = [value for value in asked if value in LEVELS or not value.startswith(OTHER_METHODS)]
    if asked and not ours and AT_WORK not in asked:
        raise Unreadable("acr_values", "no method of these is offered")
    return [LEVELS[value].uri if value in LEVELS else value for value in ours]


def _identities(asked: list[str]) -> tuple[str, ...]:
    """Private persons and employees are two methods there: beside each other the person chooses."""
    if AT_WORK not in asked:
        return ()
    return OPTIONAL if LEVELS.keys() & set(asked) else BUSINESS


def _sub(told: _Told, value: str, way: Way) -> None:
    told.reading = replace(told.reading, hints=replace(told.reading.hints, cpr=hints.cpr(value, "login_hint sub", way)))


def _uuid(told: _Told, value: str, way: Way) -> None:
    told.reading = replace(told.reading, hints=replace(told.reading.hints, mitid_uuid=hints.mitid_uuid(value, "login_hint uuid")))


def _action(told: _Told, value: str, way: Way) -> None:
    if value not in ACTIONS:
        raise Unreadable("login_hint action", "unknown")
    told.reading = replace(told.reading, action=ACTIONS[value])


def _message(told: _Told, value: str, way: Way) -> None:
    told.reading = replace(told.reading, reference_text=hints.reference_text(value, "login_hint message"))


def _more_scope(told: _Told, value: str, way: Way) -> None:
    told.scopes.append(value)


def _more_acr_values(told: _Told, value: str, way: Way) -> None:
    told.acr_values.append(value)


def _mitid(told: _Told, value: str, way: Way) -> None:
    raise Unreadable("login_hint dk", CONTROLLED_TRANSFER)


def _country(told: _Told, value: str, way: Way) -> None:
    if value != "DK":
        raise Unreadable("login_hint country", "only DK is offered")


def _nothing(told: _Told, value: str, way: Way) -> None:
    """Of no effect here: style sheets are themes, people find back to their app by hand and choose their company themselves."""


TOKENS: dict[str, Callable[[_Told, str, Way], None]] = {
    "sub": _sub,
    "uuid": _uuid,
    "action": _action,
    "message": _message,
    "scope": _more_scope,
    "acr_values": _more_acr_values,
    "dk": _mitid,
    "country": _country,
    "appswitch": _nothing,
    "css_path": _nothing,
    "vatid": _nothing,
}


IDENTITIES = {"business": BUSINESS, "business_optional": OPTIONAL}
# Theirs to ours.
CLAIMS = {
    "uuid": "mitid_uuid",
    "cprNumberIdentifier": "cpr",
    "birthdate": "birthdate",
    "dateofbirth": "birthdate",
    "age": "mitid_age",
    "name": "name",
    "cvrNumberIdentifier": "cvr",
    "2.5.4.10": "organisation_name",
    "productionUnit": "production_unit",
    "ridNumberIdentifier": "rid",
}
ASSURANCE = {"loA": "loa", "ial": "ial", "aal": "aal"}


def id_token(native: Mapping[str, Any], scope: str) -> dict[str, Any]:
    told = {name: native[name] for name in PROTOCOL if name in native} | _identity(native)
    asked = levels.parse(native.get(ASKED, {}).get("level", ""))
    achieved = levels.parse(native.get("acr", ""))
    if "iat" in native:
        told["nbf"] = native["iat"]
    if achieved is not None:
        told["acr"] = URN + achieved.word
        told["authenticationtype"] = URN + (asked or achieved).word
    if "auth_time" in native:
        told["authenticationinstant"] = datetime.fromtimestamp(native["auth_time"], UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if "sid" in native:
        told["sessionindex"] = native["sid"]
    return told


def userinfo(native: Mapping[str, Any], scope: str) -> dict[str, Any]:
    return {name: native[name] for name in ("sub",) if name in native} | _identity(native)


def _identity(native: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"identityscheme": "dkmitid", "country": "DK"}
    told |= {name: text(value) for name, value in renamed(native, CLAIMS).items()}
    told |= {name: level.name for name, uri in renamed(native, ASSURANCE).items() if (level := levels.parse(uri)) is not None}
    if "employee_uuid" in native:
        told["uuid"] = native["employee_uuid"]
    if "sub" in native:
        told["nameidentifier"] = re.sub(r"[{}-]", "", native["sub"])
    if "address" in native:
        told["address"] = native["address"] | ({"city": native["address"]["locality"]} if "locality" in native["address"] else {})
    if native.get("company_signatory"):
        told["companySignatory"] = "true"
    elif "employee_uuid" in native:
        told["employee"] = "true"
    if reference_text := native.get(ASKED, {}).get("reference_text"):
        told["refTextBody"] = reference_text
    return told
