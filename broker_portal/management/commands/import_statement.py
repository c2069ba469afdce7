"""Enters the supplier's statement (CSV: month,requests,amount[,component]) and tells where it differs from what was counted here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import periods, supplier
from billing.models import ContractYear, StatementLine
from billing.money import amount_text
from billing.scheme import PriceMissing
from billing.supplier import Difference, Faulty
from broker_portal import operators
from tenants.isolation import operator_scope
from tenants.models import Operator, Tenant


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--operator", metavar="NAME", help="where the installation has several")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        operator = operators.named(options["operator"])
        try:
            with options["file"].open(encoding="utf-8", newline="") as lines:
                entered = supplier.import_statement(operator, lines, source=options["file"].name, by="command")
            differences = self._differences(operator)
        except (OSError, UnicodeDecodeError, Faulty, PriceMissing) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps({"lines": len(entered), "differences": differences}))
            return
        for row in differences:
            self.stdout.write("\t".join(map(str, row.values())))
        self.stdout.write(f"{len(entered)} lines are new, {len(differences)} months differ")

    def _differences(self, operator: Operator) -> list[dict[str, Any]]:
        found = []
        tenants = Tenant.objects.filter(operator=operator).values_list("id", flat=True)
        with operator_scope(operator.id, "compare a statement"):
            stated = set(StatementLine.objects.filter(operator=operator).values_list("month", flat=True))
            for row in ContractYear.objects.order_by("number"):
                year = periods.ContractYear(row.number, row.first, row.last)
                if any(day in year for day in stated):
                    accrued = supplier.accrue(supplier.counts(tenants, year), year)
                    found += [each for each in supplier.compare(operator, accrued, year) if each.differs]
        return [self._row(each) for each in found]

    @staticmethod
    def _row(each: Difference) -> dict[str, Any]:
        assert each.theirs is not None
        assert each.theirs_amount is not None
        return {
            "month": str(each.month),
            "component": each.component,
            "ours": each.ours,
            "theirs": each.theirs,
            "difference": each.theirs - each.ours,
            "ours_amount": amount_text(each.ours_amount),
            "theirs_amount": amount_text(each.theirs_amount),
        }
