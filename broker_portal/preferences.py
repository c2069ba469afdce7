"""A person's language and theme: on the user, and before sign-in in a cookie."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from broker_portal.answers import SeeOther
from tenants.models import ColourScheme, Language, User

CHOICES: dict[str, list[str]] = {"language": Language.values, "colour_scheme": ColourScheme.values}
SECONDS = 365 * 24 * 3600


@login_not_required
@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """POST language or colour_scheme, and `next`; what is unknown changes nothing."""
    chosen = {name: value for name, allowed in CHOICES.items() if (value := request.POST.get(name)) in allowed}
    response = SeeOther(_next(request))
    if isinstance(request.user, User):
        User.objects.filter(id=request.user.id).update(**chosen)
    else:
        for name, value in chosen.items():
            response.set_cookie(name, value, max_age=SECONDS, secure=settings.HTTPS, httponly=True, samesite="Lax")
    return response


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=settings.HTTPS)
    return wanted if ours else "/"
