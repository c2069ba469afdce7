"""python3 broker_portal/embedded/install.py [--tests]: makes `.venv` hold what the hash-locked requirements name, compiles translations.

Runs under the machine's own python3 before anything is installed, so it imports the standard library only, and an old Python must be able
to read it far enough to say that it is too old. A second run installs nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUN_LOCK = ROOT / "requirements.txt"
TEST_LOCK = ROOT / "tests" / "requirements.txt"


def fail(reason: str) -> None:
    sys.exit(f"Broker Portal: {reason}")


def quietly(command: list[str], env: dict[str, str] | None = None) -> tuple[bool, str]:
    """Whether it succeeded, and what it said."""
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    return answer.returncode == 0, answer.stdout


def fingerprint(lock: Path) -> str:
    """What an installation depends on: this Python's version and the lock."""
    return hashlib.sha256(repr(sys.version_info[:2]).encode() + lock.read_bytes()).hexdigest()


def make_venv() -> list[str]:
    """The pip to install with: this Python's own, which saves seconds, else one inside the new environment."""
    has_pip = quietly([sys.executable, "-m", "pip", "--version"])[0]
    check = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if not (PYTHON.exists() and quietly([str(PYTHON), "-c", check])[0]):
        print("Making .venv …", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        made, said = quietly([sys.executable, "-m", "venv", *(["--without-pip"] if has_pip else []), str(VENV)])
        if not made:
            fail(f"python3 cannot make a virtual environment (on Debian: apt install python3-venv)\n{said}")
    return [sys.executable, "-m", "pip", "--python", str(PYTHON)] if has_pip else [str(PYTHON), "-m", "pip"]


def uv_requirement() -> str:
    """uv's own lines of the test lock: its version and hashes."""
    found = re.search(r"^uv==(?:.*\\\n)+.*\n", TEST_LOCK.read_text(), re.MULTILINE)
    return found.group(0) if found else ""


def uv_environment() -> dict[str, str]:
    """uv reads neither pip.conf nor pip's variables: hand it what they say about index and certificates."""
    environment = dict(os.environ)
    for pips, uvs in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if os.environ.get(pips):
            environment.setdefault(uvs, os.environ[pips])
    return environment


def install(locks: list[Path]) -> None:
    """With uv, which takes seconds; where it is not to be had or cannot reach the packages, with pip and all its configuration."""
    pip = make_venv()
    print(f"Installing {' and '.join(str(lock.relative_to(ROOT)) for lock in locks)} …", flush=True)
    files = [argument for lock in locks for argument in ("-r", str(lock))]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(uv_requirement())
        requirement.flush()
        has_uv = quietly([*pip, "install", "--no-deps", "--require-hashes", "-r", requirement.name])[0]
    uv = [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(PYTHON), "--require-hashes", *files]
    if has_uv and quietly(uv, uv_environment())[0]:
        return
    print("Not with uv; trying pip …", flush=True)
    done, said = quietly([*pip, "install", "--require-hashes", *files])
    if not done:
        fail(f"installing failed\n{said}")


def compile_translations() -> None:
    for source in (ROOT / "locale").glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            continue
        arguments = ["-i", str(source), "-o", str(compiled), "-l", source.parts[-3]]
        done, said = quietly([str(PYTHON), "-m", "babel.messages.frontend", "compile", *arguments])
        if not done:
            fail(f"{source.relative_to(ROOT)} cannot be compiled\n{said}")


def main() -> None:
    if sys.version_info < OLDEST_PYTHON:
        fail(f"needs Python 3.11 or newer, this is {sys.version.split()[0]}: make PYTHON=python3.12 …")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", action="store_true", help="with everything that the tests need")
    tests = parser.parse_args().tests
    locks = [RUN_LOCK, TEST_LOCK] if tests else [RUN_LOCK]
    stamps = {VENV / f"{lock.relative_to(ROOT).as_posix().replace('/', '-')}.sha256": fingerprint(lock) for lock in locks}
    if not (PYTHON.exists() and all(stamp.exists() and stamp.read_text() == wanted for stamp, wanted in stamps.items())):
        install(locks)
        for stamp, wanted in stamps.items():
            stamp.write_text(wanted)
    compile_translations()


if __name__ == "__main__":
    main()
