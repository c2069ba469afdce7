"""What must hold before anything is served: `manage.py check`, with `--database default` for what only the database can tell."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_UNSAFE = """
SELECT r.rolsuper, r.rolbypassrls, EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
FROM pg_roles r WHERE r.rolname = current_user
"""
_owner_at_work = False


@contextmanager
def as_owner() -> Iterator[None]:
    """While `migrate` holds the owner's connection in the application's place."""
    global _owner_at_work
    _owner_at_work = True
    try:
        yield
    finally:
        _owner_at_work = False


def unsafe_role(connection: BaseDatabaseWrapper) -> str | None:
    """Why row-level security would not hold back this connection's role, or None (decision 1)."""
    with connection.cursor() as cursor:
        cursor.execute(_UNSAFE)
        superuser, bypasses, owner = cursor.fetchone()
    found = {"is a superuser": superuser, "has BYPASSRLS": bypasses, "owns the tables": owner}
    reasons = " and ".join(reason for reason, true in found.items() if true)
    return f"DATABASE_URL: its role {reasons}, so row-level security would not hold it back" if reasons else None


def refuse_unsafe_role(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Ends the first connection that a process makes with the wrong role."""
    if _owner_at_work:
        return
    if reason := unsafe_role(connection):
        connection.close()
        raise ImproperlyConfigured(reason)
    connection_created.disconnect(dispatch_uid=_GUARD)


_GUARD = "broker_portal.checks.refuse_unsafe_role"
connection_created.connect(refuse_unsafe_role, dispatch_uid=_GUARD)


@register(Tags.database)
def application_role(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    if "default" not in (databases or ()) or _owner_at_work:
        return []
    try:
        reason = unsafe_role(connections["default"])
    except ImproperlyConfigured as refused:
        reason = str(refused)
    return [Error(reason, id="broker.E001")] if reason else []


@register(Tags.security)
def live_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What the demonstration may do without and a live installation may not."""
    if settings.DEMO:
        return []
    portal, box = (str(urlsplit(url).hostname or "") for url in (settings.BASE_URL, settings.BOX_URL))
    from_file = settings.SECRET_KEY_FILE.exists() and settings.SECRET_KEY_FILE.read_text().strip() == settings.SECRET_KEY
    faults = {
        "E002": (not settings.HTTPS, "BASE_URL must be https"),
        "E003": (from_file, "SECRET_KEY must be set: the key in the data directory belongs to the demonstration"),
        "E004": (not settings.MASTER_KEYS and not _is_private_file(), "set BROKER_MASTER_KEYS, or a BROKER_MASTER_KEY_FILE of mode 0600"),
        "E005": (not settings.ISSUER_DOMAIN, "ISSUER_DOMAIN must be set: path issuers are the demonstration's"),
        "E006": (_below(portal, settings.ISSUER_DOMAIN), "portal and issuers must have different hosts: BASE_URL lies below ISSUER_DOMAIN"),
        "E007": (bool(box) and box == portal, "portal and box must have different hosts: BOX_URL is BASE_URL's"),
    }
    return [Error(text, id=f"broker.{number}") for number, (wrong, text) in faults.items() if wrong]


@register(Tags.database)
def live_rows(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """What is in the database that a live installation refuses (decisions 4 and 5)."""
    if settings.DEMO or "default" not in (databases or ()) or _owner_at_work:
        return []
    from tenants.models import Domain, Issuer, IssuerState

    found: list[CheckMessage] = []
    portal = str(urlsplit(settings.BASE_URL).hostname)
    if Domain.objects.filter(host=portal).exists():
        found.append(Error(f"{portal} is the portal's host and an issuer's or a box's at once", id="broker.E008"))
    if Issuer.objects.filter(path__isnull=False, state=IssuerState.ACTIVE).exists():
        found.append(Error("there are issuers as paths below the portal's host", id="broker.E009"))
    if slugs := _productions_on_the_simulator():
        found.append(Error(f"production environments are on the simulator: {', '.join(slugs)}", id="broker.E010"))
    return found


def _productions_on_the_simulator() -> list[str]:
    from authflows.models import Connection, ConnectionGrant
    from tenants.isolation import tenant_scope
    from tenants.models import Kind, Tenant

    simulators = list(Connection.objects.filter(kind="simulator").values_list("id", flat=True))
    slugs = []
    for tenant in Tenant.objects.order_by("slug") if simulators else ():
        with tenant_scope(tenant.id):
            granted = ConnectionGrant.objects.of(tenant.id).filter(connection_id__in=simulators)
            if granted.filter(environment__kind=Kind.PRODUCTION).exists():
                slugs.append(tenant.slug)
    return slugs


def _is_private_file() -> bool:
    path = settings.MASTER_KEY_FILE
    if path == settings.DATA_DIR / "keys" / "master.json" or not path.is_file():
        return False
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def _below(host: str, domain: str) -> bool:
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))
