from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(open_partitions, sender=self)


def open_partitions(**_: Any) -> None:
    """A new installation has no month open, and one that stood still for long may have none either."""
    from django.utils import timezone

    from billing import usage
    from billing.periods import Month

    if "usage_event" in connection.introspection.table_names():
        usage.open_partitions(Month.at(timezone.now()).previous(), months=4)
