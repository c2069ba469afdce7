"""Nothing in the repository looks like somebody's CPR number: fixtures use the replacement series, whose day is 60 too high."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPR = re.compile(r"(?<![\w.+-])(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d{2}-?\d{4}(?![\w.-])")
# Hashes of the locks, and pictures.
NO_TEXT = {".woff2", ".ttf", ".png", ".svg", ".pdf"}
LOCKS = {"requirements.txt", "package-lock.json"}
# Numbers that are something else: where, and what.
KNOWN: set[tuple[str, str]] = set()


def repository() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout.splitlines()
    return [ROOT / name for name in listed if Path(name).suffix not in NO_TEXT and Path(name).name not in LOCKS]


def test_the_scan_sees_a_number_and_not_a_replacement_number() -> None:
    assert CPR.search("her: " + "01" + "0190" + "-1234")
    assert CPR.search("01" + "01901234")
    assert not CPR.search("her: 610190-1234")


def test_there_is_no_personal_number() -> None:
    found = {
        (str(path.relative_to(ROOT)), match[0])
        for path in repository()
        if path.is_file()
        for match in CPR.finditer(path.read_text(errors="replace"))
    }
    assert found == KNOWN
