"""What must be true before anything is served, in one process: migrated, static files collected, the address recorded, the story seeded."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import Tags
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("base_url", nargs="?", default=settings.BASE_URL)
        parser.add_argument("--demonstration", action="store_true", help="seed the story and print its logins")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        if not options["skip_checks"]:
            self.check(tags=[Tags.database], databases=["default"])
        collect_static_files()
        call_command("record_base_url", options["base_url"])
        if options["demonstration"]:
            call_command("seed_demonstration", stdout=self.stdout)


def collect_static_files() -> None:
    """Only where a source file has changed: hashing and compressing all of them takes longer than everything else in a second start."""
    note = Path(settings.STATIC_ROOT) / "sources.sha256"
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            digest.update(f"{name}\0{storage.size(name)}\0{storage.get_modified_time(name).timestamp()}\n".encode())
    if not note.exists() or note.read_text() != digest.hexdigest():
        call_command("collectstatic", interactive=False, verbosity=0)
        note.write_text(digest.hexdigest())
