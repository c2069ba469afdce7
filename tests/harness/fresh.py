"""`make test-fresh`: `make test` from a copy of this checkout in an empty directory, with an empty home and a bare PATH."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def copy_checkout(target: Path) -> None:
    """What git knows or would add: nothing that was built or installed here."""
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def environment(home: Path) -> dict[str, str]:
    """This one without anything that tells of this account's own Python, caches or database."""
    dropped = ("PYTHON", "PYENV", "VIRTUAL_ENV", "XDG_", "DATABASE_", "BROKER_", "CELERY_", "MAKE", "MFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "HOME": str(home), "PATH": PATH}


def run_as(uid: int) -> int:
    who = "root" if uid == 0 else f"user {uid}"
    with tempfile.TemporaryDirectory(prefix="broker-fresh-") as place:
        base = Path(place)
        base.chmod(0o755)
        checkout, home = base / "checkout", base / "home"
        for directory in (checkout, home):
            directory.mkdir()
        copy_checkout(checkout)
        print(f"=== make test in {checkout} as {who}", flush=True)
        if uid == os.geteuid():
            return subprocess.run(["make", "test"], cwd=checkout, env=environment(home), check=False).returncode
        for path in (checkout, home, *checkout.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)
        return subprocess.run(
            ["make", "test"], cwd=checkout, env=environment(home), user=uid, group=uid, extra_groups=[], check=False
        ).returncode


def main() -> int:
    accounts = [0, NOBODY] if os.geteuid() == 0 else [os.geteuid()]
    codes = {uid: run_as(uid) for uid in accounts}
    for uid, code in codes.items():
        print(f"{'ok    ' if code == 0 else 'FAILED'} as {'root' if uid == 0 else f'user {uid}'}")
    return 1 if any(codes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
