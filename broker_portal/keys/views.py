"""The keys that an environment signs with and is written to with: which they are, and how its owner changes them before their time."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from authflows import configuration, key_rotation
from authflows.keys import Urgency
from authflows.models import Purpose
from broker_portal import context
from broker_portal.access import Action, TenantAccess, tenant_access
from broker_portal.answers import SeeOther
from broker_portal.clients import registry
from tenants.models import Environment, Issuer, IssuerState, Kind

HOW = (
    (
        Urgency.NOW.value,
        gettext_lazy("A planned change: the next key, which is published already, takes over; the old one is trusted until it ends"),
    ),
    (
        Urgency.COMPROMISED.value,
        gettext_lazy("Somebody else may have a key: new keys at once, and nothing that the old ones signed is trusted"),
    ),
)


class Rotation(forms.Form):
    how = forms.ChoiceField(label=gettext_lazy("Why"), choices=HOW, widget=forms.RadioSelect)
    reason = forms.CharField(label=gettext_lazy("For the audit trail"), max_length=200)


@require_GET
def index(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_CLIENTS)
    return _page(request, access, registry.environment_of(access.tenant.id, environment), Rotation())


@require_POST
def rotate(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.ROTATE_KEYS)
    place, form = registry.environment_of(access.tenant.id, environment), Rotation(request.POST)
    if not form.is_valid():
        return _page(request, access, place, form, status=422)
    urgency, reason = Urgency(form.cleaned_data["how"]), form.cleaned_data["reason"]
    try:
        key_rotation.rotate(access.tenant.id, place.id, urgency, actor=access.actor, reason=reason)
    except LookupError:
        form.add_error(None, _("The next keys have been published for less than a day: services may not know them yet."))
        return _page(request, access, place, form, status=422)
    messages.success(request, _("The keys are changed"))
    return SeeOther(reverse("portal:keys", args=[access.tenant.slug, environment]))


def _page(request: HttpRequest, access: TenantAccess, place: Environment, form: Rotation, *, status: int = 200) -> HttpResponse:
    issuers = Issuer.objects.select_related("domain").filter(environment_id=place.id, state=IssuerState.ACTIVE).order_by("id")
    page = {
        "keys": key_rotation.shown(access.tenant.id, place.id),
        "encrypts": Purpose.OIDC_DECRYPT.value,
        "addresses": [f"{configuration.url_of(issuer)}/jwks" for issuer in issuers],
        "may_rotate": access.may(Action.ROTATE_KEYS),
        "form": form,
    }
    return render(request, "portal/keys/index.html", context.of_tenant(access, place.kind, "keys") | page, status=status)
