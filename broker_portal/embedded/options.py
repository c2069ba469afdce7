"""What the environment asks of this installation, and what can be said about it before anything is started."""

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from broker_portal.embedded.processes import Refused
from broker_portal.embedded.programs import ROOT


@dataclass(frozen=True)
class Options:
    data_dir: Path
    bind: str
    port: int
    base_url: str
    demonstration: bool
    database_urls: tuple[str, str] | None
    queue_url: str | None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Options":
        """Raises Refused for a value that cannot be meant."""
        port = environ.get("PORT") or "8000"
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise Refused(f"PORT={port}: expected a number from 1 to 65535")
        urls = (environ.get("DATABASE_URL") or "", environ.get("DATABASE_OWNER_URL") or "")
        if bool(urls[0]) != bool(urls[1]):
            raise Refused("set DATABASE_URL and DATABASE_OWNER_URL together, or neither")
        mode = environ.get("BROKER_MODE") or "demo"
        if mode not in ("demo", "live"):
            raise Refused(f"BROKER_MODE={mode}: expected demo or live")
        seeded = (environ.get("BROKER_DEMO") or "1") != "0" and mode == "demo"
        return cls(
            data_dir=Path(environ.get("BROKER_DATA_DIR") or ROOT / "var").resolve(),
            bind=environ.get("BIND") or "127.0.0.1",
            port=int(port),
            base_url=(environ.get("BASE_URL") or f"http://localhost:{port}").rstrip("/"),
            demonstration=seeded,
            database_urls=urls if urls[0] else None,
            queue_url=environ.get("CELERY_BROKER_URL") or None,
        )


def check_port(bind: str, port: int) -> None:
    """granian would share a taken port silently. Raises Refused."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as reason:
        raise Refused(f"cannot listen on {bind} port {port}: {reason.strerror} (PORT chooses another)") from None


def check_database(url: str, name: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as reason:
        first = str(reason).strip().splitlines()[0]
        raise Refused(f"cannot reach the database of {name}: {first}") from None


def answers(options: Options) -> bool:
    """Whether /healthz says 200 on the portal's own host name."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.bind, options.bind)
    connection = http.client.HTTPConnection(host, options.port, timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Host": urlsplit(options.base_url).netloc})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
