"""The design of an environment's pages: draft, published, rolled back; who did it and when.

Versions are rows of Theme under the environment's kind. At most one of them is a draft, and it is the newest; the newest published one
is what the environment's services show.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authflows import configuration
from authflows.loginbox import contrast, design, logos
from authflows.loginbox.contrast import Pair
from authflows.loginbox.design import Design, Malformed, Problem
from authflows.models import Logo, RelyingParty, Service, Theme
from tenants import audit
from tenants.isolation import tenant_scope
from tenants.models import Environment


class Overtaken(Exception):
    """Somebody else has saved meanwhile; nothing was changed."""


class NoSuchVersion(Exception):
    pass


class LowContrast(Exception):
    """Pairs of colours that cannot be published; nothing was changed."""

    def __init__(self, pairs: list[Pair]) -> None:
        super().__init__(", ".join(f"{pair.scheme}: {pair.foreground} on {pair.background}" for pair in pairs))
        self.pairs = pairs


@dataclass(frozen=True, slots=True)
class Version:
    id: uuid.UUID
    number: int
    design: Design
    logo_id: uuid.UUID | None
    saved_at: datetime
    saved_by: str
    published_at: datetime | None
    published_by: str
    restored_from: int | None

    @property
    def draft(self) -> bool:
        return self.published_at is None

    @property
    def mark(self) -> str:
        """Tells whether a version is still what somebody began to edit."""
        return f"{self.number}-{self.saved_at.timestamp():f}"


def newest(tenant_id: uuid.UUID, environment: Environment) -> Version | None:
    """The draft, or where there is none what is published."""
    with tenant_scope(tenant_id):
        return _version(_versions(tenant_id, environment).first())


def published(tenant_id: uuid.UUID, environment: Environment) -> Version | None:
    with tenant_scope(tenant_id):
        return _version(_versions(tenant_id, environment).filter(published_at__isnull=False).first())


def history(tenant_id: uuid.UUID, environment: Environment) -> list[Version]:
    """The newest first."""
    with tenant_scope(tenant_id):
        return [found for row in _versions(tenant_id, environment) if (found := _version(row))]


def clients(tenant_id: uuid.UUID, environment: Environment) -> int:
    """How many clients show the environment's design."""
    with tenant_scope(tenant_id):
        return RelyingParty.objects.of(tenant_id).filter(environment_id=environment.id, closed_at__isnull=True).count()


def save(
    tenant_id: uuid.UUID,
    environment: Environment,
    wanted: Design,
    *,
    actor: str,
    logo: logos.Logo | uuid.UUID | None,
    mark: str | None = None,
) -> Version:
    """As the draft. `logo`: a new one, the id of one that is kept, or none. `mark` is that of the version that was edited.

    Raises Overtaken where that has changed, NoSuchVersion where the logo to keep is not the tenant's.
    """
    with tenant_scope(tenant_id):
        last = _locked(tenant_id, environment)
        known = _version(last)
        if mark is not None and mark != (known.mark if known else ""):
            raise Overtaken
        logo_id = _store(tenant_id, logo) if isinstance(logo, logos.Logo) else _own(tenant_id, logo)
        if last is None or last.published_at is not None:
            last = Theme(tenant_id=tenant_id, name=environment.kind, version=last.version + 1 if last else 1)
        _become(last, wanted, logo_id, actor)
        last.save()
        _told(tenant_id, environment, "design.saved", actor, after=last)
    return _certain(last)


def publish(tenant_id: uuid.UUID, environment: Environment, *, actor: str, mark: str | None = None) -> Version:
    """The draft, for the next page that anybody opens. Raises NoSuchVersion without a draft, LowContrast, Overtaken."""
    with tenant_scope(tenant_id):
        draft = _locked(tenant_id, environment)
        if draft is None or draft.published_at is not None:
            raise NoSuchVersion
        if mark is not None and mark != _certain(draft).mark:
            raise Overtaken
        before = _versions(tenant_id, environment).filter(published_at__isnull=False).first()
        _publish(tenant_id, environment, draft, actor)
        _told(tenant_id, environment, "design.published", actor, before=before, after=draft)
    return _certain(draft)


def restore(tenant_id: uuid.UUID, environment: Environment, number: int, *, actor: str) -> Version:
    """Publishes anew what an earlier version was; a draft stays a draft. Raises NoSuchVersion, LowContrast."""
    with tenant_scope(tenant_id):
        last = _locked(tenant_id, environment)
        earlier = _versions(tenant_id, environment).filter(version=number, published_at__isnull=False).first()
        if last is None or earlier is None:
            raise NoSuchVersion
        before = _versions(tenant_id, environment).filter(published_at__isnull=False).first()
        again = Theme(tenant_id=tenant_id, name=environment.kind, version=last.version + 1, restored_from=number)
        if last.published_at is None:
            # The draft stays the newest.
            again.version = last.version
            Theme.objects.of(tenant_id).filter(id=last.id).update(version=F("version") + 1)
        _become(again, _certain(earlier).design, earlier.logo_id, actor)
        _publish(tenant_id, environment, again, actor)
        _told(tenant_id, environment, "design.restored", actor, before=before, after=again)
    return _certain(again)


