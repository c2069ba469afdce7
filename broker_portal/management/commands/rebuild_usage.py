"""Makes a day's counts of one tenant what its recorded requests say; before, after and reason stand in the audit trail."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import rebuilding
from billing.issuing import Refused
from tenants import directory


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--day", required=True, metavar="YYYY-MM-DD")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = directory.tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"--tenant: there is no tenant {options['tenant']}")
        try:
            day = date.fromisoformat(options["day"])
        except ValueError as error:
            raise CommandError(f"--day: {error}") from None
        try:
            before, after = rebuilding.rebuild(tenant.id, day, by="command", reason=options["reason"])
        except Refused as error:
            raise CommandError(str(error)) from None
        told = {"tenant": tenant.slug, "day": day.isoformat(), "before": dict(before), "after": dict(after)}
        self.stdout.write(json.dumps(told) if options["json"] else f"{day}: {dict(before)} became {dict(after)}")
