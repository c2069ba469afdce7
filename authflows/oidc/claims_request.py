"""The `claims` parameter (OpenID Connect Core 5.5): which single claims are asked for, and what is required of two of them. Pure.

What a client may not have is left out without a word, as any claim that is not known; what cannot be read is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LONGEST = 4096


class Malformed(ValueError):
    """The message says what is wrong; it repeats nothing that was sent."""


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """`acr_values` is None where acr is not asked for by value; `subject` is the one `sub` that may be answered with, or ""."""

    names: frozenset[str] = frozenset()
    acr_values: tuple[str, ...] | None = None
    acr_essential: bool = False
    subject: str = ""


def parse(text: str) -> ClaimsRequest:
    """Raises Malformed."""
    if not text:
        return ClaimsRequest()
    if len(text) > LONGEST:
        raise Malformed(f"claims is longer than {LONGEST} characters")
    try:
        told = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed("claims is not a JSON object, or names a member twice") from None
    if not isinstance(told, dict):
        raise Malformed("claims is not a JSON object")
    # Members that are not understood are ignored (section 5.5).
    targets = [_members(told, target) for target in ("id_token", "userinfo")]
    acr = _wanted(targets, "acr")
    return ClaimsRequest(
        names=frozenset(name for target in targets for name in target),
        acr_values=acr,
        acr_essential=acr is not None and any((target.get("acr") or {}).get("essential") for target in targets),
        subject=_subject(targets),
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is named twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _members(told: dict[str, Any], target: str) -> dict[str, dict[str, Any] | None]:
    members = told.get(target)
    if members is None:
        return {}
    if not isinstance(members, dict):
        raise Malformed(f"claims: {target} is not an object")
    for how in members.values():
        if how is not None and not _readable(how):
            raise Malformed(f"claims: a member of {target} is neither null nor an object with essential, value or values")
    return members


def _readable(how: Any) -> bool:
    if not isinstance(how, dict) or not isinstance(how.get("essential", False), bool):
        return False
    return isinstance(how.get("values", []), list) and not isinstance(how.get("value"), (dict, list))


def _values(how: dict[str, Any] | None) -> tuple[str, ...] | None:
    """The values that a claim may have; None where any will do."""
    if not how or not {"value", "values"} & how.keys():
        return None
    return tuple(str(value) for value in (*how.get("values", ()), *([how["value"]] if "value" in how else ())))


def _wanted(targets: list[dict[str, dict[str, Any] | None]], name: str) -> tuple[str, ...] | None:
    asked = [values for target in targets if (values := _values(target.get(name))) is not None]
    return tuple(value for values in asked for value in values) if asked else None


def _subject(targets: list[dict[str, dict[str, Any] | None]]) -> str:
    """Section 5.5.1 and 3.1.2.2: an answer about anybody else must not be given."""
    asked = _wanted(targets, "sub")
    if asked is None:
        return ""
    subject = asked[0] if len(set(asked)) == 1 else ""
    if not 0 < len(subject) <= 255 or not subject.isascii() or not subject.isprintable():
        raise Malformed("claims: sub is asked for with more than one value, or with none that could be one")
    return subject
