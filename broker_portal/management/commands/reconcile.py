"""Settles a contract year whose AAP is final: shows what each account and the supplier come to; --commit issues the documents."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import reconciliation
from billing.issuing import Refused
from billing.models import AapDecision
from billing.money import amount_text, price_text
from billing.reconciliation import AccountYear, YearOf
from broker_portal import operators


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--contract-year", required=True, type=int, metavar="N")
        parser.add_argument("--operator", metavar="NAME", help="where the installation has several")
        parser.add_argument("--commit", action="store_true", help="issue credit notes and supplementary invoices")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        operator = operators.named(options["operator"])
        try:
            if options["commit"]:
                found = reconciliation.commit(operator, options["contract_year"], by="command")
            else:
                found = reconciliation.preview(operator, options["contract_year"])
        except Refused as error:
            raise CommandError(str(error)) from None
        told = self._told(found)
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            for row in told["tenants"]:
                self.stdout.write("\t".join(str(value or "") for value in row.values()))
        if problems := [f"{row.tenant.slug}: {row.problem}" for row in found.accounts if row.problem]:
            raise CommandError("\n".join(problems))

    def _told(self, found: YearOf) -> dict[str, Any]:
        return {
            "contract_year": found.year.number,
            "provisional": _price(found.provisional),
            "final": _price(found.final),
            "committed": found.committed,
            "tenants": [self._row(row) for row in found.accounts],
            "supplier": {
                "paid": amount_text(found.paid),
                "expected_settlement": amount_text(found.expected_settlement),
                "received_settlement": None if found.received_settlement is None else amount_text(found.received_settlement),
            },
            "bridge": {name: amount_text(getattr(found.bridge, name)) for name in found.bridge.__slots__},
        }

    @staticmethod
    def _row(row: AccountYear) -> dict[str, Any]:
        return {
            "tenant": row.tenant.slug,
            "requests": row.due.quantity,
            "settled": amount_text(row.due.settled),
            "final_amount": amount_text(row.final_amount),
            "delta": amount_text(row.delta),
            "vat": amount_text(row.vat),
            "total": amount_text(row.total),
            "document": row.document.number if row.document else None,
            "vat_treatment": row.treatment.value,
        }


def _price(decision: AapDecision | None) -> str | None:
    return price_text(decision.price) if decision else None
