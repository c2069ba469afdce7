"""Closes a month that is over: drafts, approves and issues, by the same work rows as workers and without needing one."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import months
from billing.issuing import Refused
from billing.models import Document
from billing.money import amount_text
from billing.periods import Month
from tenants import directory
from tenants.models import Tenant


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", metavar="YYYY-MM")
        parser.add_argument("--tenant", metavar="SLUG", help="this one only; otherwise every tenant of every operator")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            month = Month.parse(options["month"])
            closed = months.close_now(self._tenants(options["tenant"]), month, by="command")
        except (ValueError, Refused) as error:
            raise CommandError(str(error)) from None
        slugs = dict(Tenant.objects.values_list("id", "slug"))
        rows = [self._row(document, slugs[document.tenant_id]) for document in closed.documents]
        if options["json"]:
            self.stdout.write(json.dumps({"documents": rows}))
        else:
            for row in rows:
                self.stdout.write("\t".join(row.values()))
        if closed.problems:
            raise CommandError("\n".join(f"{slugs[problem.tenant_id]}: {problem.text}" for problem in closed.problems))

    def _tenants(self, slug: str | None) -> list[Tenant]:
        if slug is None:
            return list(Tenant.objects.select_related("operator").order_by("slug"))
        tenant = directory.tenant_by_slug(slug)
        if tenant is None:
            raise CommandError(f"--tenant: there is no tenant {slug}")
        return [tenant]

    @staticmethod
    def _row(document: Document, slug: str) -> dict[str, str]:
        return {
            "number": document.number or "",
            "tenant": slug,
            "net": amount_text(document.net),
            "vat": amount_text(document.vat),
            "total": amount_text(document.gross),
            "currency": document.currency,
        }
