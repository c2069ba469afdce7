"""Stores where this installation answers; path issuers are told from it (decision 5). Run by the supervisor at start."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tenants.models import Installation


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("base_url", nargs="?", default=settings.BASE_URL)

    def handle(self, *args: Any, **options: Any) -> None:
        Installation.objects.update_or_create(id=1, defaults={"base_url": options["base_url"].rstrip("/"), "box_url": settings.BOX_URL})
