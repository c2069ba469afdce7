"""Makes a client, and its tenant where it is missing: issuer, client_id and secret are printed here and nowhere again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from authflows import client_settings
from authflows.registration import Refused, Registered, Registration, check, register
from broker_portal.demonstration.companies import somebody
from broker_portal.demonstration.story import furnish
from broker_portal.onboarding.opening import open_customer
from tenants import directory, tenancy
from tenants.isolation import tenant_scope
from tenants.models import Environment, Kind, Tenant


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--environment", required=True, choices=[*Kind.values])
        parser.add_argument("--name", required=True)
        parser.add_argument("--redirect-uri", required=True, action="append", dest="redirect_uris")
        parser.add_argument("--post-logout-redirect-uri", action="append", default=[], dest="post_logout_redirect_uris")
        parser.add_argument("--auth-method", default="client_secret_basic")
        parser.add_argument("--jwks", metavar="FILE")
        parser.add_argument("--id-token-alg", default="ES256")
        parser.add_argument("--scope", default="openid profile mitid")
        parser.add_argument("--setting", action="append", default=[], dest="client_settings", metavar="key=value")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = self._wanted(options)
        try:
            check(options["environment"], wanted)
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=2 if "not available yet" in str(refusal) else 1) from None
        tenant = directory.tenant_by_slug(options["tenant"]) or self._open(options["tenant"])
        with tenant_scope(tenant.id):
            environment = Environment.objects.of(tenant.id).get(kind=options["environment"])
        try:
            made = register(tenant, environment, wanted)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self._print(made, options["json"])

    def _wanted(self, options: dict[str, Any]) -> Registration:
        try:
            switches = client_settings.parse(options["client_settings"])
        except client_settings.UnknownSetting as error:
            raise CommandError(str(error), returncode=2) from None
        return Registration(
            name=options["name"],
            redirect_uris=tuple(options["redirect_uris"]),
            auth_method=options["auth_method"],
            id_token_alg=options["id_token_alg"],
            scopes=tuple(options["scope"].split()),
            jwks=_read(options["jwks"]) if options["jwks"] else None,
            **({"application_type": "spa"} if options["auth_method"] == "none" else {})
            | {"post_logout_redirect_uris": tuple(options["post_logout_redirect_uris"])}
            | switches,
        )

    def _open(self, slug: str) -> Tenant:
        """In demo mode with an invented seller and buyer, so that its months can be closed too."""
        operator, name = tenancy.first_operator(), slug.replace("-", " ").title()
        if settings.DEMO:
            furnish(operator)
        try:
            return open_customer(operator, slug, name, actor="command", buyer=somebody(name) if settings.DEMO else None).tenant
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None

    def _print(self, made: Registered, as_json: bool) -> None:
        told = {
            "issuer": made.issuer,
            "client_id": made.client_id,
            "client_secret": made.client_secret,
            "discovery_url": f"{made.issuer}/.well-known/openid-configuration",
        }
        if as_json:
            sys.stdout.write(json.dumps(told) + "\n")
            return
        for name, value in told.items():
            self.stdout.write(f"{name}: {value}")


def _read(path: str) -> Any:
    """A JWK Set, or one key as a file holds it."""
    try:
        found = json.loads(Path(path).read_text())
    except OSError as error:
        raise CommandError(f"--jwks {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CommandError(f"--jwks {path}: not JSON") from None
    return {"keys": [found]} if isinstance(found, dict) and "kty" in found else found
