"""Reads every issued document and names those that are altered, deleted, inserted or cut off; exit 1 when there is one.

Keep the heads elsewhere (--export): a chain that was rewritten as a whole no longer contains them (--anchor).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import verifying


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--export", metavar="FILE", type=Path, help="write the heads of all series")
        parser.add_argument("--anchor", metavar="FILE", type=Path, help="heads that were exported earlier and must still be there")
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verifying.verify(self._anchors(options["anchor"]))
        if options["export"]:
            try:
                options["export"].write_text(json.dumps({"heads": verdict.heads}, indent=1) + "\n")
            except OSError as error:
                raise CommandError(f"--export: {error}") from None
        faults = [asdict(fault) for fault in verdict.faults]
        if options["json"]:
            self.stdout.write(json.dumps({"documents": verdict.documents, "faults": faults}))
        else:
            self.stdout.write(f"{verdict.documents} documents, {len(faults)} faults")
        if faults:
            raise CommandError("; ".join(f"{fault.number}: {fault.what}, {fault.detail}" for fault in verdict.faults))

    @staticmethod
    def _anchors(file: Path | None) -> list[verifying.Head]:
        if file is None:
            return []
        try:
            heads: list[verifying.Head] = json.loads(file.read_text())["heads"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CommandError(f"--anchor: {error}") from None
        return heads
