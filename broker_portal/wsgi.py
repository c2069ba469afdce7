"""The application as granian loads it, warm before the first person comes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from authflows.front import Front

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broker_portal.settings")


def load() -> Front:
    django = get_wsgi_application()
    # What it imports needs Django to be set up.
    from authflows.front import Front

    warm_up(django)
    return Front(django)


def warm_up(django: WSGIHandler) -> None:
    """Loads the middleware and the URL map: the first request of a worker would otherwise take half a second for it."""
    from django.conf import settings

    environ: dict[str, object] = {}
    setup_testing_defaults(environ)
    environ |= {"HTTP_HOST": urlsplit(settings.BASE_URL).netloc, "PATH_INFO": "/healthz", "REMOTE_ADDR": "127.0.0.1"}
    response = django(environ, lambda status, headers, exc_info=None: lambda body: None)
    response.close()


application = load()
