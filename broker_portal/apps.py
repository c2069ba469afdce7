from django.apps import AppConfig


class BrokerPortalConfig(AppConfig):
    name = "broker_portal"
    verbose_name = "Broker Portal"

    def ready(self) -> None:
        from broker_portal import checks  # noqa: F401  (registers the system checks)
