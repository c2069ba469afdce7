"""The portal's own headers and language. Issuer and box addresses never come here (decision 26)."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils import translation

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

Answer = Callable[[HttpRequest], HttpResponseBase]


class PortalHeaders:
    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = _to_the_recorded_name(request) or self.get_response(request)
        # A view whose form ends elsewhere sets its own policy (decision 17).
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _to_the_recorded_name(request: HttpRequest) -> HttpResponseBase | None:
    """Another loopback name of this machine keeps cookies of its own: a login begun there would be lost on its way back."""
    base = urlsplit(settings.BASE_URL)
    here = str(request.META.get("HTTP_HOST") or "")
    loopback = urlsplit(f"//{here}").hostname in ("localhost", "127.0.0.1", "::1")
    if request.method != "GET" or here == base.netloc or not loopback or request.path in ("/healthz", "/readyz"):
        return None
    return HttpResponseRedirect(settings.BASE_URL + request.get_full_path())


class PortalLanguage:
    """Signed in: the user's own choice. Otherwise the browser's first of da and en."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        chosen = getattr(request.user, "language", None) or request.COOKIES.get("language")
        language = chosen if chosen in ("da", "en") else translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
            if hasattr(response, "render") and callable(response.render) and not getattr(response, "is_rendered", True):
                response = response.render()
            response.headers.setdefault("Content-Language", language)
            return response
