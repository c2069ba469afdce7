"""Records requests from a CSV (request_id,tenant,environment,client_id,occurred_at,outcome): the whole file or nothing, and once."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from authflows.models import ConnectionGrant
from billing import importing
from billing.importing import Faulty, Source


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with options["file"].open(encoding="utf-8", newline="") as lines:
                imported = importing.take(lines, source_of)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from None
        except Faulty as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(imported)))
        else:
            self.stdout.write(f"{imported.lines} lines: {imported.events} requests and {imported.outcomes} outcomes are new")


def source_of(tenant_id: uuid.UUID, environment_id: uuid.UUID) -> Source:
    """The way to the core that the environment is granted; in the tenant's scope. Raises LookupError."""
    grants = ConnectionGrant.objects.of(tenant_id).filter(environment_id=environment_id).select_related("connection").order_by("id")
    grant = grants.first()
    if grant is None:
        raise LookupError("environment: it is granted no connection to the core")
    return Source(grant.connection_id, grant.connection.usage_model, grant.connection.core_client)
