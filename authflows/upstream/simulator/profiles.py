"""What somebody may say of a person whom they invent: names, dates, numbers of the replacement series only, what is held. Pure.

The JSON of the API and the portal's form are read by the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from stdnum.dk import cvr as cvr_number

from authflows.levels import Level
from authflows.upstream.simulator.people import PEOPLE

AUTHENTICATORS = ("app", "code_display", "audio_reader", "password")
# What a person does who takes no steps, as steps.End names it.
BEHAVIOURS = {"steps": "", "approve": "approved", "reject": "rejected", "cancel": "core_cancelled", "time_out": "expired"}
USER_ID = re.compile(r"[a-zæøå0-9{}!#$^,*()_+\-=:;?.@ ]{5,48}")
CPR = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9])[0-9]{3}")
REPLACEMENT = 60  # how much higher a replacement number's day is
MOST_EMPLOYMENTS = 10
FACTS = {"rid": 40, "production_unit": 10}
RIGHTS = ("can_represent", "company_signatory")
Given = Mapping[str, Any]


class Wrong(Exception):
    """`reasons`: why, by the field's name. No reason repeats what was given."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__(", ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Profile:
    """Words and digits as they are told: the API's own members."""

    user_id: str = ""
    given_name: str = ""
    family_name: str = ""
    birthdate: str = ""  # YYYY-MM-DD
    cpr: str = ""  # ten digits, or none
    ial: str = "high"
    app: str = ""  # the level that the app is enrolled for, where there is one
    authenticators: tuple[str, ...] = ()
    behaviour: str = "steps"
    name_protected: bool = False
    blocked: bool = False
    employments: tuple[dict[str, Any], ...] = ()

    def told(self) -> dict[str, Any]:
        return asdict(self) | {"authenticators": list(self.authenticators), "employments": list(self.employments)}


def read(given: Given, today: date, before: Profile | None = None) -> Profile:
    """The profile that `given` makes of a new one, or changes. Raises Wrong."""
    reasons = {name: "there is no such member" for name in given if name not in READERS}
    said: dict[str, Any] = {}
    for name, reader in READERS.items():
        if name not in given:
            continue
        try:
            said[name] = reader(given[name])
        except ValueError as wrong:
            reasons[name] = str(wrong)
    profile = replace(before or Profile(), **said)
    for name, reason in _together(profile, today, before).items():
        reasons.setdefault(name, reason)
    if reasons:
        raise Wrong(reasons)
    return profile


def copied(user_id: str) -> Profile | None:
    """One of the people who are everywhere, as somebody who is to become another; without a user id or CPR number."""
    person = PEOPLE.get(user_id)
    if person is None:
        return None
    acts = {ending: name for name, ending in BEHAVIOURS.items()}
    return Profile(
        given_name=person.given_name,
        family_name=person.family_name,
        birthdate=person.birthdate.isoformat(),
        ial=min(person.ial, person.automatic_level or person.ial).word,
        app=person.app.word if person.app else "",
        authenticators=tuple(name for name in AUTHENTICATORS if name in person.holds),
        behaviour=acts.get(person.ending, "steps"),
        blocked=person.ending == "blocked",
        name_protected=person.name_protected,
    )


def _together(profile: Profile, today: date, before: Profile | None) -> dict[str, str]:
    """What is wrong with the whole, beside its parts."""
    reasons = {name: "is needed" for name in ("user_id", "given_name", "family_name", "birthdate") if not getattr(profile, name)}
    if before is not None and before.user_id and before.user_id != profile.user_id:
        reasons["user_id"] = "cannot be changed"
    if profile.birthdate and not date(1858, 1, 1) <= date.fromisoformat(profile.birthdate) <= today:
        reasons["birthdate"] = "is not between 1858 and today"
    if profile.cpr and profile.birthdate and not _born(profile.cpr, profile.birthdate):
        reasons["cpr"] = "is of another date of birth"
    if ("app" in profile.authenticators) != bool(profile.app):
        reasons["app"] = "is the level of an app: name it where there is one, and there only"
    if profile.behaviour == "steps" and not profile.authenticators:
        reasons["authenticators"] = "somebody who takes the steps needs one"
    return reasons


