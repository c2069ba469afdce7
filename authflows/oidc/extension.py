"""The deployer's hook on id_tokens: django-oidc-provider's OIDC_IDTOKEN_PROCESSING_HOOK, one function or several."""

from __future__ import annotations

from typing import Any

from oidc_provider import settings
from oidc_provider.lib.utils.common import run_processing_hook

from authflows.configuration import Client
from authflows.oidc import claims

HOOK = "OIDC_IDTOKEN_PROCESSING_HOOK"
NONE = settings.default_settings.OIDC_IDTOKEN_PROCESSING_HOOK


def processed(said: dict[str, Any], client: Client, scope: str) -> dict[str, Any]:
    """What an id_token says after the deployer's hook has seen it; members of the protocol stay as they are.

    The hook is called with `user=None`, `request=None` and an unsaved Token that has the client and the scopes.
    """
    if settings.get(HOOK) == NONE:
        return said
    token = claims.value(client, scope.split())
    token.id_token = said
    changed: dict[str, Any] = run_processing_hook(dict(said), HOOK, user=None, token=token, request=None)
    ours = {name: value for name, value in said.items() if name in claims.PROTOCOL}
    return {name: value for name, value in changed.items() if name not in claims.PROTOCOL} | ours
