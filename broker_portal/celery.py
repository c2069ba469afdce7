"""The Celery application and the only timetable. A task is a nudge: the work itself is rows (decision 23)."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broker_portal.settings")

app = Celery("broker_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    timezone="Europe/Copenhagen",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    beat_schedule={
        "heartbeat": {"task": "broker_portal.tasks.heartbeat", "schedule": 5.0},
        "roll-usage": {"task": "billing.tasks.roll", "schedule": 5.0},
        "sweep-work": {"task": "billing.tasks.sweep", "schedule": 30.0},
        "sweep-core-sessions": {"task": "authflows.tasks.sweep_core_sessions", "schedule": 15.0},
        "expire-logins": {"task": "authflows.tasks.expire_logins", "schedule": 30.0},
        "purge-ended": {"task": "authflows.tasks.purge", "schedule": crontab(hour=2, minute=10)},
        "rotate-keys": {"task": "authflows.tasks.rotate_keys", "schedule": crontab(hour=1, minute=40)},
        "open-partitions": {"task": "billing.tasks.open_partitions", "schedule": crontab(hour=1, minute=5)},
        "recount": {"task": "billing.tasks.recount", "schedule": crontab(hour=2, minute=30)},
        # On the 1st; every other day it finds it done, or catches up.
        "draft-last-month": {"task": "billing.tasks.draft_last_month", "schedule": crontab(hour=3, minute=0)},
        "issue-approved": {"task": "billing.tasks.issue_due", "schedule": crontab(hour=4, minute=0)},
        "send-outbox": {"task": "broker_portal.tasks.send_outbox", "schedule": 10.0},
        "purge-sent": {"task": "broker_portal.tasks.purge", "schedule": crontab(hour=2, minute=20)},
    },
)
app.autodiscover_tasks(["broker_portal", "authflows", "billing"])
