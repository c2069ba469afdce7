"""The application as granian loads it, warm before the first person comes."""

import os
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "broker_portal.settings")
application = get_wsgi_application()


def warm_up() -> None:
    """Loads the middleware and the URL map: the first request of a worker would otherwise take half a second for it."""
    from django.conf import settings

    environ: dict[str, object] = {}
    setup_testing_defaults(environ)
    environ |= {"HTTP_HOST": urlsplit(settings.BASE_URL).netloc, "PATH_INFO": "/healthz", "REMOTE_ADDR": "127.0.0.1"}
    response = application(environ, lambda status, headers, exc_info=None: lambda body: None)
    response.close()


warm_up()
