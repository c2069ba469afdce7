"""The seeded story, in a database of its own: told once, whole however often it was interrupted, and never in live mode."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from authflows.loginbox.theme import problems
from billing.periods import Month
from broker_portal.demonstration.companies import COMPANIES
from broker_portal.embedded import addresses, programs
from tests.harness.ground import Ground

DATABASE = "broker_demonstration"
PER_MONTH = (
    "SELECT t.slug, to_char(occurred_at AT TIME ZONE 'Europe/Copenhagen', 'YYYY-MM'), count(*)"
    " FROM usage_event e JOIN tenants_tenant t ON t.id = e.tenant_id GROUP BY 1, 2 ORDER BY 1, 2"
)


@dataclass(frozen=True)
class Place:
    """An installation beside the tests' own: another database of the same server, another data directory."""

    ground: Ground
    data_dir: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "BROKER_DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self.ground.application_url.replace(f"/{addresses.DATABASE}?", f"/{DATABASE}?"),
            "DATABASE_OWNER_URL": self.owner_url,
        }

    @property
    def owner_url(self) -> str:
        return self.ground.owner_url.replace(f"/{addresses.DATABASE}?", f"/{DATABASE}?")

    def manage(self, *arguments: str, **env: str) -> CompletedProcess[str]:
        return self.ground.manage(*arguments, timeout=240, **(self.environment | env))

    def seed_for(self, seconds: float) -> None:
        """Seeds, and ends the process after so long, as a power cut would."""
        command = [sys.executable, str(programs.ROOT / "manage.py"), "seed_demonstration"]
        env = self.ground.environment(**self.environment)
        with subprocess.Popen(command, cwd=programs.ROOT, env=env, stdout=subprocess.DEVNULL) as process:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)

    def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def place(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        name, owner = sql.Identifier(DATABASE), sql.Identifier(addresses.OWNER_ROLE)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
        place = Place(ground, tmp_path_factory.mktemp("demonstration"))
        assert place.manage("migrate", "--verbosity", "0").returncode == 0
        yield place
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="module")
def told(place: Place) -> str:
    """What the command prints, after two starts that were cut off."""
    for seconds in (2.0, 4.0):
        place.seed_for(seconds)
    done = place.manage("seed_demonstration")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_tenants_with_people_clients_and_pages(place: Place, told: str) -> None:
    assert place.rows("SELECT slug FROM tenants_tenant ORDER BY slug") == [("fjordbank",), ("havneby",), ("nordlys",)]
    clients = place.rows(
        "SELECT t.slug, e.kind, p.name FROM authflows_relyingparty p JOIN tenants_tenant t ON t.id = p.tenant_id"
        " JOIN tenants_environment e ON e.id = p.environment_id ORDER BY 1, 2, 3"
    )
    assert clients == sorted((c.slug, kind, app.name) for c in COMPANIES for kind in ("production", "test") for app in c.apps)
    assert place.rows("SELECT count(*) FROM authflows_service WHERE theme_id IS NULL") == [(0,)]


def begun(place: Place) -> Month:
    """The month in which the story was told."""
    ((instant,),) = place.rows("SELECT min(created_at) FROM tenants_tenant")
    return Month.at(instant)


def test_three_months_and_the_running_one_are_counted(place: Place, told: str) -> None:
    months = {Month.parse(month) for _, month, _ in place.rows(PER_MONTH)}

    assert len(months - {begun(place)}) == 3
    assert max(months) <= begun(place)
    assert place.rows("SELECT count(*) FROM usage_pending") == [(0,)]
    counted = place.rows("SELECT sum(n)::bigint FROM usage_day WHERE what = 'requested'")
    assert counted == place.rows("SELECT count(*) FROM usage_event")


def test_the_earlier_months_are_issued_and_last_month_waits_for_a_person(place: Place, told: str) -> None:
    documents = place.rows("SELECT state, number, period_first FROM billing_document ORDER BY sequence")

    assert [state for state, _, _ in documents] == ["issued"] * 6
    assert [number[-6:] for _, number, _ in documents] == [f"{n:06}" for n in range(1, 7)]
    last = begun(place).previous()
    assert {first for _, _, first in documents} == {last.previous().first, last.previous().previous().first}
    assert place.rows("SELECT approval FROM tenants_operator") == [(True,)]


def test_told_again_nothing_changes_and_the_words_are_the_same(place: Place, told: str) -> None:
    before = place.rows(PER_MONTH)

    again, shown = place.manage("seed_demonstration"), place.manage("seed_demonstration", "--show")

    assert (again.stdout, shown.stdout) == (told, told)
    assert place.rows(PER_MONTH) == before


def test_what_is_printed_opens_the_door(place: Place, told: str) -> None:
    emails = re.findall(r"^  (\S+@\S+\.example)", told, re.MULTILINE)
    (password,) = re.findall(r"password of all +(\S+)", told)
    check = (
        "from django.contrib.auth import authenticate; import sys;"
        f"print([bool(authenticate(None, email=e, password={password!r})) for e in {emails!r}])"
    )

    done = place.manage("shell", "--no-imports", "-c", check)

    assert len(emails) == 8
    assert done.stdout.strip() == str([True] * 8), done.stderr
    assert (place.data_dir / "keys" / "demonstration-password").stat().st_mode & 0o777 == 0o600


def test_a_lost_password_file_is_made_again(place: Place, told: str) -> None:
    (place.data_dir / "keys" / "demonstration-password").unlink()

    test_what_is_printed_opens_the_door(place, place.manage("seed_demonstration").stdout)


def test_the_audit_chains_hold(place: Place, told: str) -> None:
    assert place.manage("verify_audit").returncode == 0


def test_a_tenant_of_somebody_elses_is_left_alone(place: Place, told: str) -> None:
    with psycopg.connect(place.owner_url) as connection:
        connection.execute("UPDATE billing_billingaccount SET email = 'real@fjordbank.example' WHERE email = 'faktura@fjordbank.example'")
        connection.execute("DELETE FROM tenants_operatorauditentry WHERE action = 'demonstration.seeded'")

    done = place.manage("seed_demonstration")

    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr.strip() == "CommandError: a tenant fjordbank that is not the demonstration's exists already: start with BROKER_DEMO=0"
    )


LIVE = {
    "BROKER_MODE": "live",
    "BASE_URL": "https://portal.broker.example",
    "ISSUER_DOMAIN": "login.broker.example",
    "SECRET_KEY": "k" * 60,
    "BROKER_MASTER_KEYS": "",
}


def test_live_mode_has_no_demonstration(place: Place) -> None:
    done = place.manage("seed_demonstration", "--skip-checks", **LIVE)

    assert done.returncode == 1
    assert "demo mode only" in done.stderr


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.slug)
def test_themes_are_values_that_may_be_published(company: Any) -> None:
    assert problems(company.theme) == []
