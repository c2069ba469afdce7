"""Whether this installation can work, told within 100 ms whatever hangs: each probe runs in a thread and is left behind in it."""

from __future__ import annotations

import logging
import pkgutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib import import_module

from django.apps import apps
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from broker_portal.celery import app
from broker_portal.tasks import WORKER
from tenants.models import Heartbeat

logger = logging.getLogger(__name__)

DEADLINE = 0.07
# Beat asks for a heartbeat every five seconds.
HEARTBEAT_LASTS = timedelta(seconds=20)


class Unready(Exception):
    """Why, in words that may be shown to anybody: no host, no user, no version."""


@dataclass
class Probe:
    """One question, asked by one thread at a time: a probe that hangs costs one thread, not one for each request."""

    name: str
    ask: Callable[[], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _reason: str = ""

    def start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=f"probe-{self.name}", daemon=True)
                self._thread.start()

    def reason(self, deadline: float) -> str:
        """Why not, or nothing; `deadline` in the monotonic clock's seconds."""
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                return f"{self.name}: no answer"
        return self._reason

    def _run(self) -> None:
        try:
            self.ask()
        except Unready as reason:
            self._reason = str(reason)
        except Exception as error:
            logger.warning("probe %s: %s", self.name, error)
            self._reason = f"{self.name}: not reachable"
        else:
            self._reason = ""


def database() -> None:
    try:
        examine_database()
    finally:
        # This thread's own, and the thread ends here.
        connection.close()


def examine_database() -> None:
    """Raises Unready for waiting migrations or a missing heartbeat, and whatever a connection raises."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        waiting = known_migrations() - {(app_label, name) for app_label, name in cursor.fetchall()}
    if waiting:
        raise Unready(f"migrations: {len(waiting)} not applied")
    beat = Heartbeat.objects.filter(name=WORKER).first()
    if beat is None or timezone.now() - beat.at > HEARTBEAT_LASTS:
        raise Unready("worker: no heartbeat")


def queue() -> None:
    # The transport's own way to be asked: with Redis and Valkey a PING.
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=1, interval_start=0, interval_step=0)


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """All that this code brings, by (app, name), without importing them."""
    found = set()
    for config in apps.get_app_configs():
        try:
            package = import_module(f"{config.name}.migrations")
        except ModuleNotFoundError:
            continue
        found |= {(config.label, module.name) for module in pkgutil.iter_modules(package.__path__) if module.name[0] not in "_~"}
    return frozenset(found)


# With the program: the first probe of a process has no time for it.
app.connection_for_write().get_transport_cls()
known_migrations()
PROBES = (Probe("database", database), Probe("queue", queue))


@login_not_required
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, migrations, queue and a worker that has worked lately; 503 and the reasons otherwise."""
    deadline = time.monotonic() + DEADLINE
    for probe in PROBES:
        probe.start()
    reasons = [reason for probe in PROBES if (reason := probe.reason(deadline))]
    if reasons:
        return JsonResponse({"status": "not ready", "reasons": reasons}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ready"})
