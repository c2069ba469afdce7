"""Credits an issued invoice, or lines of it, with a credit note that is issued at once."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import closing, crediting, issuing
from billing.issuing import Refused
from billing.models import Document
from billing.money import amount_text
from billing.periods import Month


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number")
        parser.add_argument("--line", metavar="N", type=int, action="append", default=[], help="this line; may be repeated")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--again", action="store_true", help="draft the month once more, of what is not billed any more")
        parser.add_argument("--tenant", metavar="SLUG", help="where two operators of the installation have used the same number")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = issuing.find(options["number"], tenant_slug=options["tenant"])
            note = crediting.credit(document, by="command", reason=options["reason"], lines=options["line"])
            if options["again"]:
                closing.invoice_again(document.tenant_id, Month.of(document.period_first), by="command")
        except (LookupError, Refused) as error:
            raise CommandError(str(error)) from None
        told = self._told(document, note)
        self.stdout.write(json.dumps(told) if options["json"] else "\t".join(map(str, told.values())))

    @staticmethod
    def _told(document: Document, note: Document) -> dict[str, str | None]:
        return {
            "number": note.number,
            "credits": document.number,
            "net": amount_text(note.net),
            "vat": amount_text(note.vat),
            "total": amount_text(note.gross),
            "currency": note.currency,
        }
