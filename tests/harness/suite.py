"""`make test`: everything that has to hold, one step after the other, with no network but loopback. All steps run; any failure counts."""

import base64
import os
import secrets
import subprocess
import sys
import time

from tests.harness import apache, chromium, network, node
from tests.harness.ground import Ground

LIVE = {
    "BROKER_MODE": "live",
    "BASE_URL": "https://portal.broker.example",
    "ISSUER_DOMAIN": "login.broker.example",
    "BOX_URL": "https://box.broker.example",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "BROKER_MASTER_KEYS": f"first:{base64.b64encode(os.urandom(32)).decode()}",
}
MANAGE = [sys.executable, "manage.py"]
STEPS: list[tuple[str, list[str], dict[str, str]]] = [
    ("ruff check", [sys.executable, "-m", "ruff", "check", "."], {}),
    ("ruff format", [sys.executable, "-m", "ruff", "format", "--check", "."], {}),
    ("mypy", [sys.executable, "-m", "mypy"], {}),
    ("layers", [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"], {}),
    ("migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"], {}),
    ("check --deploy", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING", "--database", "default"], LIVE),
    # Without it pytest-django would load the settings before conftest has made a ground of its own, and so look at this one.
    ("pytest", [sys.executable, "-m", "pytest"], {"DJANGO_SETTINGS_MODULE": ""}),
]


def run(name: str, command: list[str], env: dict[str, str]) -> tuple[str, int, float]:
    print(f"\n=== {name}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, env={**os.environ, **env}, check=False).returncode
    return name, code, time.monotonic() - started


def main() -> int:
    chromium.install()
    apache.install()
    problem = node.install() or node.install(node.PROVIDER)
    uncut = network.cut()
    print(f"Network: not cut ({uncut}); only pytest's own process is kept on loopback" if uncut else "Network: loopback only", flush=True)
    ground = Ground()
    try:
        ground.start()
        results = [run(*step) for step in STEPS]
    finally:
        ground.stop()
    print("\n=== summary")
    for name, code, seconds in results:
        print(f"{'ok    ' if code == 0 else 'FAILED'} {name:16} {seconds:6.1f} s" + (f"  (exit {code})" if code else ""))
    if problem:
        print(f"FAILED {problem}")
    return 1 if problem or any(code for _, code, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
