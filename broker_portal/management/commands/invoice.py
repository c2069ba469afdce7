"""Writes an issued document to a file: as PDF, as CSV, or as the frozen snapshot that both are made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import issuing
from billing.exports import renderings
from billing.models import Document

JSON = "json"


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number")
        parser.add_argument("--format", required=True, choices=[*renderings.Format.values, JSON])
        parser.add_argument("--output", required=True, metavar="FILE", type=Path)
        parser.add_argument("--tenant", metavar="SLUG", help="where two operators of the installation have used the same number")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = issuing.find(options["number"], tenant_slug=options["tenant"])
        except LookupError as error:
            raise CommandError(str(error)) from None
        content = self._content(document, options["format"])
        try:
            options["output"].write_bytes(content)
        except OSError as error:
            raise CommandError(f"--output: {error}") from None
        written = {"number": document.number, "format": options["format"], "output": str(options["output"]), "bytes": len(content)}
        self.stdout.write(json.dumps(written) if options["json"] else f"{document.number}: {len(content)} bytes in {options['output']}")

    @staticmethod
    def _content(document: Document, form: str) -> bytes:
        return document.snapshot.encode() if form == JSON else renderings.content(document, renderings.Format(form))
