"""`migrate`, as the owner: takes the owner's connection by itself and gives the application role its privileges."""

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import connection

from broker_portal.checks import as_owner
from tenants.isolation import grant_privileges


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        application = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update({key: settings.OWNER_DATABASE[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "OPTIONS")})
        try:
            with as_owner():
                super().handle(*args, **options)
                grant_privileges(str(application["USER"]))
        finally:
            connection.close()
            connection.settings_dict.update(application)
