"""Moves keys on beside running servers: what is due everywhere, or one environment's at once."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from authflows import key_rotation
from authflows.keys import Urgency
from tenants import directory
from tenants.isolation import tenant_scope
from tenants.models import Environment, Kind


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="with --environment: of this one only")
        parser.add_argument("--environment", choices=[*Kind.values])
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--now", action="store_true", help="the published key takes over at once")
        how.add_argument("--compromised", action="store_true", help="at once, and the old keys are withdrawn")
        parser.add_argument("--reason", default="", help="for the audit trail")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["tenant"]) != bool(options["environment"]):
            raise CommandError("--tenant and --environment belong together")
        urgency = Urgency.NOW if options["now"] else Urgency.COMPROMISED if options["compromised"] else Urgency.DUE
        if not options["tenant"]:
            if urgency is not Urgency.DUE:
                raise CommandError(f"--{urgency.value}: name the tenant and the environment")
            told: dict[str, Any] = {"environments": key_rotation.rotate_all()}
        else:
            told = self._one(options["tenant"], options["environment"], urgency, options["reason"])
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for name, value in told.items():
            self.stdout.write(f"{name}: {value if isinstance(value, int) else ', '.join(value)}")

    def _one(self, slug: str, kind: str, urgency: Urgency, reason: str) -> dict[str, list[str]]:
        tenant = directory.tenant_by_slug(slug)
        if tenant is None:
            raise CommandError(f"--tenant: there is no tenant {slug}")
        with tenant_scope(tenant.id):
            environment = Environment.objects.of(tenant.id).get(kind=kind)
        try:
            return key_rotation.rotate(tenant.id, environment.id, urgency, actor="command", reason=reason)
        except LookupError as error:
            raise CommandError(str(error)) from None
