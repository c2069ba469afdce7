"""The product's own Celery application, with rendering in a queue that the bench's workers do not listen to."""

from broker_portal.celery import app

app.conf.task_routes = {"billing.tasks.render": {"queue": "rendering"}}
