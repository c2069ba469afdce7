"""A web site behind Debian's Apache, which logs people in with mod_auth_openidc: a relying party without a line of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.harness import apache
from tests.harness.ground import free_port

LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "include", "dir", "auth_openidc")
PAGE = """<!doctype html><html lang="en"><title>{0}</title><link rel="icon" href="data:,"><h1>{0}</h1>{1}</html>"""
TOLD = "".join(f'<p id="{name}"><!--#echo var="OIDC_CLAIM_{name}" --></p>' for name in ("sub", "name", "acr", "iss", "birthdate"))
CONFIGURATION = """
ServerRoot {place}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {place}/pid
Mutex file:{place}
ErrorLog {place}/error.log
LogLevel warn
User {user}
Group {group}
StartServers 1
ServerLimit 2
MaxRequestWorkers 50
{modules}
DocumentRoot {place}/site
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCRedirectURI {address}/private/callback
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid profile mitid"
OIDCPKCEMethod S256
OIDCHTMLErrorTemplate {place}/error.html
{more}
<Directory {place}/site>
  Options +Includes
  SetOutputFilter INCLUDES
  DirectoryIndex index.html
  Require all granted
</Directory>
<Location /private>
  AuthType openid-connect
  Require valid-user
</Location>
"""


class Apache:
    """Its addresses are known before it is started, so that its client can be registered."""

    def __init__(self) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.callback = f"{self.address}/private/callback"
        self.place = Path(tempfile.mkdtemp(prefix="broker-apache-", dir="/tmp"))
        # Its children run as www-data where we are root.
        self.place.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, issuer: str, client_id: str, *more: str) -> None:
        """`more` are directives; their order matters to the module. Returns when it listens."""
        self._write_site()
        configuration = CONFIGURATION.format(
            place=self.place,
            port=self.port,
            address=self.address,
            user="www-data" if os.geteuid() == 0 else f"#{os.geteuid()}",
            group="www-data" if os.geteuid() == 0 else f"#{os.getegid()}",
            modules="\n".join(f"LoadModule {name}_module {apache.MODULES}/mod_{name}.so" for name in LOADED),
            issuer=issuer,
            client_id=client_id,
            passphrase=secrets.token_urlsafe(32),
            more="\n".join(more),
        )
        (self.place / "apache.conf").write_text(configuration)
        command = [str(apache.program()), "-f", str(self.place / "apache.conf"), "-DFOREGROUND"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self._listens():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"Apache does not start:\n{self.log()}")
            time.sleep(0.05)

    def log(self) -> str:
        file = self.place / "error.log"
        return file.read_text() if file.exists() else ""

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(20)
        shutil.rmtree(self.place, ignore_errors=True)

    def _write_site(self) -> None:
        for name, title, body in (("private/index.html", "Inside", TOLD), ("goodbye.html", "Goodbye", "")):
            file = self.place / "site" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(PAGE.format(title, body))
        (self.place / "error.html").write_text(PAGE.format("%s", "<p>%s</p>"))

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
