from django.apps import AppConfig
from oidc_provider.apps import OIDCProviderConfig


class AuthflowsConfig(AppConfig):
    name = "authflows"
    default_auto_field = "django.db.models.BigAutoField"


class ClientRegistryConfig(OIDCProviderConfig):  # type: ignore[misc]  # the package carries no types
    """django-oidc-provider as our client registry: its models only (docs/decisions/0002)."""

    default_auto_field = "django.db.models.AutoField"
