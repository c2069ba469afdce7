"""HTTP to addresses that somebody else wrote down: a client's keys, its logout address, a webhook.

https only; a name is resolved once, every address that it has is checked, and the connection goes to one that was checked, so that a name
cannot change its mind in between. Redirects are answers, never followed. Time and size are limited.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

SECONDS = 5.0
MOST_BYTES = 256 * 1024
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Within global unicast, what carries an IPv4 address inside: it could be a private one (RFC 3056, RFC 4380).
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
WRAPPED_IPV4 = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """Not an address that this installation calls; the message says why."""


class Failed(Exception):
    """Called, but no whole answer came within the limits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have lower-case names; of repeated ones the last counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    loopback: bool,
    timeout: float = SECONDS,
    most: int = MOST_BYTES,
) -> Answer:
    """POSTs `body`, or GETs where there is none. Raises Refused, Failed.

    `loopback` allows addresses of this machine, and http to them: for demonstrations and tests. `timeout` holds for the whole exchange
    after the name was resolved; `most` is the size of the answer's body. Never call it within a transaction.
    """
    parts = address(url)
    checked = _resolve(parts, loopback)
    try:
        return _Exchange(parts, time.monotonic() + timeout).run(checked, body, headers, most)
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"{parts.hostname}: {type(error).__name__}") from error


def address(url: str) -> SplitResult:
    """A URL taken apart. Raises Refused for one that cannot be called at all, whatever its name resolves to."""
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise Refused("contains a character that an address cannot contain")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises ValueError for a port that is none)
    except ValueError:
        raise Refused("not an address") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise Refused("write a whole https address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Refused("no user name and no fragment")
    return parts


def check(url: str, *, loopback: bool) -> None:
    """For an address that is being written down: refuses what could never be called. Names are not resolved. Raises Refused."""
    parts = address(url)
    host = str(parts.hostname)
    literal = _literal(host)
    here = host == "localhost" or host.endswith(".localhost") or (literal is not None and literal.is_loopback)
    if (here and not loopback) or (literal is not None and not permitted(literal, loopback)):
        raise Refused("not an address of the public Internet")
    if parts.scheme == "http" and not here:
        raise Refused("use https")


def _literal(host: str) -> Address | None:
    """A host that is a number already, in any of the ways that resolvers read one."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except OSError:
        return None


def permitted(found: Address, loopback: bool) -> bool:
    """Whether an address may be connected to: the public Internet, and this machine where `loopback` says so."""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return permitted(found.ipv4_mapped, loopback)
        if found.is_loopback:
            return loopback
        return found in GLOBAL_UNICAST and found.is_global and not any(found in network for network in WRAPPED_IPV4)
    if found.is_loopback:
        return loopback
    return found.is_global and not found.is_multicast and not found.is_reserved


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _resolve(parts: SplitResult, loopback: bool) -> list[Address]:
    try:
        found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Failed(f"{parts.hostname}: the name is not known") from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(permitted(each, loopback) for each in addresses):
        raise Refused(f"{parts.hostname}: not an address of the public Internet")
    if parts.scheme == "http" and not all(permitted(each, True) and not permitted(each, False) for each in addresses):
        raise Refused("use https")
    return addresses


class _Exchange:
    """One request. A watch ends the connection when its time is over: a peer that sends a byte a second cannot hold a thread."""

    def __init__(self, parts: SplitResult, deadline: float) -> None:
        self._parts = parts
        self._deadline = deadline

    def run(self, addresses: list[Address], body: bytes | None, headers: Mapping[str, str], most: int) -> Answer:
        connected = self._connect(addresses)
        watch = threading.Timer(self._left(), _break, [connected])
        watch.daemon = True
        watch.start()
        try:
            with connected:
                if isinstance(connected, ssl.SSLSocket):
                    connected.do_handshake()
                return self._ask(connected, body, headers, most)
        finally:
            watch.cancel()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _connect(self, addresses: list[Address]) -> socket.socket:
        """Raises the last address's error where none answers."""
        for each in addresses[:-1]:
            try:
                return self._connect_to(each)
            except OSError:
                continue
        return self._connect_to(addresses[-1])

    def _connect_to(self, found: Address) -> socket.socket:
        plain = socket.create_connection((str(found), _port(self._parts)), timeout=self._left())
        if self._parts.scheme == "http":
            return plain
        return _context().wrap_socket(plain, server_hostname=self._parts.hostname, do_handshake_on_connect=False)

    def _ask(self, connected: socket.socket, body: bytes | None, headers: Mapping[str, str], most: int) -> Answer:
        host, port = str(self._parts.hostname), _port(self._parts)
        secure = self._parts.scheme == "https"
        connection = http.client.HTTPSConnection(host, port, context=_context()) if secure else http.client.HTTPConnection(host, port)
        connection.sock = connected
        target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        connection.request(
            "GET" if body is None else "POST", target, body, {"User-Agent": "broker-portal", "Connection": "close", **headers}
        )
        response = connection.getresponse()
        content = response.read(most + 1)
        if len(content) > most:
            raise Failed(f"{host}: the answer is larger than {most} bytes")
        self._left()
        if response.length:
            raise Failed(f"{host}: the answer was cut off")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def _break(connected: socket.socket) -> None:
    try:
        # The base class's: SSLSocket's own would let a reader go on without TLS.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
    except OSError:
        pass


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
