"""A tenant's requests in a month, of both environments, by client, action and outcome."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import usage
from billing.periods import Month
from tenants import directory

COLUMNS = ("environment", "client_id", "action", "outcome", "count")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--month", required=True, metavar="YYYY-MM")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            month = Month.parse(options["month"])
        except ValueError as error:
            raise CommandError(f"--month: {error}") from None
        tenant = directory.tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"--tenant: there is no tenant {options['tenant']}")
        usage.roll_tenant(tenant.id)
        until = usage.complete_until(tenant.id)
        rows = [{name: asdict(row)[name] for name in COLUMNS} for row in usage.totals(tenant.id, month.first, month.last)]
        requested = sum(row["count"] for row in rows)
        answer = {"rows": rows, "requested": requested, "complete_until": until.astimezone(UTC).isoformat()}
        if options["json"]:
            self.stdout.write(json.dumps(answer))
            return
        for row in rows:
            self.stdout.write("\t".join(str(row[name]) for name in COLUMNS))
        self.stdout.write(f"{requested} requested, complete until {answer['complete_until']}")
