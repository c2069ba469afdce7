"""Addresses that somebody else wrote down: what is called, what is not, and what a slow or a large answer costs."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tenants import outbound
from tenants.outbound import Failed, Refused

Respond = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(respond: Respond, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with Quiet(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'https' if tls else 'http'}://localhost:{server.server_port}"
        server.shutdown()


def hello(handler: BaseHTTPRequestHandler) -> None:
    size = int(handler.headers.get("Content-Length") or 0)
    said = f"{handler.command} {handler.path} {handler.headers['Host']} {handler.headers.get('X-Mine', '')} ".encode() + handler.rfile.read(
        size
    )
    handler.send_response(200)
    handler.send_header("X-Said", "yes")
    handler.send_header("Content-Length", str(len(said)))
    handler.end_headers()
    handler.wfile.write(said)


def test_a_get_and_a_post_arrive_as_they_were_meant() -> None:
    with answering(hello) as url:
        host = url.removeprefix("http://")
        got = outbound.fetch(f"{url}/keys?a=b", loopback=True)
        posted = outbound.fetch(url, body=b"x=1", headers={"X-Mine": "m"}, loopback=True)
    assert (got.status, got.headers["x-said"], got.body) == (200, "yes", f"GET /keys?a=b {host}  ".encode())
    assert posted.body == f"POST / {host} m x=1".encode()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd12::1]",
        "[ff02::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::]",
        "[2001:0:a00:1::]",
        "[::127.0.0.1]",
    ],
)
def test_no_address_of_a_private_network_is_called(host: str) -> None:
    with pytest.raises((Refused, Failed)) as refusal:
        outbound.fetch(f"https://{host}/", loopback=False, timeout=0.5)
    # An address that this machine's resolver does not even know as one is as good as refused.
    assert isinstance(refusal.value, Refused) or "not known" in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.fjordbank.example/",
        "https://localhost/",
        "https://keys.localhost/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[::1]/",
        "https://169.254.169.254/",
    ],
)
def test_what_could_never_be_called_cannot_be_written_down(url: str) -> None:
    with pytest.raises(Refused):
        outbound.check(url, loopback=False)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [("https://keys.fjordbank.example/a?b=c", False), ("http://localhost:8001/", True), ("http://127.0.0.1:8001/", True)],
)
def test_what_can_be_called_can_be_written_down(url: str, loopback: bool) -> None:
    outbound.check(url, loopback=loopback)


@pytest.mark.parametrize("found", ["93.184.215.14", "2a00:1450:400f:80d::200e"])
def test_addresses_of_the_internet_are_called(found: str) -> None:
    assert outbound.permitted(ipaddress.ip_address(found), loopback=False)


@pytest.mark.parametrize("found", ["10.0.0.1", "169.254.169.254", "fd00::1", "0.0.0.0"])
def test_a_demonstration_calls_itself_and_nothing_else_that_is_private(found: str) -> None:
    assert outbound.permitted(ipaddress.ip_address("127.0.0.1"), loopback=True)
    assert not outbound.permitted(ipaddress.ip_address(found), loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "keys",
        "ftp://keys.fjordbank.example/",
        "file:///etc/passwd",
        "https://",
        "https://user@keys.fjordbank.example/",
        "https://keys.fjordbank.example/#fragment",
        "https://keys.fjordbank.example/a b",
        "https://keys.fjordbank.example/\r\nHost: x",
        "https://keys.fjordbank.example:99999/",
        "https://kéys.fjordbank.example/",
        "https://[::1/",
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_resolved(url: str) -> None:
    with pytest.raises(Refused):
        outbound.fetch(url, loopback=True)


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The system's resolver gives these answers, one after the other."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *more: Any, **named: Any) -> Any:
        if not host.endswith(".example"):
            return real(host, port, *more, **named)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port)) for found in answers[min(len(asked), len(answers)) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(Refused):
        outbound.fetch("https://keys.fjordbank.example/", loopback=False)


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(hello) as url:
        port = url.rpartition(":")[2]
        asked = resolving_to(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
        answer = outbound.fetch(f"http://rebinding.example:{port}/", loopback=True)
    assert (answer.status, asked) == (200, ["rebinding.example"])


def test_http_is_for_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, ["93.184.215.14"])
    with pytest.raises(Refused, match="https"):
        outbound.fetch("http://keys.fjordbank.example/", loopback=True)


def test_redirects_are_not_followed() -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://169.254.169.254/")
        handler.end_headers()

    with answering(elsewhere) as url:
        answer = outbound.fetch(url, loopback=True)
    assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/")


def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    def large(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 10_000)

    with answering(large) as url, pytest.raises(Failed, match="larger"):
        outbound.fetch(url, loopback=True, most=50_000)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100:
        handler.wfile.write(bytes([letter]))
        time.sleep(0.05)


@pytest.mark.parametrize("respond", [drip, drip_headers, lambda handler: time.sleep(3)])
def test_time_is_limited_for_the_whole_exchange(respond: Respond) -> None:
    with answering(respond) as url:
        before = time.monotonic()
        with pytest.raises(Failed):
            outbound.fetch(url, loopback=True, timeout=0.4)
        assert time.monotonic() - before < 1.5


def short(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")


@pytest.mark.parametrize("respond", [short, lambda handler: handler.wfile.write(b"SSH-2.0\r\n\r\n"), lambda handler: None])
def test_an_answer_that_is_none_is_said_to_have_failed(respond: Respond) -> None:
    with answering(respond) as url, pytest.raises(Failed):
        outbound.fetch(url, loopback=True)


def test_nobody_there_is_a_failure_too() -> None:
    with pytest.raises(Failed):
        outbound.fetch("http://127.0.0.1:1/", loopback=True)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for `localhost`, and the file that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    trusted, private = tmp_path / "trusted.pem", tmp_path / "private.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted


def test_https_is_believed_with_a_certificate_that_is_trusted(
    certificate: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate
    outbound._context.cache_clear()
    with answering(hello, context) as url:
        with pytest.raises(Failed, match="SSLCertVerificationError"):
            outbound.fetch(url, loopback=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        outbound._context.cache_clear()
        assert outbound.fetch(url, loopback=True).status == 200
        with pytest.raises(Failed, match="SSLCertVerificationError"):
            outbound.fetch(url.replace("localhost", "127.0.0.1"), loopback=True)
    outbound._context.cache_clear()
