"""Where every upstream sends the browser back to: one address of an issuer's, for all of its connections and logins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from authflows.configuration import IssuerConfig
from authflows.cookies import HANDLE
from authflows.errors import PageError
from authflows.oidc.parameters import Parameters


def callback(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """`state` begins with the handle of a Login, whose own address reads the answer."""
    handle, dot, _ = answer(request).get("state").partition(".")
    if not dot or not HANDLE.fullmatch(handle):
        raise PageError("core_result", detail="an answer whose state is none of ours")
    return HttpResponse(status=303, headers={"Location": f"{issuer.prefix}/login/{handle}/return?{request.META['QUERY_STRING']}"})


def answer(request: HttpRequest) -> Parameters:
    """What an upstream says in the query. Raises PageError for one that says something twice."""
    sent = Parameters.read(str(request.META.get("QUERY_STRING", "")).encode("iso-8859-1"))
    if sent.repeated:
        raise PageError("repeated_parameter", detail=", ".join(sorted(sent.repeated)))
    return sent
