"""Sets a connection to an OpenID upstream up, and grants it to an environment; the addresses to register there are printed.

Again with the same name: the connection is changed, or granted to one more environment. Secrets and keys come from files, never from
the command line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from authflows import connections
from authflows.connections import Credentials, Wanted
from authflows.models import Level
from authflows.upstream.oidc.presets import PRESETS
from authflows.upstream.oidc.settings import AUTH_METHODS, OpenIDSettings, Unusable
from tenants import directory
from tenants.isolation import tenant_scope
from tenants.models import Environment, Kind, Tenant


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--environment", required=True, choices=[*Kind.values])
        parser.add_argument("--name", required=True, help="shown to people where they have a choice")
        parser.add_argument("--preset", default="generic", choices=[*PRESETS])
        parser.add_argument("--method", help="what a relying party selects it by; with a broker's preset: mitid")
        parser.add_argument("--issuer", required=True, help="as its discovery document names itself")
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--auth-method", default="client_secret_basic", choices=AUTH_METHODS)
        parser.add_argument("--secret-file", metavar="FILE", help="- for standard input")
        parser.add_argument("--key-file", metavar="FILE", help="a private key as JWK or PEM, for private_key_jwt")
        parser.add_argument("--scope", default="")
        parser.add_argument("--claim", action="append", default=[], metavar="ours=theirs", help="over the preset's mapping")
        parser.add_argument("--level-cap", default="high", choices=[*Level.values])
        parser.add_argument("--seconds", type=float, default=5.0, help="for all calls of one step of a login")
        parser.add_argument("--at-once", type=int, default=1, help="calls in one server process")
        parser.add_argument("--par", default="offered", choices=["offered", "never"])
        parser.add_argument("--withdraw", action="store_true", help="take it back from the environment")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, environment = _where(options["tenant"], options["environment"])
        try:
            connection = connections.connect(tenant.operator, _wanted(options))
            if options["withdraw"]:
                connections.withdraw(tenant, environment, connection, actor="command")
                callbacks = connections.callbacks(tenant.id, environment.id)
            else:
                callbacks = connections.grant(tenant, environment, connection, _credentials(options), actor="command")
        except Unusable as problem:
            raise CommandError(str(problem)) from None
        told = {
            "connection": str(connection.id),
            "method": connection.method,
            "granted": not options["withdraw"],
            "redirect_uris": callbacks,
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for name, value in told.items():
            self.stdout.write(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


def _where(slug: str, kind: str) -> tuple[Tenant, Environment]:
    tenant = directory.tenant_by_slug(slug)
    if tenant is None:
        raise CommandError(f"--tenant: there is no tenant {slug}")
    with tenant_scope(tenant.id):
        return tenant, Environment.objects.of(tenant.id).get(kind=kind)


def _wanted(options: dict[str, Any]) -> Wanted:
    method = options["method"] or ("" if options["preset"] == "generic" else "mitid")
    settings = OpenIDSettings(
        claims=dict(_pair(claim) for claim in options["claim"]),
        **{name: options[name] for name in ("issuer", "client_id", "auth_method", "preset", "scope", "seconds", "at_once", "par")},
    )
    return Wanted(options["name"], method, settings, level_cap=options["level_cap"])


def _pair(claim: str) -> tuple[str, str]:
    ours, equals, theirs = claim.partition("=")
    if not equals or not theirs:
        raise CommandError(f"--claim {claim}: expected ours=theirs")
    return ours, theirs


def _credentials(options: dict[str, Any]) -> Credentials:
    if options["key_file"]:
        return Credentials(jwk=connections.private_jwk(_read("--key-file", options["key_file"])))
    return Credentials(secret=_read("--secret-file", options["secret_file"]).strip() if options["secret_file"] else "")


def _read(name: str, path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text()
    except OSError as error:
        raise CommandError(f"{name} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{name} {path}: not text") from None
