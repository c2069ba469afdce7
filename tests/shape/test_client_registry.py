"""django-oidc-provider is our client registry and nothing more (docs/decisions/0002)."""

import subprocess
import sys

import pytest
from django.db import Error, connection, transaction

UNREACHABLE = (
    *("urls", "views", "admin", "middleware", "management", "lib.endpoints"),
    *("lib.utils.token", "lib.utils.authorize", "lib.utils.oauth2"),
)
LOADED = """
import django; django.setup()
from django.urls import get_resolver
import authflows.front, broker_portal.celery, sys
get_resolver().url_patterns; get_resolver("authflows.urls").url_patterns
print("\\n".join(name for name in sys.modules if name.startswith("oidc_provider")))
"""


def test_nothing_that_is_served_loads_its_protocol() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert "oidc_provider.models" in loaded
    assert not [name for name in loaded for forbidden in UNREACHABLE if f"{name}.".startswith(f"oidc_provider.{forbidden}.")]


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["oidc_provider_code", "oidc_provider_token", "oidc_provider_userconsent", "oidc_provider_rsakey"])
def test_the_database_refuses_rows_of_its_protocol(table: str) -> None:
    with pytest.raises(Error, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} DEFAULT VALUES")
