"""A process that ends before any one statement of record, roll, close, issue, credit and settle leaves nothing half done."""

from __future__ import annotations

import subprocess
import sys

import psycopg
from psycopg import sql

from broker_portal.embedded import addresses, programs
from tests.harness.ground import Ground

DATABASE = "broker_billing_faults"
SCRIPT = "import django; django.setup(); from tests.faults.billing_deaths import die_everywhere; die_everywhere()"


def test_death_before_any_statement_leaves_nothing_half_done(ground: Ground) -> None:
    """In a database that no worker looks into, which would roll and close beside us; forked from a process that nothing has run in yet."""
    name, owner = sql.Identifier(DATABASE), sql.Identifier(addresses.OWNER_ROLE)
    application, owners = (url.replace(f"/{addresses.DATABASE}?", f"/{DATABASE}?") for url in (ground.application_url, ground.owner_url))
    environment = ground.environment(DATABASE_URL=application, DATABASE_OWNER_URL=owners)
    with psycopg.connect(ground.superuser_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
        migrated = ground.manage("migrate", "--verbosity", "0", DATABASE_URL=application, DATABASE_OWNER_URL=owners)
        assert migrated.returncode == 0, migrated.stderr
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=programs.ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
    assert done.returncode == 0, done.stderr[-4000:]
