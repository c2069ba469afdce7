"""What is typed about a design. The rules are authflows.loginbox.design's; here they are asked for and explained."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from authflows.loginbox import design, logos, theme
from authflows.loginbox.contrast import Pair
from authflows.loginbox.design import FORMAT, LANGUAGES, Design, Malformed, Problem

LANGUAGE_NAMES: dict[str, Promise] = {"da": _("Danish"), "en": _("English"), "kl": _("Greenlandic")}
SCHEME_NAMES: dict[str, Promise] = {"light": _("Light"), "dark": _("Dark")}
COLOUR_NAMES: dict[str, Promise] = {
    "panel": _("Panel"),
    "panel-ink": _("Text on the panel"),
    "panel-ink-2": _("Quiet text on the panel"),
    "page": _("Page"),
    "page-ink": _("Text on the page"),
    "page-ink-2": _("Quiet text on the page"),
    "card": _("Card"),
    "card-ink": _("Text on a card"),
    "card-ink-2": _("Quiet text on a card"),
    "line": _("Lines"),
    "line-control": _("Edge of a field"),
    "hover": _("Under the pointer"),
    "action": _("Button"),
    "action-hover": _("Button under the pointer"),
    "on-action": _("Text on the button"),
    "link": _("Link"),
}
FONT_NAMES = [(name, family or _("The system's own")) for name, (family, _file, _fallback) in theme.FONTS.items()]
WEIGHTS = [(400, _("Regular")), (480, _("Somewhat bold")), (620, _("Semibold")), (700, _("Bold"))]
TEXT_FIELDS = ("heading", "text", "points", "links", "cpr_consent")


class DesignForm(forms.Form):
    """`wanted()` is the design that was typed; what is wrong with it stands at its fields."""

    mark = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    layout = forms.ChoiceField(
        label=_("Layout"),
        choices=[("split", _("Split")), ("centred", _("Centred")), ("topbar", _("Top bar"))],
        widget=forms.RadioSelect,
    )
    content_on_phones = forms.BooleanField(
        label=_("Show text, help and links on phones too, below the box"), required=False, help_text=_("Otherwise the box stands alone.")
    )
    kinds = forms.MultipleChoiceField(
        label=_("Applies to"),
        required=False,
        choices=[("login", _("Login")), ("approve", _("Approval")), ("sign", _("Signing"))],
        widget=forms.CheckboxSelectMultiple,
    )
    heading_font = forms.ChoiceField(label=_("Typeface of the heading"), choices=FONT_NAMES)
    body_font = forms.ChoiceField(label=_("Typeface of the text"), choices=FONT_NAMES)
    weight = forms.TypedChoiceField(label=_("Weight of the heading"), coerce=int)
    radius = forms.ChoiceField(
        label=_("Corners"), choices=[("none", _("Sharp")), ("small", _("Slightly round, 4 px")), ("medium", _("Round, 10 px"))]
    )
    logo = forms.FileField(
        label=_("Logo"),
        required=False,
        help_text=_("SVG, PNG, JPEG or WebP, 200 kB at most. Scripts and links are removed."),
        widget=forms.FileInput(attrs={"accept": ".svg,.png,.jpg,.jpeg,.webp"}),
    )
    without_logo = forms.BooleanField(label=_("Remove the logo"), required=False)

    def __init__(self, *args: Any, current: Design, mark: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cleaned_logo: logos.Logo | None = None
        self._wanted: Design | None = None
        self.fields["mark"].initial = mark
        values = current.values
        known = {weight for weight, _name in WEIGHTS}
        self.fields["weight"].choices = WEIGHTS if values["weight"] in known else [*WEIGHTS, (values["weight"], str(values["weight"]))]  # type: ignore[attr-defined]  # fields are typed as their base class
        firsts = {"layout": current.layout, "content_on_phones": current.content_on_phones, "kinds": list(current.kinds)}
        firsts |= {"heading_font": values["heading"], "body_font": values["body"], "weight": values["weight"], "radius": values["radius"]}
        for name, first in firsts.items():
            self.fields[name].initial = first
        for scheme in SCHEME_NAMES:
            for name, label in COLOUR_NAMES.items():
                self.fields[f"{scheme}-{name}"] = _colour(label, values[scheme][name])
        for language in LANGUAGES:
            for name, field in _texts(current.texts.get(language, {})).items():
                self.fields[f"{language}-{name}"] = field

    def schemes(self) -> list[dict[str, Any]]:
        found = []
        for code, name in SCHEME_NAMES.items():
            fields = [self[f"{code}-{each}"] for each in COLOUR_NAMES]
            found.append({"code": code, "name": name, "fields": fields, "open": code == "light" or any(field.errors for field in fields)})
        return found

    def languages(self) -> list[dict[str, Any]]:
        found = []
        for code, name in LANGUAGE_NAMES.items():
            fields = [self[f"{code}-{each}"] for each in TEXT_FIELDS]
            found.append({"code": code, "name": name, "fields": fields, "open": code == "da" or any(field.errors for field in fields)})
        return found

    def wanted(self) -> Design:
        assert self._wanted is not None
        return self._wanted

    def clean_logo(self) -> None:
        upload = self.cleaned_data.get("logo")
        if upload is None:
            return
        if upload.size > logos.LARGEST:
            raise forms.ValidationError(logos.TOO_LARGE)
        try:
            self.cleaned_logo = logos.cleaned(upload.read())
        except logos.Refused as refused:
            raise forms.ValidationError(str(refused.text)) from None

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                self._wanted = design.read(self._document())
            except Malformed as malformed:
                for problem in malformed.problems:
                    self._explain(problem)
        return self.cleaned_data

    def _document(self) -> dict[str, Any]:
        said = self.cleaned_data
        colours = {scheme: {name: said[f"{scheme}-{name}"].lower() for name in COLOUR_NAMES} for scheme in SCHEME_NAMES}
        fonts = {"heading": said["heading_font"], "body": said["body_font"], "weight": said["weight"], "radius": said["radius"]}
        return {
            "format": FORMAT,
            "layout": said["layout"],
            "content_on_phones": said["content_on_phones"],
            "kinds": said["kinds"],
            "values": fonts | colours,
            "texts": {language: self._language(language) for language in LANGUAGES},
        }

    def _language(self, language: str) -> dict[str, Any]:
        said = {name: self.cleaned_data[f"{language}-{name}"].replace("\r\n", "\n") for name in TEXT_FIELDS}
        points = [line for line in said["points"].split("\n") if line.strip()]
        return said | {"points": points, "links": groups_of(said["links"])}

    def _explain(self, problem: Problem) -> None:
        """At the field that a path leads to: $.values.light.panel, $.texts.da.links[0].links[1][1]."""
        parts = re.split(r"[.\[]", problem.path.removeprefix("$.").removeprefix("values.").removeprefix("texts."))
        name = {"heading": "heading_font", "body": "body_font"}.get(parts[0], "-".join(parts[:2]) if len(parts) > 1 else parts[0])
        self.add_error(name if name in self.fields else None, str(problem.text))


def groups_of(text: str) -> list[dict[str, Any]]:
    """Of lines: a text and an address make a link, a text alone begins a group of its name."""
    groups: list[dict[str, Any]] = []
    for line in (line.strip() for line in text.split("\n")):
        label, _space, url = line.rpartition(" ")
        if "://" in url or url.lower().startswith(("javascript:", "data:")):
            if not groups:
                groups.append({"title": "", "links": []})
            groups[-1]["links"].append([label.strip(), url])
        elif line:
            groups.append({"title": line, "links": []})
    return groups


def lines_of(groups: list[dict[str, Any]]) -> str:
    lines = []
    for group in groups:
        lines += [group["title"]] if group["title"] else []
        lines += [f"{label} {url}" for label, url in group["links"]]
    return "\n".join(lines)


def corrected(data: Any, pair: str) -> Any:
    """What was sent, with one colour replaced: `light.panel-ink-2=#8fa39b`, as the button beside a failing pair says."""
    where, _equals, colour = pair.partition("=")
    changed = data.copy()
    name = where.replace(".", "-", 1)
    if name.split("-", 1)[0] in SCHEME_NAMES and name in data:
        changed[name] = colour
    return changed


def correction(pair: Pair) -> str:
    return f"{pair.scheme}.{pair.foreground}={pair.better}"


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("A design as JSON"),
        help_text=_("As another environment exported it. It becomes the draft."),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )

    def clean_file(self) -> bytes:
        upload = self.cleaned_data["file"]
        if upload.size > design.LARGEST_DOCUMENT:
            raise forms.ValidationError(_("The file is too large."))
        return bytes(upload.read())


def _colour(label: Any, first: str) -> forms.Field:
    widget = forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off", "maxlength": "7"})
    return forms.CharField(label=label, max_length=20, initial=first, widget=widget)


def _texts(text: dict[str, Any]) -> dict[str, forms.Field]:
    def area(rows: int) -> forms.Textarea:
        return forms.Textarea(attrs={"rows": rows})

    return {
        "heading": forms.CharField(label=_("Heading"), required=False, max_length=200, initial=text.get("heading", "")),
        "text": forms.CharField(
            label=_("Text"),
            required=False,
            max_length=2000,
            initial=text.get("text", ""),
            help_text=_("240 characters at most. No HTML."),
            widget=area(3),
        ),
        "points": forms.CharField(
            label=_("Help"),
            required=False,
            max_length=2000,
            initial="\n".join(text.get("points", [])),
            help_text=_("One on each line, 4 at most."),
            widget=area(3),
        ),
        "links": forms.CharField(
            label=_("Links"),
            required=False,
            max_length=20_000,
            initial=lines_of(text.get("links", [])),
            help_text=_("One on each line: the text, then the address. A line without an address begins a group of that name."),
            widget=area(4),
        ),
        "cpr_consent": forms.CharField(
            label=_("Consent to a CPR match"),
            required=False,
            max_length=5000,
            initial=text.get("cpr_consent", ""),
            help_text=_("What people agree to before they give their CPR number. Empty: our own wording."),
            widget=area(4),
        ),
    }
