"""What is left of a contract year: revenue less what the supplier charges, by month, tenant and component."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import margin
from billing.margin import Part
from billing.money import amount_text
from billing.scheme import PriceMissing
from broker_portal import operators


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--contract-year", required=True, type=int, metavar="N")
        parser.add_argument("--operator", metavar="NAME", help="where the installation has several")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = margin.of_year(operators.named(options["operator"]), options["contract_year"])
        except PriceMissing as error:
            raise CommandError(str(error)) from None
        told = {
            "contract_year": found.year.number,
            "months": [{"month": part.name} | _amounts(part) for part in found.months],
            "tenants": [{"tenant": part.name} | _amounts(part) for part in found.tenants],
            "components": [{"component": part.name} | _amounts(part) for part in found.components],
            "total": _amounts(found.total),
        }
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for part in (*found.months, *found.tenants, *found.components, found.total):
            self.stdout.write("\t".join([part.name, *_amounts(part).values()]))


def _amounts(part: Part) -> dict[str, str]:
    return {"revenue": amount_text(part.revenue), "cost": amount_text(part.cost), "margin": amount_text(part.margin)}
