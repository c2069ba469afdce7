"""Takes a new master key into use and wraps every tenant's data key with it, beside running servers; then the old one opens nothing.

Keep the old key with the backups that are older than this: they need it.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants import vault
from tenants.masterkeys import FixedMasterKeys, UnknownMasterKey


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rotation = vault.change_master_key()
        except FixedMasterKeys as source:
            raise CommandError(f"put a new key first in {source}, start every process again, then run this") from None
        except UnknownMasterKey as reason:
            raise CommandError(f"{reason}; nothing was forgotten") from None
        if options["json"]:
            self.stdout.write(json.dumps({"current": rotation.kid, "others_forgotten": rotation.others_forgotten}))
            return
        self.stdout.write(f"Master key {rotation.kid} is in use.")
        if not rotation.others_forgotten:
            self.stdout.write("Every data key is wrapped by it: the others may leave BROKER_MASTER_KEYS now.")
