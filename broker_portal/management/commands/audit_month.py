"""Computes every document of a month again, in SQL that shares nothing with what made it; exit 1 where an amount differs."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import auditing
from billing.auditing import Audited
from billing.money import amount_text
from billing.periods import Month
from tenants.models import Operator


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            month = Month.parse(options["month"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        found = [each for operator in Operator.objects.order_by("id") for each in auditing.audit_month(month, operator)]
        wrong = [self._told(each) for each in found if not each.right]
        documents = len({(each.tenant, each.number) for each in found})
        if options["json"]:
            told = {"month": str(month), "documents": documents, "components": len(found), "differences": wrong}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"{documents} documents, {len(found)} amounts, {len(wrong)} differ")
        if wrong:
            raise CommandError("; ".join(f"{row['tenant']} {row['number']} {row['component']}" for row in wrong[:20]))

    @staticmethod
    def _told(each: Audited) -> dict[str, str]:
        return {
            "tenant": each.tenant,
            "number": each.number,
            "component": each.component,
            "documented": amount_text(each.documented),
            "audited": amount_text(each.audited),
        }