def discard(tenant_id: uuid.UUID, environment: Environment, *, actor: str) -> bool:
    """Throws the draft away. False where there was none."""
    with tenant_scope(tenant_id):
        draft = _locked(tenant_id, environment)
        if draft is None or draft.published_at is not None:
            return False
        draft.delete()
        _told(tenant_id, environment, "design.discarded", actor, before=draft)
    return True


def exported(tenant_id: uuid.UUID, version: Version) -> dict[str, Any]:
    """A document for `imported`, in another environment or tenant."""
    with tenant_scope(tenant_id):
        logo = Logo.objects.of(tenant_id).filter(id=version.logo_id).first() if version.logo_id else None
    image = {"media_type": logo.media_type, "base64": base64.b64encode(bytes(logo.content)).decode()} if logo else None
    return version.design.document() | {"logo": image}


def imported(tenant_id: uuid.UUID, environment: Environment, text: bytes, *, actor: str) -> Version:
    """As the draft, in place of what it was. Raises Malformed; then nothing has changed."""
    document = design.parse(text)
    wanted = design.read(document)
    return save(tenant_id, environment, wanted, actor=actor, logo=_enclosed(document.get("logo")))


def _enclosed(image: Any) -> logos.Logo | None:
    """What an export carries is cleaned like any upload."""
    if image is None:
        return None
    text = image.get("base64") if isinstance(image, dict) and set(image) == {"media_type", "base64"} else None
    if not isinstance(text, str):
        raise Malformed([Problem("$.logo", _("Must be null, or an object with media_type and base64."))])
    try:
        return logos.cleaned(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise Malformed([Problem("$.logo.base64", _("This is not base64."))]) from None
    except logos.Refused as refused:
        raise Malformed([Problem("$.logo.base64", refused.text)]) from None


def _versions(tenant_id: uuid.UUID, environment: Environment) -> Any:
    return Theme.objects.of(tenant_id).filter(name=environment.kind).order_by("-version")


def _locked(tenant_id: uuid.UUID, environment: Environment) -> Theme | None:
    """The newest version, while nobody else changes the environment's design; a login's references to the environment go on."""
    Environment.objects.of(tenant_id).select_for_update(no_key=True).get(id=environment.id)
    found: Theme | None = _versions(tenant_id, environment).first()
    return found


def _version(theme: Theme | None) -> Version | None:
    return None if theme is None else _certain(theme)


def _certain(theme: Theme) -> Version:
    held = Design(theme.layout, theme.content_on_phones, tuple(theme.kinds), theme.values, theme.texts)
    return Version(
        id=theme.id,
        number=theme.version,
        design=held,
        logo_id=theme.logo_id,
        saved_at=theme.saved_at,
        saved_by=theme.saved_by,
        published_at=theme.published_at,
        published_by=theme.published_by,
        restored_from=theme.restored_from,
    )


def _become(theme: Theme, wanted: Design, logo_id: uuid.UUID | None, actor: str) -> None:
    theme.layout, theme.content_on_phones, theme.kinds = wanted.layout, wanted.content_on_phones, list(wanted.kinds)
    theme.values, theme.texts, theme.logo_id = wanted.values, wanted.texts, logo_id
    theme.saved_at, theme.saved_by = timezone.now(), actor


def _publish(tenant_id: uuid.UUID, environment: Environment, theme: Theme, actor: str) -> None:
    if failing := contrast.failing(theme.values):
        raise LowContrast(failing)
    theme.published_at, theme.published_by = timezone.now(), actor
    theme.save()
    Service.objects.of(tenant_id).filter(environment_id=environment.id).update(theme_id=theme.id)
    configuration.changed(tenant_id, environment.id)


def _store(tenant_id: uuid.UUID, logo: logos.Logo) -> uuid.UUID:
    values = {"media_type": logo.media_type, "content": logo.content, "width": logo.width, "height": logo.height}
    row, _made = Logo.objects.of(tenant_id).get_or_create(digest=logo.digest, defaults={"tenant_id": tenant_id, **values})
    return row.id


def _own(tenant_id: uuid.UUID, logo_id: uuid.UUID | None) -> uuid.UUID | None:
    if logo_id is not None and not Logo.objects.of(tenant_id).filter(id=logo_id).exists():
        raise NoSuchVersion
    return logo_id


def _told(
    tenant_id: uuid.UUID, environment: Environment, action: str, actor: str, *, before: Theme | None = None, after: Theme | None = None
) -> None:
    old, new = (_facts(theme) if theme else None for theme in (before, after))
    audit.record(tenant_id, actor=actor, action=action, subject=f"environment:{environment.id}", before=old, after=new)


def _facts(theme: Theme) -> dict[str, Any]:
    document = json.dumps(_certain(theme).design.document(), sort_keys=True).encode()
    restored = {"restored_from": theme.restored_from} if theme.restored_from else {}
    return {"version": theme.version, "sha256": hashlib.sha256(document).hexdigest(), "logo": str(theme.logo_id or "")} | restored
