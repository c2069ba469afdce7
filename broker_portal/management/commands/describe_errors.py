"""Prints docs/errors.md, from the list of errors that the code has."""

from typing import Any

from django.core.management.base import BaseCommand

from authflows import error_guide


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(error_guide.markdown(), ending="")
