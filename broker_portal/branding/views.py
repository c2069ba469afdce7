"""The look of an environment's pages: edited, previewed, published, rolled back, taken along."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from authflows import configuration, designs, previews
from authflows.designs import LowContrast, NoSuchVersion, Overtaken, Version
from authflows.loginbox import contrast, design
from authflows.loginbox.contrast import Pair
from authflows.loginbox.design import Malformed
from broker_portal import context
from broker_portal.access import Action, TenantAccess, tenant_access
from broker_portal.answers import SeeOther
from broker_portal.branding import forms
from broker_portal.branding.forms import DesignForm, ImportForm
from broker_portal.clients import registry
from broker_portal.middleware import CONTENT_SECURITY_POLICY
from tenants.models import Environment, Issuer, IssuerState, Kind, User

LANGUAGES = ("da", "en")


@require_http_methods(["GET", "POST"])
def editor(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    """GET for those who may see it; POST saves the draft."""
    access = tenant_access(request, tenant, Action.CHANGE_BRANDING if request.method == "POST" else Action.SEE_BRANDING)
    place = registry.environment_of(access.tenant.id, environment)
    version = designs.newest(access.tenant.id, place)
    form = _form(request, version)
    if form.is_valid() and _saved(access, place, version, form):
        messages.success(request, _("The draft is saved"))
        return SeeOther(_address(access, environment))
    return _editor(request, access, place, version, form)


@require_POST
def publish(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_BRANDING)
    place = registry.environment_of(access.tenant.id, environment)
    try:
        published = designs.publish(access.tenant.id, place, actor=access.actor, mark=str(request.POST.get("mark", "")))
    except LowContrast:
        messages.error(request, _("Nothing is published: the contrast is too low."))
    except (NoSuchVersion, Overtaken):
        messages.error(request, _("Nothing is published: the draft has changed meanwhile. Look at it again."))
    else:
        messages.success(request, _("Version %(number)s is published") % {"number": published.number})
    return SeeOther(_address(access, environment))


@require_POST
def discard(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_BRANDING)
    if designs.discard(access.tenant.id, registry.environment_of(access.tenant.id, environment), actor=access.actor):
        messages.success(request, _("The draft is discarded"))
    return SeeOther(_address(access, environment))


@require_GET
def versions(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.SEE_BRANDING)
    place = registry.environment_of(access.tenant.id, environment)
    found = designs.history(access.tenant.id, place)
    names = _names({each.saved_by for each in found} | {each.published_by for each in found})
    current = next((each.number for each in found if not each.draft), None)
    issuer = _issuer(access, place)
    rows = [_row(each, names, current, issuer) for each in found]
    page = {"versions": rows, "may_edit": access.may(Action.CHANGE_BRANDING)}
    return render(request, "portal/branding/versions.html", context.of_tenant(access, environment, "branding") | page)


@require_POST
def restore(request: HttpRequest, tenant: str, environment: Kind, number: int) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_BRANDING)
    place = registry.environment_of(access.tenant.id, environment)
    try:
        again = designs.restore(access.tenant.id, place, number, actor=access.actor)
    except NoSuchVersion:
        raise Http404 from None
    except LowContrast:
        messages.error(request, _("Nothing is published: the contrast is too low."))
    else:
        messages.success(request, _("Version %(number)s is published, as version %(old)s was") % {"number": again.number, "old": number})
    return SeeOther(reverse("portal:branding_versions", args=[access.tenant.slug, environment]))


@require_GET
def export(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    """The draft, or what is published: what the editor shows."""
    access = tenant_access(request, tenant, Action.SEE_BRANDING)
    version = designs.newest(access.tenant.id, registry.environment_of(access.tenant.id, environment))
    document = designs.exported(access.tenant.id, version) if version else design.PLAIN.document() | {"logo": None}
    response = HttpResponse(json.dumps(document, indent=2, ensure_ascii=False) + "\n", content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="design-{access.tenant.slug}-{environment}.json"'
    return response


@require_http_methods(["GET", "POST"])
def import_(request: HttpRequest, tenant: str, environment: Kind) -> HttpResponse:
    access = tenant_access(request, tenant, Action.CHANGE_BRANDING)
    place = registry.environment_of(access.tenant.id, environment)
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    problems: list[design.Problem] = []
    if form.is_valid():
        try:
            designs.imported(access.tenant.id, place, form.cleaned_data["file"], actor=access.actor)
        except Malformed as malformed:
            problems = malformed.problems
        else:
            messages.success(request, _("The design is imported as a draft"))
            return SeeOther(_address(access, environment))
    shell = context.of_tenant(access, environment, "branding")
    page = {"form": form, "problems": problems[:20]}
    return render(request, "portal/branding/import.html", shell | page, status=422 if form.is_bound else 200)


def _form(request: HttpRequest, version: Version | None) -> DesignForm:
    current, mark = (version.design, version.mark) if version else (design.PLAIN, "")
    if request.method != "POST":
        return DesignForm(current=current, mark=mark)
    sent = request.POST
    if pair := sent.get("use"):
        sent = forms.corrected(sent, str(pair))
    return DesignForm(sent, request.FILES, current=current, mark=mark)


def _saved(access: TenantAccess, place: Environment, version: Version | None, form: DesignForm) -> bool:
    kept = None if version is None or form.cleaned_data["without_logo"] else version.logo_id
    logo = form.cleaned_logo or kept
    try:
        designs.save(access.tenant.id, place, form.wanted(), actor=access.actor, logo=logo, mark=form.cleaned_data["mark"])
    except Overtaken:
        form.add_error(None, _("Somebody else has saved meanwhile, so nothing was saved. Open the page anew in another tab and compare."))
        return False
    return True


def _editor(request: HttpRequest, access: TenantAccess, place: Environment, version: Version | None, form: DesignForm) -> HttpResponse:
    current = version.design if version else design.PLAIN
    issuer = _issuer(access, place)
    published = designs.published(access.tenant.id, place)
    names = _names({each.saved_by for each in (version,) if each} | {each.published_by for each in (published,) if each})
    page = {
        "form": form,
        "draft": version if version and version.draft else None,
        "has_logo": bool(version and version.logo_id),
        "saved_by": names.get(version.saved_by, "") if version else "",
        "published": published,
        "published_by": names.get(published.published_by, "") if published else "",
        "pairs": [_pair(pair) for pair in contrast.pairs(current.values)],
        "failing": [_pair(pair) for pair in contrast.failing(current.values)],
        "clients": designs.clients(access.tenant.id, place),
        "may_edit": access.may(Action.CHANGE_BRANDING),
        "simulated": configuration.simulator_allowed(place.kind),
        **_preview(request, issuer, version),
    }
    shell = context.of_tenant(access, place.kind, "branding")
    response = render(request, "portal/branding/editor.html", shell | page, status=422 if form.is_bound else 200)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src {_origin(issuer)}"
    return response


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "scheme": forms.SCHEME_NAMES[pair.scheme],
        "name": pair.name,
        "ratio": pair.ratio,
        "needs": pair.needs,
        "better": pair.better,
        "correction": forms.correction(pair),
    }


def _preview(request: HttpRequest, issuer: str, version: Version | None) -> dict[str, Any]:
    """What is framed, by what the segmented links chose."""
    chosen = {
        "stage": _one_of(request.GET.get("stage"), previews.STAGES),
        "scheme": _one_of(request.GET.get("scheme"), ("light", "dark")),
        "shown_language": _one_of(request.GET.get("language"), LANGUAGES),
    }
    theme_id = version.id if version else previews.NO_VERSION
    address = previews.address(issuer, theme_id, stage=chosen["stage"], scheme=chosen["scheme"])
    return chosen | {"preview_url": f"{address}?language={chosen['shown_language']}"}


def _one_of(wanted: str | None, known: tuple[str, ...]) -> str:
    return wanted if wanted in known else known[0]


def _issuer(access: TenantAccess, place: Environment) -> str:
    rows = Issuer.objects.select_related("domain").filter(tenant=access.tenant, environment_id=place.id, state=IssuerState.ACTIVE)
    issuer = rows.order_by("id").first()
    if issuer is None:
        raise Http404
    return configuration.url_of(issuer)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _row(version: Version, names: dict[str, str], current: int | None, issuer: str) -> dict[str, Any]:
    by = version.saved_by if version.draft else version.published_by
    return {
        "number": version.number,
        "draft": version.draft,
        "current": version.number == current,
        "at": version.published_at or version.saved_at,
        "by": names.get(by, ""),
        "restored_from": version.restored_from,
        "layout": version.design.layout,
        "preview_url": previews.address(issuer, version.id),
    }


def _names(actors: set[str]) -> dict[str, str]:
    """What people call themselves, by what the audit chain calls them."""
    ids = {uuid.UUID(actor.removeprefix("user:")) for actor in actors if actor.startswith("user:")}
    return {f"user:{user.id}": user.name or user.email for user in User.objects.filter(id__in=ids)}


def _address(access: TenantAccess, environment: Kind) -> str:
    return reverse("portal:branding", args=[access.tenant.slug, environment])
