"""What a login asks of the database stands in docs/performance.md. A larger number needs a line in the CHANGELOG, and a reason."""

import re
from pathlib import Path

from tests.bench import servers, statements
from tests.harness.ground import Ground

DOCS = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
ROW = re.compile(r"^\| (authorize|box page|user id|return|token|userinfo) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
COLUMNS = ("statements", "commits", "simulator_statements", "simulator_commits")


def test_a_login_asks_what_the_table_says(ground: Ground) -> None:
    documented = {row[0]: dict(zip(COLUMNS, map(int, row[1:]), strict=True)) for row in ROW.findall(DOCS.read_text())}
    assert statements.counted(ground, servers.provisioned(ground)) == documented


def test_a_login_is_six_requests_and_five_durable_commits() -> None:
    rows = ROW.findall(DOCS.read_text())
    assert len(rows) == 6
    assert sum(int(row[2]) for row in rows) == 5
