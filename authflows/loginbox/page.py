"""Pages of a login: skeletons rendered once per issuer version, language and relying party, filled by substitution (decision 26)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from authflows import pages
from authflows.configuration import Client, IssuerConfig, LogoFile, ThemeValues
from authflows.loginbox import greenlandic, qr, theme
from authflows.pages import fill, plain

LANGUAGES = (("da", "DA", "Dansk"), ("en", "EN", "English"), ("kl", "KL", "Kalaallisut"))
_skeletons: dict[tuple[Any, ...], str] = {}


def page(issuer: IssuerConfig, client: Client | None, language: str, template: str, *, slot: str = "", **values: str) -> str:
    """A whole page. `slot` is finished HTML of ours; every other value is escaped here and nowhere else."""
    key = (issuer.id, issuer.version, client.relying_party_id if client else None, language, template)
    skeleton = _skeletons.get(key)
    if skeleton is None:
        if len(_skeletons) > 2000:
            _skeletons.clear()
        skeleton = _skeletons[key] = _render(issuer, client, language, template)
    return fill(skeleton, slot=slot, **values)


def _render(issuer: IssuerConfig, client: Client | None, language: str, template: str) -> str:
    with translation.override(language):
        return greenlandic.marked(render_to_string(f"loginbox/{template}.html", context(issuer, client, language)), language)


def context(issuer: IssuerConfig | None, client: Client | None, language: str) -> dict[str, Any]:
    """What every page around the box is told: the tenant's design, the operator's links, where we are."""
    design = client.theme if client and client.theme and "login" in client.theme.kinds else None
    return designed(issuer, design, client.alias if client else "", language)


def designed(issuer: IssuerConfig | None, design: ThemeValues | None, alias: str, language: str) -> dict[str, Any]:
    texts: dict[str, Any] = {}
    if design:
        texts = design.texts.get(language) or (design.texts.get("da", {}) if language == "kl" else {})
    name, _ = theme.published(design)
    return {
        "tenant_name": plain(issuer.tenant_name) if issuer else "",
        "operator_name": issuer.operator_name if issuer else "Broker Portal",
        "theme": f"{issuer.prefix}/theme/{name}.css" if issuer else "",
        "layout": design.layout if design else "centred",
        "environment": issuer.kind if issuer else "",
        "simulated": bool(issuer and issuer.simulated),
        "host": issuer.url.split("/")[2] if issuer else "",
        "languages": LANGUAGES,
        "own_words": "kl" if language == "kl" and design and design.texts.get("kl") else "",
        "help_url": issuer.support_url if issuer else "",
        "privacy_url": issuer.privacy_url if issuer else "",
        "heading": plain(texts.get("heading", "")) or gettext("Log on at %(service)s") % {"service": plain(alias)},
        "text": plain(texts.get("text", "")),
        "points": [plain(point) for point in texts.get("points", [])],
        "groups": [
            {"title": plain(group["title"]), "links": [(plain(label), plain(url)) for label, url in group["links"]]}
            for group in texts.get("links", [])
        ],
        "content_on_phones": bool(design and design.content_on_phones),
        "logo": f"{issuer.prefix}/logo/{design.logo.digest}" if issuer and design and design.logo else "",
        "logo_size": _shown_size(design.logo) if design and design.logo else (0, 0),
    }


def _shown_size(logo: LogoFile) -> tuple[int, int]:
    """At most 160 x 40 CSS pixels, in its own proportions."""
    scale = min(160 / logo.width, 40 / logo.height)
    return max(1, round(logo.width * scale)), max(1, round(logo.height * scale))


# What belongs to one login replaces a marker; the rest of what a step shows is rendered into its skeleton.
MARKERS = (
    *("user_id", "reference_text", "seconds", "seconds_left", "time_left", "expires_at", "until", "code", "code_seconds", "password"),
    *("chip", "digit_a", "digit_b", "digit_c", "digit_d", "channel", "person", "half_a", "half_b"),
)


def slot(step: str, language: str, shown: dict[str, Any], **values: str) -> str:
    """What the simulator draws inside the slot."""
    context = tuple(sorted((name, _frozen(value)) for name, value in shown.items() if name not in MARKERS))
    markers = {name: str(shown[name]) for name in MARKERS if name in shown}
    for frame in ("a", "b"):
        if half := markers.pop(f"half_{frame}", None):
            markers[f"qr_{frame}"] = qr.path(f"{values['phone_address']}?qr={frame}.{half}")
    if step == "audio_reader":
        markers["spoken"] = _spoken(markers["code"], language)
    return fill(_step(step, language, context), **markers, **values)


def _spoken(code: str, language: str) -> str:
    """A code as it is read aloud: three digits, a pause, three digits."""
    danish, english = "nul en to tre fire fem seks syv otte ni", "zero one two three four five six seven eight nine"
    words = (english if language == "en" else danish).split()
    return " – ".join(", ".join(words[int(digit)] for digit in group) for group in code.split())


@lru_cache(maxsize=4096)
def _step(step: str, language: str, context: tuple[tuple[str, Any], ...]) -> str:
    with translation.override(language):
        return greenlandic.marked(render_to_string(f"loginbox/simulator/{step}.html", dict(context)), language)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return plain(value) if isinstance(value, str) else value


def respond(issuer: IssuerConfig | None, text: str, *, status: int = 200) -> HttpResponse:
    return pages.respond(text, simulated=issuer is not None and issuer.simulated, status=status)