def _born(cpr: str, birthdate: str) -> bool:
    born = date.fromisoformat(birthdate)
    return cpr[:6] == f"{born.day + REPLACEMENT:02}{born.month:02}{born.year % 100:02}"


def _text(longest: int) -> Callable[[Any], str]:
    def read_text(value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable() or len(value.strip()) > longest:
            raise ValueError(f"is not a text of at most {longest} characters")
        return value.strip()

    return read_text


def _user_id(value: Any) -> str:
    text = value.lower() if isinstance(value, str) else ""
    if not USER_ID.fullmatch(text) or text != text.strip() or re.fullmatch("[0-9]{10}", text):
        raise ValueError("is not a user id: 5 to 48 letters, digits and {}!#$^,*()_+-=:;?.@, and not ten digits")
    if text in PEOPLE:
        raise ValueError("is somebody's who is everywhere")
    return text


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ValueError("is not a date like 1990-12-31") from None


def _cpr(value: Any) -> str:
    if value == "":
        return ""
    match = CPR.fullmatch(value.replace("-", "")) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not ten digits")
    day, month, year = (int(part) for part in match.groups()[:3])
    if not REPLACEMENT < day <= REPLACEMENT + 31:
        raise ValueError("is not of the replacement series: the day of birth plus 60, so that it is nobody's")
    try:
        date(2000 + year, month, day - REPLACEMENT)
    except ValueError:
        raise ValueError("has no date in it") from None
    return match[0]


def _level(value: Any) -> str:
    if value not in [level.word for level in Level]:
        raise ValueError("is not low, substantial or high")
    return str(value)


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read_one(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return str(value)

    return read_one


def _authenticators(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(each in AUTHENTICATORS for each in value):
        raise ValueError(f"is not a list of {', '.join(AUTHENTICATORS)}; a chip is registered on the test phone's page")
    return tuple(name for name in AUTHENTICATORS if name in value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is not true or false")
    return value


def _employments(value: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list | tuple) or len(value) > MOST_EMPLOYMENTS or not all(isinstance(each, dict) for each in value):
        raise ValueError(f"is not a list of at most {MOST_EMPLOYMENTS} objects")
    return tuple(_employment(each) for each in value)


def _employment(given: dict[str, Any]) -> dict[str, Any]:
    if unknown := set(given) - {"cvr", "organisation_name", *FACTS, *RIGHTS}:
        raise ValueError(f"an employment has no {min(unknown)}")
    number, name = given.get("cvr"), given.get("organisation_name")
    if not isinstance(number, str) or not cvr_number.is_valid(number) or len(number) != 8:
        raise ValueError("cvr is not a CVR number of eight digits")
    if not isinstance(name, str) or not name.strip() or len(name) > 80 or not name.isprintable():
        raise ValueError("organisation_name is needed, and has at most 80 characters")
    facts = {fact: given.get(fact, "") for fact in FACTS}
    if not all(isinstance(value, str) and re.fullmatch(f"[A-Za-z0-9-]{{0,{FACTS[fact]}}}", value) for fact, value in facts.items()):
        raise ValueError("rid and production_unit are digits, letters and hyphens")
    rights = {right: given.get(right, False) for right in RIGHTS}
    if not all(isinstance(value, bool) for value in rights.values()):
        raise ValueError("can_represent and company_signatory are true or false")
    return {"cvr": number, "organisation_name": name.strip(), **facts, **rights}


READERS: dict[str, Callable[[Any], Any]] = {
    "user_id": _user_id,
    "given_name": _text(60),
    "family_name": _text(60),
    "birthdate": _date,
    "cpr": _cpr,
    "ial": _level,
    "app": lambda value: _level(value) if value else "",
    "authenticators": _authenticators,
    "behaviour": _one_of(tuple(BEHAVIOURS)),
    "name_protected": _flag,
    "blocked": _flag,
    "employments": _employments,
}
