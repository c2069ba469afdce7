from django.apps import AppConfig


class BrokerPortalConfig(AppConfig):
    name = "broker_portal"
    verbose_name = "Broker Portal"

    def ready(self) -> None:
        # Registers the system checks; and makes our Celery application the one that every process nudges through.
        from broker_portal import celery, checks, tasks  # noqa: F401  (importing registers them)
        from tenants import outbox

        outbox.sent_by(tasks.send_outbox)
