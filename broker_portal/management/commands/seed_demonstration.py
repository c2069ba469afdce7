"""Seeds the demonstration, once, and prints its addresses and logins. In demo mode only; again, it only prints."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from broker_portal.demonstration import story
from tenants import directory, tenancy


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--show", action="store_true", help="print the addresses and logins, change nothing")

    def handle(self, *args: Any, show: bool, **options: Any) -> None:
        if show:
            if not story.seeded(tenancy.first_operator()):
                raise CommandError("the demonstration is not seeded")
        else:
            try:
                story.seed()
            except story.Refused as refusal:
                raise CommandError(str(refusal)) from None
        self.stdout.write("\n".join(self._lines()))

    @staticmethod
    def _lines() -> list[str]:
        base = directory.base_url()
        logins = story.logins()
        width = max(len(login.email) for login in logins)
        return [
            "The demonstration: every name is invented, every price illustrative.",
            "",
            f"  {base}/",
            *(f"  {login.email:{width}}  {login.what}" for login in logins),
            f"  {'password of all':{width}}  {story.password()}",
            "",
            "On a tenant's login page the user id auto-approve logs in at once; freja approves on her phone:",
            f"  {base}/t/fjordbank/simulator/phone",
        ]
