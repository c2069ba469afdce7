"""Takes along another provider's subjects, or NemID PIDs: what people are called at their first login here (docs/dialects.md)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from authflows import imported_subjects
from authflows.imported_subjects import Conflicts, Imported
from authflows.models import SubjectScheme
from tenants import directory
from tenants.isolation import tenant_scope
from tenants.models import Environment, Kind


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", help="UTF-8; header sub,mitid_uuid or pid,mitid_uuid; the second may be empty")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--environment", required=True, choices=[*Kind.values])
        parser.add_argument("--scheme", required=True, choices=[*SubjectScheme.values])
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = directory.tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"--tenant: there is no tenant {options['tenant']}")
        with tenant_scope(tenant.id):
            environment = Environment.objects.of(tenant.id).get(kind=options["environment"])
        try:
            rows = self._rows(options["file"], options["scheme"])
            done = imported_subjects.bring(tenant.id, environment.id, options["scheme"], rows, actor="command")
        except Conflicts as conflicts:
            self._tell(Imported(0, 0, 0), conflicts.problems, options["json"])
            raise CommandError(str(conflicts)) from None
        self._tell(done, [], options["json"])

    def _rows(self, file: str, scheme: str) -> list[imported_subjects.Row]:
        try:
            with open(file, encoding="utf-8-sig", newline="") as lines:
                return imported_subjects.read(lines, scheme)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise CommandError(f"{file}: not UTF-8") from None

    def _tell(self, done: Imported, problems: list[imported_subjects.Problem], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(asdict(done) | {"conflicts": [asdict(problem) for problem in problems]}))
            return
        for problem in problems:
            self.stdout.write(f"line {problem.line}: {problem.problem}")
        for name, value in asdict(done).items():
            self.stdout.write(f"{name}: {value}")
