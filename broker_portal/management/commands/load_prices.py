"""Enters contract years, prices, plans and accounts from a file (docs/prices.schema.json): all of it or nothing, and once."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import price_files
from billing.price_files import Faulty


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.json")
        parser.add_argument("--dry-run", action="store_true", help="tell what would change and enter nothing")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = json.loads(options["file"].read_text(encoding="utf-8"), parse_float=Decimal)
            report = price_files.load(content, by="command", dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(str(error)) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} is not JSON: {error}") from None
        except Faulty as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            told = {"dry_run": options["dry_run"], "changes": report.changes, "unchanged": report.unchanged, "warnings": report.warnings}
            self.stdout.write(json.dumps(told))
            return
        for line in [*report.changes, *(f"warning: {text}" for text in report.warnings)]:
            self.stdout.write(line)
        self.stdout.write(f"{len(report.changes)} {'would change' if options['dry_run'] else 'changed'}, {report.unchanged} as they were")
