"""A tenant takes its people along: a file is imported whole or not at all, as often as one likes, and tells nothing of anybody."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from authflows import registration, subjects
from authflows.imported_subjects import Conflicts, read
from authflows.models import SubjectAlias
from tenants.isolation import tenant_scope
from tenants.models import AuditEntry
from tests import people
from tests.people import Story

AGNES, KARL, FREJA = (str(uuid.uuid5(uuid.NAMESPACE_DNS, name)) for name in ("agnes", "karl", "freja"))
Import = Callable[..., dict[str, Any]]


@pytest.fixture
def story(db: None) -> Story:
    """Two houses whose environments have their secrets."""
    story = people.story()
    for opened in (story.fjordbank, story.havneby):
        with tenant_scope(opened.tenant.id):
            for environment in (opened.test, opened.production):
                registration.prepare(opened.tenant, environment)
    return story


@pytest.fixture
def bring(story: Story, tmp_path: Path) -> Import:
    """Imports lines into fjordbank's test environment; the answer with the exit's words, where it failed."""

    def run(*lines: str, scheme: str = "neb", environment: str = "test", house: str = "fjordbank") -> dict[str, Any]:
        file = tmp_path / f"{secrets.token_hex(4)}.csv"
        file.write_text("\n".join(lines) + "\n")
        slug = getattr(story, house).tenant.slug
        out, failed = StringIO(), ""
        try:
            call_command(
                *("import_subjects", "--tenant", slug, "--environment", environment, "--scheme", scheme, str(file), "--json"), stdout=out
            )
        except CommandError as error:
            failed = str(error)
        answer: dict[str, Any] = json.loads(out.getvalue()) if out.getvalue() else {}
        return answer | {"failed": failed}

    return run


def known(story: Story, house: str = "fjordbank") -> dict[str, bool]:
    """What is remembered, and whether of whom is known."""
    tenant = getattr(story, house).tenant
    with tenant_scope(tenant.id):
        return {alias.value: alias.key is not None for alias in SubjectAlias.objects.of(tenant.id)}


def conflicts(answer: dict[str, Any]) -> list[int]:
    assert "nothing was" in answer["failed"]
    assert (answer["new"], answer["completed"]) == (0, 0)
    return [conflict["line"] for conflict in answer["conflicts"]]


def test_a_file_is_imported_and_again_changes_nothing(bring: Import, story: Story) -> None:
    lines = ("sub,mitid_uuid", f"agnes,{AGNES}", "karl,", f"freja,{FREJA.upper()}")
    assert bring(*lines) == {"new": 3, "completed": 0, "unchanged": 0, "conflicts": [], "failed": ""}
    assert bring(*lines) == {"new": 0, "completed": 0, "unchanged": 3, "conflicts": [], "failed": ""}
    assert known(story) == {"agnes": True, "karl": False, "freja": True}


def test_who_it_was_may_become_known_later(bring: Import, story: Story) -> None:
    bring("sub", "karl")
    assert bring("sub,mitid_uuid", f"karl,{KARL}")["completed"] == 1
    assert bring("sub,mitid_uuid", "karl,")["unchanged"] == 1
    assert known(story) == {"karl": True}


def test_the_person_is_kept_as_a_subject_s_key_only(bring: Import, story: Story) -> None:
    bring("sub,mitid_uuid", f"agnes,{AGNES}")
    opened = story.fjordbank
    with tenant_scope(opened.tenant.id):
        alias = SubjectAlias.objects.of(opened.tenant.id).get()
        secret = subjects.load_secret(opened.tenant.id, opened.test.id)
        recorded = AuditEntry.objects.of(opened.tenant.id).get(action="subjects.imported")
    assert alias.key is not None
    assert bytes(alias.key) == subjects.key(secret, "private", AGNES)
    assert recorded.after == {"new": 1, "completed": 0, "unchanged": 0, "scheme": "neb"}


def test_a_conflict_is_told_by_its_line_and_nothing_is_imported(bring: Import, story: Story) -> None:
    bring("sub,mitid_uuid", f"agnes,{AGNES}")
    answer = bring("sub,mitid_uuid", f"freja,{FREJA}", f"agnes,{KARL}", "karl,", f"ingrid,{AGNES}")
    assert conflicts(answer) == [3, 5]
    assert known(story) == {"agnes": True}
    assert not [word for word in ("agnes", "ingrid", AGNES, KARL) if word in json.dumps(answer)]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ((f"a,{AGNES}", "b,", f"a,{KARL}"), 4),
        ((f"a,{AGNES}", f"b,{AGNES}"), 3),
        (("b,", "c", "a,nobody"), 4),
        (("a,", "7204851234,"), 3),
        (("a,", "with a space,"), 3),
        (("a,", f"{'x' * 256},"), 3),
        (("a,", ","), 3),
        (("a,", f"b,{AGNES},Agnes"), 3),
        (("a,", '"b'), 3),
        (("a,", "æ,"), 3),
    ],
)
def test_a_line_that_cannot_be_is_named(lines: tuple[str, ...], line: int, bring: Import, story: Story) -> None:
    assert conflicts(bring("sub,mitid_uuid", *lines)) == [line]
    assert known(story) == {}


@pytest.mark.parametrize("header", ["", "pid,mitid_uuid", "sub,mitid_uuid,cpr", "mitid_uuid,sub", "sub;mitid_uuid"])
def test_a_file_of_another_kind_is_refused(header: str, bring: Import) -> None:
    assert conflicts(bring(header, "a,")) == [1]


def test_the_same_line_twice_is_one(bring: Import, story: Story) -> None:
    assert bring("sub,mitid_uuid", "a,", f"a,{AGNES}", "a,", "", f"b,{KARL}")["new"] == 2
    assert known(story) == {"a": True, "b": True}


def test_pids(bring: Import, story: Story) -> None:
    assert bring("pid,mitid_uuid", f"9208-2002-2-{'1' * 12},{AGNES}", scheme="nemid_pid")["new"] == 1
    assert conflicts(bring("pid,mitid_uuid", "agnes,", scheme="nemid_pid")) == [2]


def test_houses_environments_and_schemes_do_not_meet(bring: Import, story: Story) -> None:
    for where in ({}, {"house": "havneby"}, {"environment": "production"}, {"scheme": "idura"}):
        assert bring("sub,mitid_uuid", f"agnes,{AGNES}", **where)["new"] == 1
    assert known(story, "havneby") == {"agnes": True}


def test_many_lines() -> None:
    lines = ["sub,mitid_uuid", *(f"{n},{uuid.uuid4()}" for n in range(2500))]
    assert len(read(lines, "neb")) == 2500
    with pytest.raises(Conflicts) as refusal:
        read([*lines, "1," + AGNES], "neb")
    assert [problem.line for problem in refusal.value.problems] == [2502]


def test_more_than_one_batch_is_one_import(bring: Import, story: Story) -> None:
    many = [f"{n},{uuid.uuid4()}" for n in range(1200)]
    assert bring("sub,mitid_uuid", *many)["new"] == 1200
    assert bring("sub,mitid_uuid", *many, f"more,{AGNES}") == {"new": 1, "completed": 0, "unchanged": 1200, "conflicts": [], "failed": ""}


@pytest.mark.parametrize(("what", "why"), [({"--tenant": "nobody"}, "no tenant"), ({"file": "/nowhere.csv"}, "No such file")])
def test_a_mistake_in_the_command_is_one_line(what: dict[str, str], why: str, story: Story, tmp_path: Path) -> None:
    tenant, file = what.get("--tenant", story.fjordbank.tenant.slug), what.get("file", str(tmp_path / "a.csv"))
    (tmp_path / "a.csv").write_bytes(b"sub\n\xff\n")
    with pytest.raises(CommandError, match=why):
        call_command("import_subjects", "--tenant", tenant, "--environment", "test", "--scheme", "neb", file)


def test_a_file_that_is_not_text_is_refused(story: Story, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"sub\n\xff\n")
    arguments = ("--tenant", story.fjordbank.tenant.slug, "--environment", "test", "--scheme", "neb", str(tmp_path / "a.csv"))
    with pytest.raises(CommandError, match="not UTF-8"):
        call_command("import_subjects", *arguments)
