"""The portal's own tasks: that the queue and a worker live, and that announcements leave the house."""

from __future__ import annotations

import logging

from celery import shared_task
from django.core.management import call_command
from django.db.models.functions import Now

from broker_portal import signin
from broker_portal.delivery import deliver
from tenants import limits, outbox, work
from tenants.models import Heartbeat

logger = logging.getLogger(__name__)

WORKER = "worker"
BATCH = 50


@shared_task
def heartbeat() -> None:
    """Beat sent it, the queue carried it and a worker ran it: /readyz looks at the row."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"at": Now()})


@shared_task
def send_outbox() -> None:
    for message in outbox.claim(BATCH):
        try:
            deliver(message)
        except Exception:
            # Not sent, so it is tried again when its pause has passed.
            logger.warning("%s %s was not delivered, attempt %d", message.kind, message.id, message.attempts, exc_info=True)
        else:
            outbox.sent(message)


@shared_task
def purge() -> None:
    """What has ended and only takes room."""
    limits.purge()
    outbox.purge()
    work.purge()
    signin.purge()
    call_command("clearsessions")
